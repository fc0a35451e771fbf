"""Lowerings of what works on maps: convolutions, pooling, resizes, depth to space. All of it channels last."""

import math

import numpy as np
from ai_edge_litert.schema_py_generated import Padding

from export.tflite.emit import Emitter, Value
from export.tflite.epilogue import find_epilogue
from export.tflite.graph import Node
from export.tflite.lower import Walk, lowers
from export.tflite.view import View, fresh

NHWC = [0, 2, 3, 1]
F32 = np.float32


def channels_last(walk: Walk, node: Node) -> View:
    """The node's input [1,C,H,W] stored as [1,H,W,C]."""
    x = walk.input(node)
    if len(x.axes) != 4:
        node.refuse(f"its input {list(x.shape)} is not [1,C,H,W]")
    return walk.emit.dense(x, NHWC)


def map_size(x: View) -> tuple[int, int]:
    """(H, W) of a value [1,C,H,W]."""
    return x.shape[2], x.shape[3]


def window(walk: Walk, node: Node, x: View, kernel: list[int], outside: float) -> tuple[View, dict[str, int]]:
    """The input, padded with `outside` where TFLite's own padding is another one, and padding and stride options."""
    stride, dilation = node.get("strides") or [1, 1], node.get("dilations") or [1, 1]
    pads = node.get("pads") or [0, 0, 0, 0]
    if node.get("auto_pad", "NOTSET") != "NOTSET" or node.get("ceil_mode", 0):
        node.refuse("auto_pad and ceil_mode are not explicit sizes")
    same = []
    for size, k, s, d in zip(map_size(x), kernel, stride, dilation, strict=True):
        total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
        same.append((total // 2, total - total // 2))
    padding = Padding.VALID
    if any(pads) and outside in (0, -math.inf) and same == [(pads[0], pads[2]), (pads[1], pads[3])]:
        padding = Padding.SAME
    elif any(pads):
        x = pad_map(walk.emit, x, pads, outside)
    return x, {"padding": padding, "strideH": stride[0], "strideW": stride[1]}


def pad_map(emit: Emitter, x: View, pads: list[int], outside: float) -> View:
    """Pads [top, left, bottom, right] around a map stored as [1,H,W,C]."""
    around = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
    return fresh(*emit.pad(x.tensor, x.stored, around, outside), NHWC)


def output_size(x: View, kernel: list[int], node: Node, padding: int) -> list[int]:
    """(H, W) that a window gives on a map which is padded already, or by TFLite (SAME)."""
    stride, dilation = node.get("strides") or [1, 1], node.get("dilations") or [1, 1]
    if padding == Padding.SAME:
        return [math.ceil(n / s) for n, s in zip(map_size(x), stride, strict=True)]
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    return [(n - r - 1) // s + 1 for n, r, s in zip(map_size(x), reach, stride, strict=True)]


@lowers("Conv")
def conv(walk: Walk, node: Node) -> None:
    emit, x, weight = walk.emit, channels_last(walk, node), walk.array(node, 1)
    channels, groups, kernel = weight.shape[0], node.get("group", 1), list(weight.shape[2:])
    if groups not in (1, x.shape[1]) or len(kernel) != 2:
        node.refuse(f"{groups} groups on {x.shape[1]} channels is neither a plain nor a depthwise convolution")
    end = find_epilogue(walk, node, channels, 4, channel_axis=-3)
    emit.name = end.output
    weight = weight * np.reshape(end.scale, (-1, 1, 1, 1))
    bias = end.with_bias(walk.array(node, 2) if node.has(2) else None)
    bias = np.zeros(channels) if bias is None else np.broadcast_to(bias, channels)
    x, options = window(walk, node, x, kernel, 0)
    dilation = node.get("dilations") or [1, 1]
    options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    depthwise = groups > 1
    if depthwise:
        options["depthMultiplier"] = channels // groups
    laid = weight.transpose(1, 2, 3, 0) if depthwise else weight.transpose(0, 2, 3, 1)
    stored = (1, *output_size(x, kernel, node, options["padding"]), channels)
    weights = emit.file.weight(np.ascontiguousarray(laid), f"{end.output}/weight")
    biases = emit.file.constant(bias.astype(F32), f"{end.output}/bias")
    tensor = emit.op(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        [x.tensor, weights, biases],
        stored,
        fusedActivationFunction=end.activation,
        **options,
    )
    walk.record_layer(node, x, weights, biases, tensor, end)
    end.finish(walk, fresh(tensor, stored, NHWC))


@lowers("ConvTranspose")
def conv_transpose(walk: Walk, node: Node) -> None:
    emit, x, weight = walk.emit, channels_last(walk, node), walk.array(node, 1)
    stride, pads = node.get("strides") or [1, 1], node.get("pads") or [0] * 4
    if node.get("group", 1) != 1 or any(node.get("output_padding") or []) or max(node.get("dilations") or [1]) > 1:
        node.refuse("only one group without output_padding and dilation is TFLite's transposed convolution")
    if node.get("auto_pad", "NOTSET") != "NOTSET":
        node.refuse("auto_pad is not explicit padding")
    channels = weight.shape[1]
    end = find_epilogue(walk, node, channels, 4, channel_axis=-3)
    emit.name = end.output
    bias = end.with_bias(walk.array(node, 2) if node.has(2) else None)
    bias = np.zeros(channels) if bias is None else np.broadcast_to(bias, channels)
    laid = (weight * np.reshape(end.scale, (1, -1, 1, 1))).transpose(1, 2, 3, 0)
    size = [(n - 1) * s + k for n, s, k in zip(map_size(x), stride, weight.shape[2:], strict=True)]
    stored = (1, *size, channels)
    weights = emit.file.weight(np.ascontiguousarray(laid), f"{end.output}/weight")
    biases = emit.file.constant(bias.astype(F32), f"{end.output}/bias")
    tensor = emit.op(
        "TRANSPOSE_CONV",
        [emit.ints(stored), weights, x.tensor, biases],
        stored,
        padding=Padding.VALID,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=end.activation,
    )
    walk.record_layer(node, x, weights, biases, tensor, end)
    result = fresh(tensor, stored, NHWC)
    for axis, (before, after) in enumerate(zip(pads[:2], pads[2:], strict=True)):
        if before or after:
            result = emit.piece(result, axis + 2, before, result.shape[axis + 2] - before - after)
    end.finish(walk, result)


@lowers("MaxPool", "AveragePool")
def pool(walk: Walk, node: Node) -> Value:
    kernel, average = node.get("kernel_shape"), node.kind == "AveragePool"
    if average and any(node.get("pads") or []):
        node.refuse("padding changes the mean")
    if max(node.get("dilations") or [1]) > 1:
        node.refuse("TFLite's pooling has no dilation")
    x, options = window(walk, node, channels_last(walk, node), kernel, -math.inf)
    stored = (1, *output_size(x, kernel, node, options["padding"]), x.shape[1])
    kind = "AVERAGE_POOL_2D" if average else "MAX_POOL_2D"
    tensor = walk.emit.op(kind, [x.tensor], stored, filterHeight=kernel[0], filterWidth=kernel[1], **options)
    return fresh(tensor, stored, NHWC)


@lowers("Resize")
def resize(walk: Walk, node: Node) -> Value:
    x = channels_last(walk, node)
    mode, rule = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    if node.has(3):
        shape = [int(n) for n in walk.graph.numbers(node, 3)]
    else:
        shape = [math.floor(n * s) for n, s in zip(x.shape, walk.graph.numbers(node, 2), strict=True)]
    if shape[:2] != list(x.shape[:2]) or node.get("antialias", 0) or (node.has(3) and node.get("axes")):
        node.refuse(f"{list(x.shape)} → {shape} is not a plain resize of height and width")
    if shape == list(x.shape):
        return x
    if mode == "nearest":
        check_nearest(node, map_size(x), shape[2:], rule)
        kind, options = "RESIZE_NEAREST_NEIGHBOR", {}
    elif mode == "linear" and rule in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        corners = rule == "align_corners"
        kind, options = "RESIZE_BILINEAR", {"alignCorners": corners, "halfPixelCenters": not corners}
    else:
        node.refuse(f"({mode}, {rule}) is neither nearest nor bilinear by half_pixel or align_corners")
    stored = (1, *shape[2:], x.shape[1])
    return fresh(walk.emit.op(kind, [x.tensor, walk.emit.ints(shape[2:])], stored, **options), stored, NHWC)


def check_nearest(node: Node, before: tuple[int, int], after: list[int], rule: str) -> None:
    """Refuse a nearest resize that does not repeat every pixel the same number of times: converters disagree on it."""
    if any(b % a for a, b in zip(before, after, strict=True)):
        node.refuse(f"nearest resize {list(before)} → {after} is not by whole factors")
    form = (rule, node.get("nearest_mode", "round_prefer_floor"))
    half = {(r, m) for r in ("half_pixel", "pytorch_half_pixel") for m in ("round_prefer_floor", "round_prefer_ceil")}
    if form not in {("asymmetric", "floor"), *half}:
        node.refuse(f"nearest resize by {form} does not repeat whole pixels")


@lowers("DepthToSpace")
def depth_to_space(walk: Walk, node: Node) -> Value:
    block = node.get("blocksize")
    x = channels_last(walk, node)
    (_, channels, h, w), deep = x.shape, x.shape[1] // block**2
    if node.get("mode", "DCR") == "CRD":
        split = walk.emit.view(walk.emit.reshape(x, (1, deep, block, block, h, w)))
        moved = split.transposed([0, 1, 4, 2, 5, 3])
        return walk.emit.reshape(moved, (1, deep, h * block, w * block))
    stored = (1, h * block, w * block, channels // block**2)
    return fresh(walk.emit.op("DEPTH_TO_SPACE", [x.tensor], stored, blockSize=block), stored, NHWC)
