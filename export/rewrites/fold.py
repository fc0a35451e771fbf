"""Linear layers made one: every product in float64, rounded once."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """A BatchNorm at inference as scale and shift [C], float64: y = scale · x + shift."""
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - scale * norm.running_mean.double()


def weight_and_bias(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, outputs: int) -> tuple[Tensor, Tensor]:
    """A layer's weight and bias [outputs] in float64; zeros for a bias that it does not have."""
    bias = torch.zeros(outputs) if layer.bias is None else layer.bias
    return layer.weight.double(), bias.double()


def conv(weight: Tensor, bias: Tensor, groups: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size of its map: weight [O,I/groups,k,k], bias [O]."""
    outputs, inputs, kernel, _ = weight.shape
    layer = nn.Conv2d(inputs * groups, outputs, kernel, padding=kernel // 2, groups=groups)
    return _filled(layer, weight, bias)


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A linear layer: weight [O,I], bias [O]."""
    return _filled(nn.Linear(weight.shape[1], weight.shape[0]), weight, bias)


def _filled(layer: Layer, weight: Tensor, bias: Tensor) -> Layer:
    layer.weight = nn.Parameter(weight.float(), requires_grad=False)
    layer.bias = nn.Parameter(bias.float(), requires_grad=False)
    return layer.eval()
