"""The operators of the hub that can be computed in int8: those that multiply and accumulate."""

import math
from collections import defaultdict
from dataclasses import dataclass

import onnx

from wedepth.errors import WedepthError

KINDS = ("MatMul", "Conv", "ConvTranspose")
# What every runtime takes into the operator before it rounds the result to int8.
_FUSED = ("Add", "Clip", "Relu")
_ABSORBED = (*_FUSED, "Mul", "BatchNormalization")
# The fixed convolution of zeros and ones with which the heads put values in their places: nothing to round.
_MOVES = ".gather/"
# The axis of a weight along which it has one scale for each output channel.
_CHANNEL_AXIS = {"MatMul": -1, "Conv": 0, "ConvTranspose": 1}


@dataclass(frozen=True, slots=True)
class Op:
    """One multiplication, by its names in the hub.

    `module` is the module of the network that it belongs to (`vfm.blocks.7.mlp`, `vfm.blocks.7.attn.softmax` for the
    product of a softmax with its values), `weight` its constant operand if it has one, of `weight_size` elements,
    `inputs` the activations that it reads, `output` the activation that leaves it: after its bias and a Clip or Relu,
    which no runtime computes apart. `chain` are all tensors from the node's own result to what a target may take into
    the operator besides: what else is constant by channel.
    """

    node: str
    kind: str
    module: str
    weight: str | None
    inputs: tuple[str, ...]
    output: str
    chain: tuple[str, ...]
    macs: int
    weight_size: int

    @property
    def channel_axis(self) -> int:
        """The weight's axis of output channels."""
        return _CHANNEL_AXIS[self.kind]


def find_ops(model: onnx.ModelProto) -> tuple[Op, ...]:
    """Every MatMul, Conv and ConvTranspose of a hub, in the order of the graph.

    Raises WedepthError for a graph whose sizes are not fixed.
    """
    shapes = _shapes(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    softmax = _probabilities(model)
    for node in model.graph.node:
        for name in node.input:
            readers[name].append(node)
    ops = []
    for node in model.graph.node:
        if node.op_type not in KINDS or _MOVES in node.name:
            continue
        weight = node.input[1] if node.input[1] in constants else None
        inputs = tuple(name for name in node.input[:2] if name not in constants)
        chain = _follow(node, readers, constants, _ABSORBED) if weight else (node.output[0],)
        output = _follow(node, readers, constants, _FUSED)[-1] if weight else node.output[0]
        alone = weight is None or shapes[weight][_CHANNEL_AXIS[node.op_type]] == 1
        module = _module(node, alone) + (".softmax" if softmax & set(inputs) else "")
        size = math.prod(shapes[weight]) if weight else 0
        ops.append(Op(node.name, node.op_type, module, weight, inputs, output, chain, _macs(node, shapes), size))
    return tuple(ops)


def _probabilities(model: onnx.ModelProto) -> set[str]:
    """What leaves a softmax, and what it is after its rows are evened."""
    found: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Softmax" or (node.op_type == "Div" and node.input[0] in found):
            found.add(node.output[0])
    return found


def modules_of(ops: tuple[Op, ...]) -> dict[str, float]:
    """The modules of the network in its order, each with its share of all multiply-accumulates."""
    return _shares(ops, [op.macs for op in ops])


def weights_of(ops: tuple[Op, ...]) -> dict[str, float]:
    """The modules of the network in its order, each with its share of all weights."""
    return _shares(ops, [op.weight_size for op in ops])


def _shares(ops: tuple[Op, ...], counts: list[int]) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    total = sum(counts)
    for op, count in zip(ops, counts, strict=True):
        shares[op.module] += count / total
    return dict(shares)


def activations_of(ops: tuple[Op, ...]) -> tuple[str, ...]:
    """Every activation that an operator of `ops` reads or gives, each once."""
    return tuple(dict.fromkeys(name for op in ops for name in (*op.inputs, op.output)))


def tensors_of(ops: tuple[Op, ...]) -> tuple[str, ...]:
    """Every tensor whose range some target may ask for, each once: activations and what lies between."""
    return tuple(dict.fromkeys(name for op in ops for name in (*op.inputs, *op.chain)))


def _module(node: onnx.NodeProto, alone: bool) -> str:
    """A layer's parent, since its other layers share its fate; or the layer's own, where it is to be told `alone`.

    That is what has no weights, and what gives a single channel: log depth, of which 256 values are few.
    """
    scope = node.name.split("/")[0].removeprefix("prompted.")
    return scope if alone else scope.rpartition(".")[0] or scope


def _follow(
    node: onnx.NodeProto, readers: dict[str, list[onnx.NodeProto]], constants: set[str], kinds: tuple[str, ...]
) -> tuple[str, ...]:
    """The node's result, and what nodes of `kinds` with constants make of it, as long as nobody else reads it."""
    chain = [node.output[0]]
    while len(readers[chain[-1]]) == 1 and readers[chain[-1]][0].op_type in kinds:
        reader = readers[chain[-1]][0]
        if any(name not in constants for name in reader.input if name and name != chain[-1]):
            break
        chain.append(reader.output[0])
    return tuple(chain)


def _macs(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    """Multiply-accumulates of one image."""
    first, second, result = shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]]
    if node.op_type == "MatMul":
        return math.prod(result) * first[-1]
    return math.prod(result if node.op_type == "Conv" else first) * math.prod(second[1:])


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
    unknown = [name for node in graph.node for name in node.output if 0 in shapes.get(name, [0])]
    if unknown:
        raise WedepthError(f"The graph's {unknown[0]!r} has no fixed size; calibration needs a prepared hub.")
    return shapes
