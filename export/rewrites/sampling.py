"""Deformable attention in the layout in which samples are cheapest to weigh and add up."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.rewrites.fold import linear, weight_and_bias
from wedepth.decoder import LEVELS, DeformableAttention, Sizes, cell_centres
from wedepth.network import WEDepth


class PointsMajorAttention(nn.Module):
    """The same, its tokens innermost: samples [heads,C,P,N] times weights [heads,1,P,N], summed over P.

    Offsets are in −1…1 of their map, 2/(w,h) being in the projection's weights, whose rows run x and y → head → level →
    point. No layer but `sampling_offsets`, `attention_weights` and `value_proj` gives the sampling anything, and it
    gives nothing but `output_proj` its input: a target may do it in another way (`export.lookup`).
    """

    def __init__(self, attention: DeformableAttention, sizes: Sizes) -> None:
        super().__init__()
        self.heads, self.points, self.sizes = attention.heads, attention.points, sizes
        offsets, dim = attention.sampling_offsets, attention.value_proj.in_features
        scale = torch.tensor([(2 / w, 2 / h) for h, w in sizes], dtype=torch.float64)[:, None, :, None]
        weight, bias = weight_and_bias(offsets, offsets.out_features)
        rows = (self.heads, LEVELS, self.points, 2, -1)
        weight, bias = ((x.reshape(rows) * scale).permute(3, 0, 1, 2, 4) for x in (weight, bias))
        self.sampling_offsets = linear(weight.reshape(-1, dim), bias.reshape(-1))
        self.attention_weights = attention.attention_weights
        self.value_proj, self.output_proj = attention.value_proj, attention.output_proj
        centres = cell_centres(sizes, torch.zeros((), dtype=torch.float64))
        self.register_buffer("centres", centres.float().reshape(1, 1, -1, 2))

    def forward(self, query: Tensor, value: Tensor, sizes: Sizes) -> Tensor:
        heads, points, tokens = self.heads, self.points, int(query.shape[1])
        weights = self.attention_weights(query).reshape(tokens, heads, -1).softmax(dim=-1).permute(1, 2, 0)
        weights = weights.reshape(heads, 1, LEVELS * points, tokens).chunk(LEVELS, dim=2)
        offsets = self.sampling_offsets(query).reshape(tokens, 2, heads, LEVELS * points).permute(2, 3, 0, 1)
        grids = (offsets + self.centres).chunk(LEVELS, dim=1)
        values = self.value_proj(value).transpose(1, 2).reshape(heads, -1, tokens)
        sampled: list[Tensor] = []
        for level, (h, w) in zip(values.split([h * w for h, w in self.sizes], dim=2), self.sizes, strict=True):
            maps, grid, weight = level.reshape(heads, -1, h, w), grids[len(sampled)], weights[len(sampled)]
            samples = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
            sampled.append((samples * weight).sum(dim=2))
        return self.output_proj(sum(sampled[1:], sampled[0]).reshape(1, -1, tokens).transpose(1, 2))


def sample_points_major(network: WEDepth, size: tuple[int, int]) -> None:
    sizes = [(size[0] // step, size[1] // step) for step in (32, 16, 8, 4)]
    for layer in network.decoder.layers:
        layer.attention = PointsMajorAttention(layer.attention, sizes)
