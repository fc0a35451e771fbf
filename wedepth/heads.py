"""From the decoder's maps to metres (spec: "Heads")."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wedepth.attention import map_size


class Head(nn.Module):
    """[B,C,h,w] → log depth [B,1,2h,2w], in log metres."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        half = dim // 2
        self.layers = nn.Sequential(
            nn.BatchNorm2d(dim),
            nn.Conv2d(dim, half, 3, padding=1),
            nn.ConvTranspose2d(half, half, 2, stride=2),
            nn.Conv2d(half, half, 3, padding=1),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class DepthHeads(nn.Module):
    """One head a level, coarse to fine; their depths meet at the finest head's size."""

    def __init__(self, dim: int, levels: int = 4) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head(dim) for _ in range(levels))

    def log_depths(self, maps: list[Tensor]) -> list[Tensor]:
        """Log depth of every level, coarse to fine."""
        return [head(x) for head, x in zip(self.heads, maps, strict=True)]

    def forward(self, maps: list[Tensor], image_size: tuple[int, int]) -> Tensor:
        """Metric depth [B,1,H,W] in metres, always positive: the mean of the four heads' depths."""
        depths = [x.exp() for x in self.log_depths(maps)]
        finest = map_size(depths[-1])
        resized = [F.interpolate(x, size=finest, mode="bilinear", align_corners=True) for x in depths]
        mean = torch.cat(resized, dim=1).mean(dim=1, keepdim=True)
        return F.interpolate(mean, size=image_size, mode="bilinear", align_corners=True)
