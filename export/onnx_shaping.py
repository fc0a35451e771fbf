"""The second half of the lowering table: ops that move elements about, and resizes."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from export.onnx_lowerings import Run, lowers
from export.onnx_module import Node


@lowers("Reshape")
def reshape(node: Node) -> Run:
    target, allow_zero = node.numbers(1), node.get("allowzero", 0)
    return lambda x, *_: x.reshape([x.shape[i] if n == 0 and not allow_zero else n for i, n in enumerate(target)])


@lowers("Transpose")
def transpose(node: Node) -> Run:
    order = node.get("perm")
    return lambda x: x.permute(order or list(reversed(range(x.ndim))))


@lowers("Flatten")
def flatten(node: Node) -> Run:
    axis = node.get("axis", 1)
    return lambda x: x.reshape(math.prod(x.shape[:axis]), -1)


@lowers("Unsqueeze")
def unsqueeze(node: Node) -> Run:
    axes = node.axes(1) or []

    def run(x: Tensor, *_: None) -> Tensor:
        rank = x.ndim + len(axes)
        shape, wanted = list(x.shape), {a % rank for a in axes}
        return x.reshape([1 if i in wanted else shape.pop(0) for i in range(rank)])

    return run


@lowers("Squeeze")
def squeeze(node: Node) -> Run:
    axes = node.axes(1)

    def run(x: Tensor, *_: None) -> Tensor:
        gone = {a % x.ndim for a in axes} if axes is not None else {i for i, n in enumerate(x.shape) if n == 1}
        return x.reshape([n for i, n in enumerate(x.shape) if i not in gone])

    return run


@lowers("Concat")
def concat(node: Node) -> Run:
    axis = node.get("axis")
    return lambda *parts: torch.cat(parts, axis)


@lowers("Split")
def split(node: Node) -> Run:
    axis, parts = node.get("axis", 0), len(node.outputs)
    sizes = node.numbers(1) if node.has(1) else node.get("split")
    return lambda x, *_: tuple(x.split(sizes or math.ceil(x.shape[axis] / parts), axis))


@lowers("Slice")
def slices(node: Node) -> Run:
    starts, ends = node.numbers(1), node.numbers(2)
    axes, steps = node.numbers(3, list(range(len(starts)))), node.numbers(4, [1] * len(starts))
    if min(steps) < 1:
        node.refuse(f"steps {steps} run backwards")

    def run(x: Tensor, *_: None) -> Tensor:
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            begin, stop, _ = slice(start, end, step).indices(x.shape[axis])
            if (begin, stop, step) != (0, x.shape[axis], 1):
                x = torch.ops.aten.slice.Tensor(x, axis, begin, stop, step)
        return x

    return run


@lowers("Gather")
def gather(node: Node) -> Run:
    axis = node.get("axis", 0)
    constant = node.constants.get(node.inputs[1])
    if constant is not None and constant.ndim == 0:
        number = int(node.numbers(1)[0])
        return lambda x, *_: x.select(axis, number)

    def run(x: Tensor, indices: Tensor) -> Tensor:
        position = axis % x.ndim
        picked = x.index_select(position, (indices % x.shape[position]).reshape(-1))
        return picked.reshape(*x.shape[:position], *indices.shape, *x.shape[position + 1 :])

    return run


@lowers("Expand")
def expand(node: Node) -> Run:
    target = node.numbers(1)
    return lambda x, *_: x.expand(torch.broadcast_shapes(x.shape, target))


@lowers("Pad")
def pad(node: Node) -> Run:
    pads = node.numbers(1)
    value = node.numbers(2, [0.0])[0]
    if node.get("mode", "constant") != "constant":
        node.refuse(f"mode {node.get('mode')!r} is not 'constant'")
    axes = node.numbers(3) if node.has(3) else None

    def run(x: Tensor, *_: None) -> Tensor:
        sides = [[0, 0] for _ in range(x.ndim)]
        where = axes if axes is not None else range(x.ndim)
        for i, axis in enumerate(where):
            sides[axis] = [pads[i], pads[i + len(pads) // 2]]
        return F.pad(x, [n for pair in reversed(sides) for n in pair], value=value)

    return run


@lowers("DepthToSpace")
def depth_to_space(node: Node) -> Run:
    block, mode = node.get("blocksize"), node.get("mode", "DCR")

    def run(x: Tensor) -> Tensor:
        if mode == "CRD":
            return F.pixel_shuffle(x, block)
        batch, channels, h, w = x.shape
        deep = channels // block**2
        x = x.reshape(batch, block * block, deep, h * w).transpose(1, 2)
        return F.pixel_shuffle(x.reshape(batch, channels, h, w), block)

    return run


@lowers("Resize")
def resize(node: Node) -> Run:
    mode, rule = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    scales = node.numbers(2) if node.has(2) else []
    sizes = node.numbers(3) if node.has(3) else []
    if node.has(1):
        node.numbers(1)  # the region of interest, which only tf_crop_and_resize reads
    if mode not in {"nearest", "linear"}:
        node.refuse(f"mode {mode!r} is neither 'nearest' nor 'linear'")
    if node.get("antialias", 0):
        node.refuse("it is antialiased")

    def run(x: Tensor, *_: None) -> Tensor:
        target = [int(n) for n in sizes] or [math.floor(n * s) for n, s in zip(x.shape, scales, strict=True)]
        if x.ndim != 4 or list(x.shape[:2]) != target[:2]:
            node.refuse(f"{list(x.shape)} → {target} is no resize of height and width alone")
        if mode == "nearest":
            _check_nearest(node, list(x.shape[2:]), target[2:], rule)
            return F.interpolate(x, size=target[2:], mode="nearest")
        if rule not in {"half_pixel", "pytorch_half_pixel", "align_corners"}:
            node.refuse(f"coordinate_transformation_mode {rule!r} is not half_pixel or align_corners")
        return F.interpolate(x, size=target[2:], mode="bilinear", align_corners=rule == "align_corners")

    return run


def _check_nearest(node: Node, before: list[int], after: list[int], rule: str) -> None:
    # litert-torch mis-converts fractional nearest resizes without a word: 4 rows → 7 rows, error 4.1 on unit data.
    if any(b % a for a, b in zip(before, after, strict=True)):
        node.refuse(f"nearest resize {before} → {after} is not by whole factors")
    rounding = node.get("nearest_mode", "round_prefer_floor")
    exact = {("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")}
    exact.add(("pytorch_half_pixel", "round_prefer_floor"))
    if (rule, rounding) not in exact:
        node.refuse(f"nearest resize by ({rule}, {rounding}) does not repeat whole pixels")
