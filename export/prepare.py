"""Graph preparation: a network made ready for one input size, every rewrite a function of its own.

What comes out takes an image as people have it (RGB 0…255) and holds no arithmetic on shapes or weights, so that
every converter sees the same plain graph. Weights are shared with the network, which stays as it was.
"""

import copy

import torch
from timm.layers import Attention
from timm.models.swin_transformer import WindowAttention
from torch import Tensor, nn

from wedepth.attention import merge_heads, split_heads
from wedepth.config import check_size
from wedepth.network import MEAN, STD, WEDepth
from wedepth.prompts import SpectralPrompt

# The network masks with -1e9, which half precision cannot hold; at -3e4 a softmax is as exactly zero.
FP16_MASK = -3e4


class Prepared(nn.Module):
    """`image` [1,3,H,W], RGB 0…255 → `depth` [1,1,H,W] in metres."""

    def __init__(self, network: WEDepth, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = check_size(size)
        scale = 1 / (255 * torch.tensor(STD))
        self.register_buffer("scale", scale.reshape(1, 3, 1, 1))
        self.register_buffer("shift", (-255 * torch.tensor(MEAN) * scale).reshape(1, 3, 1, 1))
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image * self.scale + self.shift)


class Constant(nn.Module):
    """A module without input whose value is known."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value.detach())

    def forward(self) -> Tensor:
        return self.value


class PlainAttention(nn.Module):
    """timm's attention with four axes at most (phones' GPUs refuse five) and the scale inside the query."""

    def __init__(self, attention: Attention | WindowAttention) -> None:
        super().__init__()
        self.heads = attention.num_heads
        width = attention.qkv.out_features // 3
        scale = torch.ones(3 * width)
        scale[:width] = attention.scale
        self.qkv = nn.Linear(attention.qkv.in_features, 3 * width)
        self.qkv.weight = nn.Parameter(attention.qkv.weight * scale[:, None], requires_grad=False)
        self.qkv.bias = nn.Parameter(attention.qkv.bias * scale, requires_grad=False)
        self.proj = attention.proj

    def forward(self, x: Tensor, attn_mask: Tensor, is_causal: bool = False) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        scores = query @ key.transpose(-2, -1) + attn_mask
        return self.proj(merge_heads(scores.softmax(dim=-1) @ value))


class PlainWindowAttention(PlainAttention):
    """The same over Swin's windows [windows,side²,C], its relative position bias looked up once."""

    def __init__(self, attention: WindowAttention) -> None:
        super().__init__(attention)
        self.register_buffer("bias", attention._get_rel_pos_bias())

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:  # type: ignore[override]
        return super().forward(x, self.bias if mask is None else self.bias + mask[:, None])


def share_weights(network: WEDepth) -> WEDepth:
    """A copy of the modules that holds the very same tensors: 420 M parameters are not kept twice."""
    tensors = {id(t): t for t in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, tensors).eval().requires_grad_(False)


def fold_prompts(network: WEDepth) -> None:
    """The prompts' Fourier transform does not depend on the image, and no phone has one."""
    for stage in network.prompted.stages:
        if isinstance(stage.prompt, SpectralPrompt):
            stage.prompt = Constant(stage.prompt())


def fold_positions(network: WEDepth, size: tuple[int, int]) -> None:
    """The position table at the size that this image size needs: no bicubic resize is left (Core ML has none)."""
    vfm = network.prompted.vfm
    grid = vfm.patches(size)
    vfm.pos_embed = nn.Parameter(vfm.positions(grid).detach(), requires_grad=False)
    vfm.grid = grid


def flatten_attention(network: WEDepth) -> None:
    """Every attention of timm's as the plain form above."""
    for module in list(network.modules()):
        attention = getattr(module, "attn", None)
        if isinstance(attention, WindowAttention):
            module.attn = PlainWindowAttention(attention)
        elif isinstance(attention, Attention):
            module.attn = PlainAttention(attention)


@torch.no_grad()
def prepare(network: WEDepth, size: tuple[int, int]) -> Prepared:
    """The network for images of `size` (height, width; multiples of 32), ready to be traced."""
    network = share_weights(network)
    network.prompted.masked = FP16_MASK
    fold_prompts(network)
    fold_positions(network, size)
    flatten_attention(network)
    return Prepared(network, size).eval()
