"""MIL's convolutions, pools and samplers in torch; entered in the table of `runtimes.mil_ops`."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from runtimes.mil_ops import Unknown, op


@op
def conv(
    x: Tensor,
    weight: Tensor,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
    bias: Tensor | None = None,
) -> Tensor:
    pads = _pads(pad_type, pad)
    apply = {3: functional.conv1d, 4: functional.conv2d, 5: functional.conv3d}[x.ndim]
    if pads[::2] == pads[1::2]:
        return apply(x, weight, bias, strides, pads[::2], dilations, groups)
    return apply(_padded(x, pads), weight, bias, strides, 0, dilations, groups)


@op
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
    bias: Tensor | None = None,
    output_shape: list[int] | None = None,
) -> Tensor:
    if pad_type == "same":
        raise Unknown("pad_type 'same'")
    apply = {3: functional.conv_transpose1d, 4: functional.conv_transpose2d, 5: functional.conv_transpose3d}[x.ndim]
    full = apply(x, weight, bias, strides, groups=groups, dilation=dilations)
    if pad_type == "custom":  # here padding is what is cropped from the output
        for axis, before, after in zip(range(2, x.ndim), pad[::2], pad[1::2], strict=True):
            full = full.narrow(axis, before, full.shape[axis] - before - after)
    return full


@op
def avg_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int],
    pad_type: str,
    pad: list[int],
    exclude_padding_from_average: bool,
    ceil_mode: bool,
) -> Tensor:
    pads = _pads(pad_type, pad)
    apply = {3: functional.avg_pool1d, 4: functional.avg_pool2d, 5: functional.avg_pool3d}[x.ndim]
    if pads[::2] == pads[1::2]:
        return apply(x, kernel_sizes, strides, pads[::2], ceil_mode, not exclude_padding_from_average)
    mean = apply(_padded(x, pads), kernel_sizes, strides, 0, ceil_mode)
    if not exclude_padding_from_average:
        return mean
    return mean / apply(_padded(torch.ones_like(x), pads), kernel_sizes, strides, 0, ceil_mode)


@op
def max_pool(
    x: Tensor, kernel_sizes: list[int], strides: list[int], pad_type: str, pad: list[int], ceil_mode: bool
) -> Tensor:
    pads = _pads(pad_type, pad)
    apply = {3: functional.max_pool1d, 4: functional.max_pool2d, 5: functional.max_pool3d}[x.ndim]
    if pads[::2] == pads[1::2]:
        return apply(x, kernel_sizes, strides, pads[::2], 1, ceil_mode)
    return apply(_padded(x, pads, -math.inf), kernel_sizes, strides, 0, 1, ceil_mode)


@op
def upsample_nearest_neighbor(x: Tensor, scale_factor_height: float, scale_factor_width: float) -> Tensor:
    factors = scale_factor_height, scale_factor_width
    if any(factor != int(factor) for factor in factors):
        raise Unknown(f"scale factors {factors} are not whole")
    return x.repeat_interleave(int(factors[0]), -2).repeat_interleave(int(factors[1]), -1)


@op
def resize_bilinear(x: Tensor, target_size_height: int, target_size_width: int, sampling_mode: str) -> Tensor:
    corners = {"UNALIGN_CORNERS": False, "STRICT_ALIGN_CORNERS": True}
    if sampling_mode not in corners:
        raise Unknown(f"sampling_mode {sampling_mode!r}")
    size = target_size_height, target_size_width
    return functional.interpolate(x, size, mode="bilinear", align_corners=corners[sampling_mode])


@op
def resample(
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    modes = {"constant": "zeros", "border": "border"}
    if coordinates_mode != "normalized_minus_one_to_one" or padding_mode not in modes or padding_value != 0:
        raise Unknown(f"coordinates {coordinates_mode!r}, padding {padding_mode!r} with {padding_value}")
    return functional.grid_sample(x, coordinates, sampling_mode, modes[padding_mode], align_corners)


def _pads(pad_type: str, pad: list[int]) -> list[int]:
    """Padding before and after each spatial axis, in turn."""
    if pad_type not in ("valid", "custom"):
        raise Unknown(f"pad_type {pad_type!r}")
    return pad if pad_type == "custom" else [0] * len(pad)


def _padded(x: Tensor, pads: list[int], value: float = 0.0) -> Tensor:
    last_axis_first = [amount for i in range(len(pads) - 2, -1, -2) for amount in pads[i : i + 2]]
    return functional.pad(x, last_axis_first, value=value)
