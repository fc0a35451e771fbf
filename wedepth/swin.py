"""The Swin image encoder in its detection form (spec: "Image encoder").

The attention, MLP and patch embedding are timm's. Padding, rolling and merging are ours: timm's Swin shifts before
it pads and shrinks its windows on small maps; WEDepth's pads first and keeps 7×7 windows with a shift of 3 everywhere.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from timm.layers import Mlp
from timm.models.swin_transformer import WindowAttention
from torch import Tensor, nn
from torch.nn import functional as F

from wedepth.config import SwinConfig

EPS = 1e-6
F32 = np.float32


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Zero-pad [B,h,w,C] on the right and bottom."""
    h, w = int(x.shape[1]), int(x.shape[2])
    bottom, right = -h % multiple, -w % multiple
    return F.pad(x, (0, 0, 0, right, 0, bottom)) if bottom or right else x


def to_windows(x: Tensor, side: int) -> Tensor:
    """[B,h,w,C] → [B·windows,side²,C]; four axes at most, since phones' GPUs refuse more."""
    batch, h, w, channels = (int(n) for n in x.shape)
    x = x.reshape(batch * h // side, side, w // side, side * channels).transpose(1, 2)
    return x.reshape(-1, side * side, channels)


def from_windows(x: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """[B·windows,side²,C] → [B,h,w,C]."""
    h, w = size
    channels = int(x.shape[-1])
    x = x.reshape(-1, w // side, side, side * channels).transpose(1, 2)
    return x.reshape(-1, h, w, channels)


@lru_cache(maxsize=32)
def shift_mask(size: tuple[int, int], side: int, shift: int) -> NDArray[np.float32]:
    """[windows,side²,side²]: −100 between the regions that a roll by −shift brings into one window, else 0."""
    h, w = size

    def regions(length: int) -> NDArray[np.int64]:
        index = np.arange(length)
        return (index >= length - side).astype(np.int64) + (index >= length - shift)

    region = 3 * regions(h)[:, None] + regions(w)[None, :]
    windows = region.reshape(h // side, side, w // side, side).swapaxes(1, 2).reshape(-1, side * side)
    return np.where(windows[:, None, :] != windows[:, :, None], F32(-100), F32(0))


class SwinBlock(nn.Module):
    """One block over a map [B,h,w,C]; `shift` is 0 or half a window."""

    def __init__(self, dim: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = WindowAttention(dim, heads, window_size=window)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        h, w = int(x.shape[1]), int(x.shape[2])
        windows = pad_to_multiple(self.norm1(x), self.window)
        size = (int(windows.shape[1]), int(windows.shape[2]))
        mask = None
        if self.shift:
            windows = windows.roll((-self.shift, -self.shift), dims=(1, 2))
            mask = torch.from_numpy(shift_mask(size, self.window, self.shift)).to(windows)
        windows = self.attn(to_windows(windows, self.window), mask)
        windows = from_windows(windows, self.window, size)
        if self.shift:
            windows = windows.roll((self.shift, self.shift), dims=(1, 2))
        x = x + windows[:, :h, :w]
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """[B,h,w,C] → [B,⌈h/2⌉,⌈w/2⌉,2C]: parities (0,0), (1,0), (0,1), (1,1), LayerNorm, bias-free linear."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim, eps=EPS)
        self.reduction = nn.Linear(4 * dim, out_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = pad_to_multiple(x, 2)
        x = torch.cat([x[:, row::2, col::2] for col in (0, 1) for row in (0, 1)], dim=-1)
        return self.reduction(self.norm(x))


class SwinStage(nn.Module):
    """The blocks of a level, and the merging that leads to the next."""

    def __init__(self, config: SwinConfig, level: int) -> None:
        super().__init__()
        dim, heads = config.dims[level], config.heads[level]
        self.blocks = nn.Sequential(
            *(
                SwinBlock(dim, heads, config.window, shift=config.window // 2 * (index % 2))
                for index in range(config.depths[level])
            )
        )
        last = level + 1 == len(config.dims)
        self.downsample = nn.Identity() if last else PatchMerging(dim, config.dims[level + 1])


class PatchEmbed(nn.Module):
    """[B,3,H,W] → [B,⌈H/4⌉,⌈W/4⌉,C], the input zero-padded to a multiple of 4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 4, stride=4)
        self.norm = nn.LayerNorm(dim, eps=EPS)

    def forward(self, image: Tensor) -> Tensor:
        bottom, right = -int(image.shape[-2]) % 4, -int(image.shape[-1]) % 4
        if bottom or right:
            image = F.pad(image, (0, right, 0, bottom))
        return self.norm(self.proj(image).permute(0, 2, 3, 1))


class SwinEncoder(nn.Module):
    """[B,3,H,W] → four maps [B,dimₗ,hₗ,wₗ] at ¼, ⅛, 1⁄16 and 1⁄32, each behind a LayerNorm of its own."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.dims = config.dims
        self.patch_embed = PatchEmbed(config.dims[0])
        self.layers = nn.ModuleList(SwinStage(config, level) for level in range(len(config.dims)))
        for level, dim in enumerate(config.dims):
            self.add_module(f"norm{level}", nn.LayerNorm(dim, eps=EPS))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.patch_embed(image)
        maps = []
        for level, stage in enumerate(self.layers):
            x = stage.blocks(x)
            maps.append(self.get_submodule(f"norm{level}")(x).permute(0, 3, 1, 2))
            x = stage.downsample(x)
        return maps
