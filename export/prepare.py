"""Graph preparation: a network made ready for one input size by the rewrites of `export.rewrites`.

What comes out takes an image as people have it (RGB 0…255) and holds no arithmetic on shapes or weights, so that
every converter sees the same plain graph. Weights are shared with the network, which stays as it was.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.rewrites.attention import flatten_window_attention, scale_queries, split_prompted_attention
from export.rewrites.extraction import absorb_extraction
from export.rewrites.fusion import fold_fusion, fold_level_projection
from export.rewrites.heads import fold_heads
from export.rewrites.sampling import sample_points_major
from wedepth.config import check_size
from wedepth.network import MEAN, STD, WEDepth

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A change to a network in place, for images of one size (height, width), and why it is made."""

    name: str
    reason: str
    apply: Callable[[WEDepth, Size], None]


REWRITES = (
    Rewrite(
        "split_prompted_attention",
        "Prompts are given the keys that they see, instead of a mask that is added to all scores.",
        split_prompted_attention,
    ),
    Rewrite(
        "flatten_window_attention", "Swin's windows in four axes, their bias looked up once.", flatten_window_attention
    ),
    Rewrite("absorb_extraction", "Few queries take in what keys and values of every token cost.", absorb_extraction),
    Rewrite("scale_queries", "The scale of scores is in the query's weights.", scale_queries),
    Rewrite("fold_fusion", "Sums and norms in the depthwise kernels; projection before the resize.", fold_fusion),
    Rewrite("fold_level_projection", "Three 1×1 convolutions in a row are two.", fold_level_projection),
    Rewrite("sample_points_major", "Samples are weighed and added up along tokens.", sample_points_major),
    Rewrite("fold_heads", "The heads are linear: 14.5 C² multiplications a cell become 144 C.", fold_heads),
)


class Prepared(nn.Module):
    """`image` [1,3,H,W], RGB 0…255 → `depth` [1,1,H,W] in metres."""

    def __init__(self, network: WEDepth, size: Size) -> None:
        super().__init__()
        self.size = check_size(size)
        scale = 1 / (255 * torch.tensor(STD))
        self.register_buffer("scale", scale.reshape(1, 3, 1, 1))
        self.register_buffer("shift", (-255 * torch.tensor(MEAN) * scale).reshape(1, 3, 1, 1))
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image * self.scale + self.shift)


def share_weights(network: WEDepth) -> WEDepth:
    """A copy of the modules that holds the very same tensors: 420 M parameters are not kept twice."""
    tensors = {id(t): t for t in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, tensors).eval().requires_grad_(False)


@torch.no_grad()
def prepare(network: WEDepth, size: Size, rewrites: Sequence[Rewrite] = REWRITES) -> Prepared:
    """The network for images of `size` (height, width; multiples of 32), ready to be traced."""
    check_size(size)
    network = share_weights(network)
    for rewrite in rewrites:
        rewrite.apply(network, size)
    return Prepared(network, size).eval()
