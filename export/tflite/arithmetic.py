"""Lowerings of elementwise ops, linear layers, normalisations, softmax and reductions."""

import math

import numpy as np
import onnx

from export.tflite.emit import Value
from export.tflite.epilogue import batch_norm_affine, clip_bounds, find_epilogue
from export.tflite.graph import Node
from export.tflite.lower import Walk, lowers
from export.tflite.view import View

UNARY = {
    "Neg": "NEG",
    "Sqrt": "SQRT",
    "Exp": "EXP",
    "Log": "LOG",
    "Sigmoid": "LOGISTIC",
    "Tanh": "TANH",
    "Relu": "RELU",
    "HardSwish": "HARD_SWISH",
    "Floor": "FLOOR",
    "Abs": "ABS",
}
BINARY = {"Add": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "DIV", "Min": "MINIMUM", "Max": "MAXIMUM", "Pow": "POW"}
REDUCE = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX"}
F32 = np.float32


@lowers(*UNARY)
def unary(walk: Walk, node: Node) -> Value:
    return walk.emit.unary(UNARY[node.kind], walk.input(node))


@lowers(*BINARY)
def binary(walk: Walk, node: Node) -> Value:
    result = walk.value(node, 0)
    for index in range(1, len(node.inputs)):
        result = walk.emit.binary(BINARY[node.kind], result, walk.value(node, index))
    return result


@lowers("Identity")
def identity(walk: Walk, node: Node) -> Value:
    return walk.value(node, 0)


@lowers("Cast")
def cast(walk: Walk, node: Node) -> Value:
    if node.get("to") not in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT32):
        node.refuse("the graph is float32 throughout, but for row numbers")
    return walk.value(node, 0)


@lowers("Reciprocal")
def reciprocal(walk: Walk, node: Node) -> Value:
    return walk.emit.binary("DIV", np.ones((), F32), walk.input(node))


@lowers("Gelu")
def gelu(walk: Walk, node: Node) -> Value:
    return walk.emit.unary("GELU", walk.input(node), approximate=node.get("approximate", "none") == "tanh")


@lowers("Erf")
def erf(walk: Walk, node: Node) -> Value:
    node.refuse("TFLite has no erf; export with opset 20, where GELU is one op")


