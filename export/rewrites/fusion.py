"""Between injection and decoder everything but a ReLU is linear, and so are the first layers of the decoder."""

from torch import Tensor, nn
from torch.nn import functional as F

from export.rewrites.fold import affine, conv, weight_and_bias
from wedepth.attention import map_size
from wedepth.inject import FusionLevel
from wedepth.network import WEDepth


class FoldedFusionLevel(nn.Module):
    """One level up to its ReLU: sums with x are in the depthwise kernels' centres, the norm in the second of them, and
    features are projected before they are resized (a 1×1 convolution commutes with it)."""

    def __init__(self, level: FusionLevel, before: nn.Linear) -> None:
        """`before` is the linear layer that made the features, which the projection takes in."""
        super().__init__()
        scale, shift = affine(level.norm)
        channels = len(scale)
        weight, bias = weight_and_bias(level.depthwise, channels)
        self.depthwise = conv(_with_identity(weight), bias, channels)
        weight, bias = weight_and_bias(level.depthwise_fused, channels)
        weight = _with_identity(weight) * scale[:, None, None, None]
        self.depthwise_fused = conv(weight, bias * scale + shift, channels)
        weight, bias = weight_and_bias(level.project, channels)
        first, first_bias = weight_and_bias(before, channels)
        weight = weight[:, :, 0, 0]
        self.project = conv((weight @ first)[:, :, None, None], weight @ first_bias + bias)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        features = self.project(features)
        x = self.depthwise(x) + F.interpolate(features, size=map_size(x), mode="bilinear", align_corners=False)
        return F.relu(self.depthwise_fused(x))


def _with_identity(weight: Tensor) -> Tensor:
    """A depthwise kernel [C,1,3,3] that also adds its input."""
    weight = weight.clone()
    weight[:, :, 1, 1] += 1
    return weight


def fold_fusion(network: WEDepth, size: tuple[int, int]) -> None:
    features = network.prompted.features
    for index, level in enumerate(network.fuse.levels):
        network.fuse.levels[index] = FoldedFusionLevel(level, features[-1])
    network.prompted.features = features[:-1]


def fold_level_projection(network: WEDepth, size: tuple[int, int]) -> None:
    shared, shared_bias = weight_and_bias(network.fuse.project, network.fuse.project.out_channels)
    shared = shared[:, :, 0, 0]
    network.fuse.project = nn.Identity()
    for level in network.decoder.levels:
        adapt, lateral, norm = level.adapt[0], level.lateral[0], level.lateral[1]
        scale, shift = affine(norm)
        weight, bias = weight_and_bias(adapt, adapt.out_channels)
        weight = weight[:, :, 0, 0]
        level.adapt = nn.Sequential(conv(_one(weight @ shared), weight @ shared_bias + bias), level.adapt[1])
        weight = lateral.weight.double()[:, :, 0, 0] * scale[:, None]
        level.lateral = nn.Sequential(conv(_one(weight @ shared), weight @ shared_bias + shift), level.lateral[2])


def _one(weight: Tensor) -> Tensor:
    """[O,I] as the weight of a 1×1 convolution."""
    return weight[:, :, None, None]
