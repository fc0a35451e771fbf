"""Lowerings of convolutions, pools and samplers, which work on [N,C,H,W] (convolutions and pools also on [N,C,W])."""

import math

import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from export.coreml.node import Node, lowers

SAMPLING_MODES = {"linear": "bilinear", "bilinear": "bilinear", "nearest": "nearest"}
SAMPLING_PADDING = {"zeros": "constant", "border": "border"}
# Resize's coordinate transformations by the name of the same grid in MIL's resize_bilinear.
BILINEAR_GRIDS = {
    "half_pixel": "UNALIGN_CORNERS",
    "pytorch_half_pixel": "UNALIGN_CORNERS",
    "align_corners": "STRICT_ALIGN_CORNERS",
}
# (coordinates, rounding) for which enlarging by a whole factor repeats every pixel that many times.
REPEATING = {
    ("asymmetric", "floor"),
    ("half_pixel", "round_prefer_floor"),
    ("half_pixel", "round_prefer_ceil"),
    ("pytorch_half_pixel", "round_prefer_floor"),
    ("pytorch_half_pixel", "round_prefer_ceil"),
}


@lowers("Conv")
def conv(node: Node) -> Var:
    x, weight = node.var(0), node.var(1)
    n = x.rank - 2
    strides, dilations = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    return mb.conv(
        x=x,
        weight=weight,
        bias=node.array(2) if node.has(2) else None,
        strides=strides,
        dilations=dilations,
        groups=node.get("group", 1),
        **_padding(node, x.shape[2:], weight.shape[2:], strides, dilations),
        name=node.name,
    )


@lowers("ConvTranspose")
def conv_transpose(node: Node) -> Var:
    x, weight = node.var(0), node.array(1)
    n = x.rank - 2
    pads, extra = list(node.get("pads", [0] * 2 * n)), node.get("output_padding", [0] * n)
    if node.get("auto_pad", "NOTSET") != "NOTSET" or node.get("output_shape") is not None:
        node.refuse("only explicit padding is known; export it with `pads`")
    for axis in range(n):
        # Padding crops the output: cropping less at the end is what output_padding asks for.
        pads[n + axis] -= extra[axis]
    if min(pads) < 0:
        node.refuse(f"its output_padding {extra} exceeds its padding {node.get('pads')}")
    return mb.conv_transpose(
        x=x,
        weight=weight,
        bias=node.array(2) if node.has(2) else None,
        strides=node.get("strides", [1] * n),
        dilations=node.get("dilations", [1] * n),
        groups=node.get("group", 1),
        pad_type="custom",
        pad=_interleaved(pads),
        name=node.name,
    )


@lowers("AveragePool", "MaxPool")
def pool(node: Node) -> Var:
    x, kernel = node.var(0), node.get("kernel_shape")
    n = len(kernel)
    strides = node.get("strides", [1] * n)
    if any(d != 1 for d in node.get("dilations", [1] * n)):
        node.refuse(f"it is dilated by {node.get('dilations')}")
    if len(node.outputs) > 1:
        node.refuse("it also gives the indices of the maxima")
    padding = _padding(node, x.shape[2:], kernel, strides, [1] * n)
    ceil_mode = bool(node.get("ceil_mode", 0))
    if ceil_mode and padding["pad"][::2] != padding["pad"][1::2]:
        node.refuse(f"ceil_mode needs the same padding on both sides, not {padding['pad']}")
    settings = {"x": x, "kernel_sizes": kernel, "strides": strides, "ceil_mode": ceil_mode, **padding}
    if node.kind == "MaxPool":
        return mb.max_pool(**settings, name=node.name)
    exclude = not node.get("count_include_pad", 0)
    return mb.avg_pool(**settings, exclude_padding_from_average=exclude, name=node.name)