@lowers("Clip")
def clip(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    low, high = clip_bounds(walk, node)
    if (low, high) == (0, 6):
        return walk.emit.unary("RELU6", x)
    if low == 0:
        x, low = walk.emit.unary("RELU", x), -math.inf
    if low > -math.inf:
        x = walk.emit.binary("MAXIMUM", x, np.array(low, F32))
    return walk.emit.binary("MINIMUM", x, np.array(high, F32)) if high < math.inf else x


@lowers("HardSigmoid")
def hard_sigmoid(walk: Walk, node: Node) -> Value:
    x = walk.emit.mul(walk.input(node), np.array(node.get("alpha", 0.2), F32))
    x = walk.emit.unary("RELU", walk.emit.add(x, np.array(node.get("beta", 0.5), F32)))
    return walk.emit.binary("MINIMUM", x, np.ones((), F32))


@lowers("MatMul")
def matmul(walk: Walk, node: Node) -> Value | None:
    weight = walk.graph.constant(node, 1)
    if weight is None or weight.ndim != 2:
        return batch_matmul(walk, node)
    linear(walk, node, weight, None)
    return None


@lowers("Gemm")
def gemm(walk: Walk, node: Node) -> None:
    weight = walk.graph.constant(node, 1)
    if node.get("transA", 0) or node.get("alpha", 1.0) != 1 or node.get("beta", 1.0) != 1 or weight is None:
        node.refuse("only x·W + b with a constant W is a linear layer")
    bias = walk.array(node, 2) if node.has(2) else None
    linear(walk, node, weight.T if node.get("transB", 0) else weight, bias)


def linear(walk: Walk, node: Node, weight: np.ndarray, bias: np.ndarray | None) -> None:
    """x [..., K] · weight [K, N] + bias, with what follows by channel and ReLU taken in."""
    emit, x = walk.emit, walk.input(node)
    end = find_epilogue(walk, node, weight.shape[1], len(x.axes), channel_axis=-1)
    weight, bias = weight * end.scale, end.with_bias(bias)
    emit.name = end.output
    x = emit.last(x, -1)
    inputs = [x.tensor, emit.file.weight(np.ascontiguousarray(weight.T), f"{end.output}/weight")]
    if bias is not None:
        bias = np.broadcast_to(bias, weight.shape[1]).astype(F32)
    inputs.append(emit.file.constant(bias, f"{end.output}/bias") if bias is not None else -1)
    stored = (*x.stored[:-1], weight.shape[1])
    tensor = emit.op("FULLY_CONNECTED", inputs, stored, keepNumDims=True, fusedActivationFunction=end.activation)
    walk.record_layer(node, x, inputs[1], inputs[2], tensor, end)
    end.finish(walk, emit.resized(x, tensor, -1, len(stored) - 1, weight.shape[1]))


def batch_matmul(walk: Walk, node: Node) -> Value:
    """[..., M, K] · [..., K, N], not both constant."""
    a, b = walk.value(node, 0), walk.value(node, 1)
    rank = len(a.shape)
    if len(b.shape) != rank or rank < 2 or a.shape[:-2] != b.shape[:-2]:
        node.refuse(f"the batch axes of {list(a.shape)} and {list(b.shape)} differ")
    if rank == 3 and a.shape[1] == 1 < a.shape[0]:
        return weighted_sum(walk, walk.emit.view(a), walk.emit.view(b))
    if isinstance(a, View):
        return product(walk, node, a, walk.emit.view(b))
    # TFLite's kernels and quantiser know constants on the right only: the transposed product, transposed. The constant
    # itself is stored so, too: LiteRT's GPU delegate reads one that the operator is to transpose wrongly.
    swap = [*range(rank - 2), rank - 1, rank - 2]
    right = walk.emit.constant(np.ascontiguousarray(a.transpose(swap)))
    return product(walk, node, walk.emit.view(b).transposed(swap), right, swapped=True).transposed(swap)


def weighted_sum(walk: Walk, a: View, b: View) -> View:
    """[B, 1, K] · [B, K, N], thousands of small products: as a multiplication and a sum.

    XNNPACK packs the right side of every product. One decoder layer of `edge` by lookups took 132 ms with
    BATCH_MATMUL, 117 with this.
    """
    weights = walk.emit.reshape(a, (a.shape[0], a.shape[2], 1))
    return walk.emit.reduce("SUM", walk.emit.mul(b, weights), [1], keep=True)


def product(walk: Walk, node: Node, a: View, b: View, swapped: bool = False) -> View:
    """[..., M, K] · [..., K, N] with equal batch axes; `swapped` says that `a` is the node's second operand."""
    emit = walk.emit
    rank = len(a.axes)
    order = list(range(rank))
    a = emit.dense(a)
    # K last in memory is as good to the kernel, and often saves a transpose.
    flip = max(b.axes[-2], default=-1) > max(b.axes[-1], default=-1)
    b = emit.dense(b, [*order[:-2], rank - 1, rank - 2] if flip else order)
    shape = (*a.shape[:-1], b.shape[-1])
    tensor = emit.op("BATCH_MATMUL", [a.tensor, b.tensor], shape, adjX=False, adjY=flip)
    walk.record(node, (b, a) if swapped else (a, b), tensor, node.outputs[0])
    return emit.resized(a, tensor, -1, rank - 1, b.shape[-1])


@lowers("Softmax")
def softmax(walk: Walk, node: Node) -> Value:
    return walk.emit.unary("SOFTMAX", walk.emit.last(walk.input(node), node.get("axis", -1)), beta=1.0)


def normalized(walk: Walk, x: View, axes: list[int], epsilon: float) -> View:
    """(x − mean) / √(variance + ε) over axes, wherever they lie."""
    emit = walk.emit
    centred = emit.binary("SUB", x, emit.reduce("MEAN", x, axes, keep=True))
    variance = emit.reduce("MEAN", emit.mul(centred, centred), axes, keep=True)
    return emit.mul(centred, emit.unary("RSQRT", emit.add(variance, np.array(epsilon, F32))))


@lowers("LayerNormalization")
def layer_normalization(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    rank = len(x.axes)
    first = node.get("axis", -1) % rank
    result = normalized(walk, x, list(range(first, rank)), node.get("epsilon", 1e-5))
    result = walk.emit.mul(result, walk.array(node, 1))
    return walk.emit.add(result, walk.array(node, 2)) if node.has(2) else result


@lowers("InstanceNormalization")
def instance_normalization(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    rank = len(x.axes)
    result = normalized(walk, x, list(range(2, rank)), node.get("epsilon", 1e-5))
    scale, shift = (walk.array(node, i).reshape(-1, *[1] * (rank - 2)) for i in (1, 2))
    if (scale != 1).any():
        result = walk.emit.mul(result, scale)
    return walk.emit.add(result, shift) if (shift != 0).any() else result


@lowers("GroupNormalization")
def group_normalization(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    shape, groups = x.shape, node.get("num_groups")
    split = walk.emit.view(walk.emit.reshape(x, (shape[0], groups, shape[1] // groups, *shape[2:])))
    result = normalized(walk, split, list(range(2, len(split.axes))), node.get("epsilon", 1e-5))
    whole = walk.emit.view(walk.emit.reshape(result, shape))
    for kind, index in (("MUL", 1), ("ADD", 2)):
        parameter = walk.array(node, index)  # by group in opset 18, by channel from 21 on
        parameter = np.repeat(parameter, shape[1] // parameter.size).reshape(-1, *[1] * (len(shape) - 2))
        whole = walk.emit.binary(kind, whole, parameter)
    return whole


@lowers("BatchNormalization")
def batch_normalization(walk: Walk, node: Node) -> Value:
    scale, shift = batch_norm_affine(walk, node)
    x = walk.input(node)
    shape = (-1, *[1] * (len(x.axes) - 2))
    return walk.emit.add(walk.emit.mul(x, scale.reshape(shape)), shift.reshape(shape))


@lowers(*REDUCE)
def reduce(walk: Walk, node: Node) -> Value:
    axes, x = walk.graph.axes(node, 1), walk.input(node)
    if axes is None and node.get("noop_with_empty_axes", 0):
        return x
    return walk.emit.reduce(REDUCE[node.kind], x, axes or list(range(len(x.axes))), bool(node.get("keepdims", 1)))


@lowers("GlobalAveragePool")
def global_average_pool(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    return walk.emit.reduce("MEAN", x, list(range(2, len(x.axes))), keep=True)
