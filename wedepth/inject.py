"""What happens to the encoder's levels between the encoder and the decoder: split, injection, fusion."""

from torch import Tensor, nn
from torch.nn import functional as F

from wedepth.attention import CrossAttention, SelfAttention, map_size, sine_positions, to_map, to_tokens


def depthwise(dim: int) -> nn.Conv2d:
    """A 3×3 depthwise convolution."""
    return nn.Conv2d(dim, dim, 3, padding=1, groups=dim)


class Split(nn.Module):
    """Per level, cₗ for extraction (1×1 conv) and sₗ for the decoder (depthwise of cₗ), both [B,D,hₗ,wₗ].

    All four levels share one depthwise convolution, as in the authors' code (spec: "Split").
    """

    def __init__(self, channels: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in channels)
        self.depthwise = depthwise(dim)

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        context = [project(x) for project, x in zip(self.project, maps, strict=True)]
        return [self.depthwise(c) for c in context], context


class PatternInjection(nn.Module):
    """A level sₗ [B,D,h,w] takes in its stage's pattern [B,P,D] (spec: "Injection of patterns")."""

    def __init__(self, dim: int, depth: int) -> None:
        super().__init__()
        self.self = SelfAttention(dim)
        self.cross = nn.ModuleList(CrossAttention(dim) for _ in range(depth))
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
            for _ in range(depth)
        )

    def forward(self, maps: Tensor, pattern: Tensor) -> Tensor:
        size = map_size(maps)
        x = to_tokens(maps) + sine_positions(size, int(maps.shape[1]), like=maps)
        pattern = pattern + self.self(pattern)
        for cross, mlp in zip(self.cross, self.mlp, strict=True):
            x = x + cross(x, pattern)
            x = x + mlp(x)
        return to_map(x, size)


class FusionLevel(nn.Module):
    """One level's part of the fusion, up to its ReLU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.depthwise = depthwise(dim)
        self.project = nn.Conv2d(dim, dim, 1)
        self.depthwise_fused = depthwise(dim)
        self.norm = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        x = x + self.depthwise(x)
        x = x + self.project(F.interpolate(features, size=map_size(x), mode="bilinear", align_corners=False))
        x = x + self.depthwise_fused(x)
        return F.relu(self.norm(x))


class Fusion(nn.Module):
    """Levels [B,D,hₗ,wₗ] take in the VFM's features as a map [B,D,rows,cols]; one last 1×1 conv is shared."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(FusionLevel(dim) for _ in range(4))
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, maps: list[Tensor], features: Tensor) -> list[Tensor]:
        return [self.project(level(x, features)) for level, x in zip(self.levels, maps, strict=True)]
