"""The heads are linear: BatchNorm → 3×3 → 2×2 transposed conv → 3×3 → BatchNorm → 1×1 is one map, and a smaller one.

A pixel of log depth lies in one of four places (a,b) of its low-resolution cell (i,j), and its 3×3 neighbourhood in
2×2 cells: rows i+a−1 and i+a, columns j+b−1 and j+b. What each cell gives to it is linear in the output of the first
convolution there, hence 16 channels, which are a 3×3 convolution of the head's input. Then each place adds up its four,
cells outside the image giving nothing, as zero padding has it. What is left is constant: the biases, which are not the
same at the border, are a map of their own.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.rewrites.fold import affine, weight_and_bias
from wedepth.heads import Head
from wedepth.network import WEDepth

PLACES = [(a, b) for a in (0, 1) for b in (0, 1)]


class FoldedHead(nn.Module):
    """[1,C,h,w] → log depth [1,1,2h,2w], by 9 · 16 · C multiplications a cell instead of 14.5 C²."""

    def __init__(self, head: Head, size: tuple[int, int]) -> None:
        super().__init__()
        norm, first, up, second, last_norm, last = head.layers
        scale, _ = affine(norm)
        narrow = _narrow(up, second, last_norm, last)
        weight, _ = weight_and_bias(first, first.out_channels)
        # Without biases: those of all layers are in the map below.
        self.cells = nn.Conv2d(first.in_channels, 16, 3, padding=1, bias=False)
        folded = torch.einsum("om,mcyx->ocyx", narrow, weight * scale[:, None, None])
        self.cells.weight = nn.Parameter(folded.float(), requires_grad=False)
        self.gather = nn.Conv2d(16, 4, 3, padding=1, bias=False)
        self.gather.weight = nn.Parameter(_gather(), requires_grad=False)
        constant = copy.deepcopy(head).double()(torch.zeros(1, first.in_channels, *size, dtype=torch.float64))
        self.register_buffer("constant", constant.float())

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.gather(self.cells(x)), 2) + self.constant


def _narrow(up: nn.ConvTranspose2d, second: nn.Conv2d, norm: nn.BatchNorm2d, last: nn.Conv2d) -> Tensor:
    """[16,M]: what a cell's M channels behind the first convolution give to place (a,b), as its cell (p,q) of 2×2."""
    scale, _ = affine(norm)
    # The last convolution and BatchNorm make of the second convolution one with a single output: [M,3,3].
    kernel = torch.einsum("o,omyx->myx", last.weight.double()[0, :, 0, 0] * scale, second.weight.double())
    rows = []
    for a, b in PLACES:
        for p, q in PLACES:
            total = torch.zeros(up.in_channels, dtype=torch.float64)
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    # The neighbour (a+dy, b+dx) in high resolution lies in cell ⌊(a+dy)/2⌋, at place (a+dy) mod 2.
                    if ((a + dy) // 2, (b + dx) // 2) == (a - 1 + p, b - 1 + q):
                        taps = up.weight.double()[:, :, (a + dy) % 2, (b + dx) % 2]
                        total += taps @ kernel[:, dy + 1, dx + 1]
            rows.append(total)
    return torch.stack(rows)


def _gather() -> Tensor:
    """[4,16,3,3], ones and zeros: place (a,b) adds up its four channels, each from the cell that it belongs to."""
    weight = torch.zeros(4, 16, 3, 3)
    for place, (a, b) in enumerate(PLACES):
        for cell, (p, q) in enumerate(PLACES):
            weight[place, 4 * place + cell, a + p, b + q] = 1
    return weight


def fold_heads(network: WEDepth, size: tuple[int, int]) -> None:
    sizes = [(size[0] // step, size[1] // step) for step in (32, 16, 8, 4)]
    heads = network.heads.heads
    for index, cells in enumerate(sizes):
        heads[index] = FoldedHead(heads[index], cells)
