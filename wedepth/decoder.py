"""The multi-scale deformable decoder with its top-down path (spec: "Decoder"). Levels run coarse to fine here."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wedepth.attention import map_size, sine_positions, to_map, to_tokens
from wedepth.config import Config, DecoderConfig

LEVELS = 4
Sizes = list[tuple[int, int]]


def cell_centres(sizes: Sizes, like: Tensor) -> Tensor:
    """The centre of every token's cell, (x, y) in −1…1 of its own map, as grid_sample counts: [1,N,1,2]."""
    rows = []
    for h, w in sizes:
        y = (2 * torch.arange(h) + 1) / h - 1
        x = (2 * torch.arange(w) + 1) / w - 1
        rows.append(torch.stack((x.expand(h, w), y[:, None].expand(h, w)), dim=-1).reshape(-1, 2))
    return torch.cat(rows).reshape(1, -1, 1, 2).to(like)


class DeformableAttention(nn.Module):
    """Every token samples a few learned places on every level: bilinear, zeros outside, align_corners=False.

    Rows of both projections run head → level → point (→ x, y), as checkpoints have them.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.heads, self.points = config.heads, config.points
        samples = config.heads * LEVELS * config.points
        self.sampling_offsets = nn.Linear(config.dim, 2 * samples)
        self.attention_weights = nn.Linear(config.dim, samples)
        self.value_proj = nn.Linear(config.dim, config.dim)
        self.output_proj = nn.Linear(config.dim, config.dim)

    def per_head(self, x: Tensor) -> Tensor:
        """[B,N,heads·C] → [B·heads,N,C]."""
        batch, tokens, channels = (int(n) for n in x.shape)
        x = x.reshape(batch, tokens, self.heads, channels // self.heads).transpose(1, 2)
        return x.reshape(batch * self.heads, tokens, channels // self.heads)

    def forward(self, query: Tensor, value: Tensor, sizes: Sizes) -> Tensor:
        """`query` and `value` are [B,N,C], the tokens of all levels in order; so is the result."""
        batch, tokens, channels = (int(n) for n in query.shape)
        centres = cell_centres(sizes, query)
        weights = self.per_head(self.attention_weights(query)).softmax(dim=-1).chunk(LEVELS, dim=-1)
        offsets = self.per_head(self.sampling_offsets(query)).chunk(LEVELS, dim=-1)
        values = self.per_head(self.value_proj(value)).split([h * w for h, w in sizes], dim=1)
        sampled = []
        for level, (h, w) in enumerate(sizes):
            offset = offsets[level].reshape(-1, tokens, self.points, 2)
            # location = centre + offset / (w, h) in 0…1, doubled for −1…1
            grid = centres + offset * offset.new_tensor((2 / w, 2 / h))
            maps = to_map(values[level], (h, w))
            samples = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
            sampled.append((samples * weights[level].unsqueeze(1)).sum(dim=-1))
        heads = sum(sampled[1:], sampled[0])  # [B·heads, C/heads, N]
        return self.output_proj(heads.reshape(batch, channels, tokens).transpose(1, 2))


class DecoderLayer(nn.Module):
    """Pre-norm deformable self-attention and FFN over [B,N,C]; values come from x itself, not from norm(x)."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim)
        self.attention = DeformableAttention(config)
        self.norm2 = nn.LayerNorm(config.dim)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim), nn.GELU(), nn.Linear(config.ffn_dim, config.dim)
        )

    def forward(self, x: Tensor, positions: Tensor, sizes: Sizes) -> Tensor:
        x = x + self.attention(self.norm1(x) + positions, x, sizes)
        return x + self.ffn(self.norm2(x))


def conv_norm_gelu(in_dim: int, out_dim: int, kernel: int) -> nn.Sequential:
    """Bias-free convolution, BatchNorm, GELU."""
    return nn.Sequential(
        nn.Conv2d(in_dim, out_dim, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(out_dim), nn.GELU()
    )


class DecoderLevel(nn.Module):
    """What belongs to one level: the way in, the way out, the lateral and the top-down convolution."""

    def __init__(self, in_dim: int, dim: int) -> None:
        super().__init__()
        self.adapt = nn.Sequential(nn.Conv2d(in_dim, dim, 1), nn.GroupNorm(1, dim))
        self.out = conv_norm_gelu(dim, dim, 1)
        self.lateral = conv_norm_gelu(in_dim, dim, 1)
        self.fpn = conv_norm_gelu(dim, dim, 3)


class Decoder(nn.Module):
    """Four fused maps [B,D,hₗ,wₗ], coarse to fine → four maps [B,C,hₗ,wₗ], coarse to fine."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim = config.decoder.dim
        self.levels = nn.ModuleList(DecoderLevel(config.prompt_dim, dim) for _ in range(LEVELS))
        self.level_embedding = nn.Parameter(torch.randn(LEVELS, dim) * 0.02)
        self.layers = nn.ModuleList(DecoderLayer(config.decoder) for _ in range(config.decoder.layers))

    def attend(self, maps: list[Tensor]) -> list[Tensor]:
        """The deformable layers, from the fused maps to their `out` maps."""
        sizes = [map_size(x) for x in maps]
        tokens, positions = [], []
        for index, (level, x) in enumerate(zip(self.levels, maps, strict=True)):
            tokens.append(to_tokens(level.adapt(x)))
            positions.append(
                sine_positions(sizes[index], int(tokens[-1].shape[-1]), like=x) + self.level_embedding[index]
            )
        x, position = torch.cat(tokens, dim=1), torch.cat(positions, dim=1)
        for layer in self.layers:
            x = layer(x, position, sizes)
        parts = x.split([h * w for h, w in sizes], dim=1)
        return [level.out(to_map(p, size)) for level, p, size in zip(self.levels, parts, sizes, strict=True)]

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        outs = self.attend(maps)
        fused: list[Tensor] = []
        for level, x, out in zip(self.levels, maps, outs, strict=True):
            y = level.lateral(x) + out
            if fused:
                y = y + F.interpolate(fused[-1], size=map_size(x), mode="nearest")
            fused.append(level.fpn(y))
        return fused
