"""The attention form that extraction and injection share (spec: last paragraph of "Forward pass")."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 8


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B,N,C] → [B,heads,N,C/heads]."""
    batch, tokens, channels = x.shape
    return x.reshape(batch, tokens, heads, channels // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[B,heads,N,C/heads] → [B,N,C]."""
    batch, heads, tokens, channels = x.shape
    return x.transpose(1, 2).reshape(batch, tokens, heads * channels)


class SelfAttention(nn.Module):
    """Eight-head attention of tokens to themselves; no output projection, no residual: [B,N,D] → [B,N,D].

    Only the queries are normed: keys and values come from the tokens as they are. The spec's text says otherwise; its
    golden vectors agree to 1e-6 this way and differ by their own size the other.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)

    def attend(self, queries: Tensor, context: Tensor) -> Tensor:
        """Attention of normed queries [B,N,D] to [B,M,D]."""
        query, key, value = (
            split_heads(x, HEADS) for x in (self.query(queries), self.key(context), self.value(context))
        )
        return merge_heads(F.scaled_dot_product_attention(query, key, value))

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(self.norm(x), x)


class CrossAttention(SelfAttention):
    """The same from queries [B,N,D] to a context [B,M,D], which has a LayerNorm of its own."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.norm_context = nn.LayerNorm(dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:  # type: ignore[override]
        return self.attend(self.norm(x), self.norm_context(context))


def to_tokens(maps: Tensor) -> Tensor:
    """[B,C,h,w] → [B,h·w,C], row by row."""
    return maps.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """[B,h·w,C] → [B,C,h,w]."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, *size)


def map_size(maps: Tensor) -> tuple[int, int]:
    """(h, w) of [B,C,h,w] as plain ints, so that exported graphs hold no shape arithmetic."""
    return int(maps.shape[-2]), int(maps.shape[-1])


def sine_positions(size: tuple[int, int], dim: int, like: Tensor) -> Tensor:
    """The sine position embedding [1,h·w,dim] (spec: "Injection of patterns"): y part first, sin and cos interleaved,
    temperature 10000, cumulative positions from 1 normalised to 2π with eps 1e-6. Of the type and device of `like`."""
    h, w = size
    frequency = 10000.0 ** (torch.arange(0, dim // 2, 2, dtype=torch.float32) / (dim // 2))
    parts = []
    for length, shape in ((h, (h, 1, -1)), (w, (1, w, -1))):
        position = torch.arange(1, length + 1, dtype=torch.float32) / (length + 1e-6) * 2 * torch.pi
        angle = position[:, None] / frequency
        waves = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)
        parts.append(waves.reshape(shape).expand(h, w, -1))
    return torch.cat(parts, dim=-1).reshape(1, h * w, dim).to(like)
