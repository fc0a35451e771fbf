"""How each ONNX op runs in torch: one table keyed on the op's kind, values exact to ONNX's semantics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor
from torch.nn import functional as F

from export.grid_lookup import grid_lookup
from export.onnx_module import Node

Run = Callable[..., Tensor | tuple[Tensor, ...]]
Lowering = Callable[[Node], Run]
LOWERINGS: dict[str, Lowering] = {}

ELEMENTWISE: dict[str, Run] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div, "Pow": torch.pow,
    "Neg": torch.neg, "Sqrt": torch.sqrt, "Reciprocal": torch.reciprocal, "Exp": torch.exp, "Log": torch.log,
    "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Relu": torch.relu, "Erf": torch.erf, "HardSwish": F.hardswish,
    "MatMul": torch.matmul, "Identity": lambda x: x, "Floor": torch.floor, "Abs": torch.abs,
}  # fmt: skip
LOWERINGS.update({kind: lambda node, run=run: run for kind, run in ELEMENTWISE.items()})

DTYPES = {
    TensorProto.FLOAT: torch.float32,
    TensorProto.FLOAT16: torch.float32,  # the hub is float32 throughout
    TensorProto.INT32: torch.int32,
    TensorProto.INT64: torch.int64,
    TensorProto.BOOL: torch.bool,
}


def lowers(*kinds: str) -> Callable[[Lowering], Lowering]:
    """Enter a function that turns a node of one of these kinds into what runs it on the node's inputs."""

    def enter(lowering: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(kinds, lowering))
        return lowering

    return enter


@lowers("Min", "Max")
def extremes(node: Node) -> Run:
    pick = torch.minimum if node.kind == "Min" else torch.maximum

    def run(first: Tensor, *rest: Tensor) -> Tensor:
        for other in rest:
            first = pick(first, other)
        return first

    return run


@lowers("Clip")
def clip(node: Node) -> Run:
    low = node.numbers(1)[0] if node.has(1) else node.get("min")
    high = node.numbers(2)[0] if node.has(2) else node.get("max")
    return lambda x, *_: x.clamp(low, high)


@lowers("HardSigmoid")
def hard_sigmoid(node: Node) -> Run:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return lambda x: (x * alpha + beta).clamp(0, 1)


@lowers("Gelu")
def gelu(node: Node) -> Run:
    form = node.get("approximate", "none")
    return lambda x: F.gelu(x, approximate=form)


@lowers("Softmax")
def softmax(node: Node) -> Run:
    axis = node.get("axis", -1)
    return lambda x: torch.softmax(x, axis)


@lowers("Cast")
def cast(node: Node) -> Run:
    dtype = DTYPES.get(node.get("to"))
    if dtype is None:
        node.refuse(f"element type {node.get('to')} is not float32, int32, int64 or bool")
    return lambda x: x.to(dtype)


@lowers("Constant")
def constant(node: Node) -> Run:
    value = node.get("value")
    array = numpy_helper.to_array(value) if value is not None else np.asarray(next(iter(node.attributes.values())))
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return lambda: torch.from_numpy(array.copy())


@lowers("LayerNormalization")
def layer_norm(node: Node) -> Run:
    axis, epsilon = node.get("axis", -1), node.get("epsilon", 1e-5)
    return lambda x, weight, bias=None: F.layer_norm(x, x.shape[axis:], weight, bias, epsilon)