@lowers("GridSample")
def grid_sample(node: Node) -> Var:
    mode = SAMPLING_MODES.get(node.get("mode", "linear"))
    padding = SAMPLING_PADDING.get(node.get("padding_mode", "zeros"))
    if mode is None or padding is None or node.var(0).rank != 4:
        node.refuse(
            f"mode {node.get('mode')!r} with padding {node.get('padding_mode')!r} on rank {node.var(0).rank} is not "
            f"known; known are {', '.join(SAMPLING_MODES)} with {', '.join(SAMPLING_PADDING)} on rank 4"
        )
    return mb.resample(
        x=node.var(0),
        coordinates=node.var(1),
        sampling_mode=mode,
        padding_mode=padding,
        padding_value=np.float32(0),
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=bool(node.get("align_corners", 0)),
        name=node.name,
    )


@lowers("Resize")
def resize(node: Node) -> Var:
    x = node.var(0)
    height, width = _target_size(node, x)
    mode, grid = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    if mode == "linear" and grid in BILINEAR_GRIDS and not node.get("antialias", 0):
        if grid == "pytorch_half_pixel" and 1 in (height, width):
            node.refuse("pytorch_half_pixel takes the first pixel for a side of 1, Core ML the middle")
        return mb.resize_bilinear(
            x=x,
            target_size_height=height,
            target_size_width=width,
            sampling_mode=BILINEAR_GRIDS[grid],
            name=node.name,
        )
    rounding = node.get("nearest_mode", "round_prefer_floor")
    factors = height // x.shape[-2], width // x.shape[-1]
    whole = (factors[0] * x.shape[-2], factors[1] * x.shape[-1]) == (height, width)
    if mode == "nearest" and (grid, rounding) in REPEATING and whole:
        return mb.upsample_nearest_neighbor(
            x=x, scale_factor_height=factors[0], scale_factor_width=factors[1], name=node.name
        )
    return node.refuse(
        f"mode {mode!r} from {tuple(x.shape[-2:])} to {(height, width)} with {grid!r}, {rounding!r} is not known; "
        f"known are linear with {', '.join(BILINEAR_GRIDS)}, and nearest by whole factors"
    )


def _target_size(node: Node, x: Var) -> tuple[int, int]:
    """Height and width that a Resize gives; refuses one that changes other axes or a scale that is not their ratio."""
    axes = [axis % x.rank for axis in node.get("axes", range(x.rank))]
    new = list(x.shape)
    if node.has(3):
        if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            node.refuse("it keeps the aspect ratio; give it the exact size")
        for axis, size in zip(axes, node.numbers(3), strict=True):
            new[axis] = size
    else:
        for axis, scale in zip(axes, node.numbers(2), strict=True):
            new[axis] = math.floor(round(x.shape[axis] * scale, 3))
            if abs(new[axis] - x.shape[axis] * scale) > 1e-3:
                node.refuse(f"scale {scale} of a side of {x.shape[axis]} gives no whole number of pixels")
    if x.rank != 4 or new[:2] != list(x.shape[:2]):
        node.refuse(f"it resizes {tuple(x.shape)} to {tuple(new)}; only height and width of [N,C,H,W] can change")
    return new[2], new[3]


def _padding(
    node: Node, size: list[int], kernel: list[int], strides: list[int], dilations: list[int]
) -> dict[str, str | list[int]]:
    """The `pad_type` and `pad` of a convolution or pool, with SAME written out as numbers."""
    auto = node.get("auto_pad", "NOTSET")
    n = len(kernel)
    pads = list(node.get("pads", [0] * 2 * n))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        for axis in range(n):
            reach = dilations[axis] * (kernel[axis] - 1) + 1
            total = max(0, (math.ceil(size[axis] / strides[axis]) - 1) * strides[axis] + reach - size[axis])
            ends = total // 2, total - total // 2
            pads[axis], pads[n + axis] = ends if auto == "SAME_UPPER" else ends[::-1]
    return {"pad_type": "custom", "pad": _interleaved(pads)}


def _interleaved(pads: list[int]) -> list[int]:
    """ONNX's [top, left, bottom, right] as MIL's [top, bottom, left, right]."""
    n = len(pads) // 2
    return [amount for axis in range(n) for amount in (pads[axis], pads[n + axis])]