@lowers("GroupNormalization")
def group_norm(node: Node) -> Run:
    groups, epsilon = node.get("num_groups"), node.get("epsilon", 1e-5)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if weight.shape[0] != x.shape[1]:  # opset 18 scales by group, opset 21 by channel
            weight, bias = (p.repeat_interleave(x.shape[1] // groups) for p in (weight, bias))
        return _normalize_groups(x, groups, epsilon) * _per_channel(weight, x) + _per_channel(bias, x)

    return run


@lowers("InstanceNormalization")
def instance_norm(node: Node) -> Run:
    epsilon = node.get("epsilon", 1e-5)

    def run(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        axes = list(range(2, x.ndim))
        centred = x - x.mean(axes, keepdim=True)
        scaled = centred * torch.rsqrt((centred * centred).mean(axes, keepdim=True) + epsilon)
        return scaled * _per_channel(weight, x) + _per_channel(bias, x)

    return run


def _normalize_groups(x: Tensor, groups: int, epsilon: float) -> Tensor:
    flat = x.reshape(x.shape[0], groups, -1)
    centred = flat - flat.mean(-1, keepdim=True)
    return (centred * torch.rsqrt((centred * centred).mean(-1, keepdim=True) + epsilon)).reshape(x.shape)


def _per_channel(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.reshape(-1, *[1] * (x.ndim - 2))


@lowers("BatchNormalization")
def batch_norm(node: Node) -> Run:
    epsilon = node.get("epsilon", 1e-5)
    weight, bias, mean, var = (torch.tensor(node.numbers(i)) for i in range(1, 5))
    scale = weight / torch.sqrt(var + epsilon)
    shift = bias - mean * scale
    return lambda x, *_: x * _per_channel(scale, x) + _per_channel(shift, x)


@lowers("Conv", "ConvTranspose")
def convolution(node: Node) -> Run:
    group = node.get("group", 1)
    if node.get("auto_pad", "NOTSET") != "NOTSET":
        node.refuse(f"auto_pad {node.get('auto_pad')!r} is not explicit padding")
    transposed = node.kind == "ConvTranspose"
    pads, strides, dilations, extra = (node.get(k) for k in ("pads", "strides", "dilations", "output_padding"))

    def run(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        axes = x.ndim - 2
        stride, dilation, more = strides or [1] * axes, dilations or [1] * axes, extra or [0] * axes
        before, after = (pads or [0] * 2 * axes)[:axes], (pads or [0] * 2 * axes)[axes:]
        if before != after:
            if transposed:
                node.refuse(f"padding {pads} differs between the sides")
            x, before = F.pad(x, _torch_pads(before, after)), [0] * axes
        return torch.convolution(x, weight, bias, stride, before, dilation, transposed, more, group)

    return run


def _torch_pads(before: list[int], after: list[int]) -> list[int]:
    """ONNX's pads, all starts then all ends, as torch wants them: pairs from the last axis on."""
    return [n for pair in zip(reversed(before), reversed(after), strict=True) for n in pair]


@lowers("Gemm")
def gemm(node: Node) -> Run:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    flip_a, flip_b = node.get("transA", 0), node.get("transB", 0)

    def run(a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
        product = (a.t() if flip_a else a) @ (b.t() if flip_b else b)
        if alpha != 1:
            product = product * alpha
        return product if c is None else product + (c if beta == 1 else c * beta)

    return run


@lowers("ReduceMean", "ReduceSum", "ReduceMax")
def reduce(node: Node) -> Run:
    axes, keep = node.axes(1), bool(node.get("keepdims", 1))
    if axes is None and node.get("noop_with_empty_axes", 0):
        return lambda x, *_: x
    run: Any = {"ReduceMean": torch.mean, "ReduceSum": torch.sum, "ReduceMax": torch.amax}[node.kind]
    return lambda x, *_: run(x, list(range(x.ndim)) if axes is None else axes, keepdim=keep)


@lowers("GlobalAveragePool")
def global_average_pool(node: Node) -> Run:
    return lambda x: x.mean(list(range(2, x.ndim)), keepdim=True)


@lowers("AveragePool", "MaxPool")
def pool(node: Node) -> Run:
    kernel, strides, pads = node.get("kernel_shape"), node.get("strides"), node.get("pads")
    if len(kernel) != 2 or node.get("ceil_mode", 0) or node.get("auto_pad", "NOTSET") != "NOTSET":
        node.refuse("only two-dimensional pooling with explicit padding and floor sizes is exact")
    if node.kind == "AveragePool" and any(pads or []):
        node.refuse(f"padding {pads} changes the mean")
    before, after = (pads or [0] * 4)[:2], (pads or [0] * 4)[2:]
    stride = strides or [1, 1]
    if node.kind == "AveragePool":
        return lambda x: F.avg_pool2d(x, kernel, stride)

    def run(x: Tensor) -> Tensor:
        if before == after:
            return F.max_pool2d(x, kernel, stride, before)
        return F.max_pool2d(F.pad(x, _torch_pads(before, after), value=float("-inf")), kernel, stride)

    return run


@lowers("GridSample")
def grid_sample(node: Node) -> Run:
    form = node.get("mode", "linear"), node.get("padding_mode", "zeros"), node.get("align_corners", 0)
    if form not in {("linear", "zeros", 0), ("bilinear", "zeros", 0)}:
        node.refuse(f"(mode, padding_mode, align_corners) {form} is not ('linear', 'zeros', 0)")
    return grid_lookup
