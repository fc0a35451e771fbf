"""Long rows of tokens in blocks that stay in the cache, for runtimes that run a graph one whole tensor at a time.

The finest level of `edge` has 6 912 tokens, its decoder 9 180; what a linear layer makes of them is 5 to 14 MB, which
is out of the cache before the next operator reads it. LayerNorm, linear layers, GELU and sums treat every token by
itself: stretches of them are done block after block, with the same numbers.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.weights import Constants

# Tokens of a block, and the most blocks that a stretch is cut into: every one costs its nodes.
TOKENS, MOST = 512, 18
UNARY = ("Gelu", "Relu", "Sigmoid", "Tanh", "Erf", "Sqrt")
PAIRS = ("Add", "Sub", "Mul", "Div")


@dataclass(slots=True)
class Stretch:
    """Nodes in order that treat tokens [1,N,…] by themselves, and that nothing outside comes between."""

    tokens: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)


def block_tokens(model: onnx.ModelProto, arrays: Constants) -> None:
    """Rewrite a graph in place; its `value_info` must have the shapes of what the nodes give.

    `arrays` are its constants (`export.weights.read_hub`), to which those that are new are added.
    """
    graph = model.graph
    shapes = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in (*graph.input, *graph.value_info)
    }
    constants = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, int] = defaultdict(int)
    for node in graph.node:
        for name in node.input:
            readers[name] += 1
    replaced: dict[str, list[onnx.NodeProto]] = {}
    dropped: set[str] = set()
    for stretch in _stretches(graph, shapes, constants):
        if sum(node.op_type == "MatMul" for node in stretch.nodes):
            nodes = _in_blocks(graph, stretch, arrays, readers)
            replaced[stretch.nodes[-1].name] = nodes
            dropped |= {node.name for node in stretch.nodes}
    nodes = [n for node in graph.node for n in replaced.get(node.name, [] if node.name in dropped else [node])]
    del graph.node[:]
    graph.node.extend(_in_order(nodes, {value.name for value in (*graph.initializer, *graph.input)}))


def _stretches(
    graph: onnx.GraphProto, shapes: dict[str, tuple[int, ...]], constants: dict[str, onnx.TensorProto]
) -> list[Stretch]:
    """Every connected set of such nodes. Two that a path through other nodes connects are never of one set: each other
    node on the way makes one more step, and the nodes of a set are as many steps from the input."""
    steps: dict[str, int] = {}
    sets: dict[str, Stretch] = {}  # by tensor
    found: list[Stretch] = []
    for node in graph.node:
        own = _tokens(node, shapes, constants)
        step = max((steps.get(name, 0) for name in node.input), default=0) + (own == 0)
        steps.update(dict.fromkeys(node.output, step))
        if not own:
            continue
        beside = [sets[n] for n in node.input if n in sets and steps[n] == step and sets[n].tokens == own]
        stretch = beside[0] if beside else Stretch(own)
        if not beside:
            found.append(stretch)
        for other in beside[1:]:
            if other is not stretch:
                stretch.nodes += other.nodes
                found.remove(other)
                sets.update({name: stretch for name, of in sets.items() if of is other})
        stretch.nodes.append(node)
        sets.update(dict.fromkeys(node.output, stretch))
    return found


def _tokens(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]], constants: dict[str, onnx.TensorProto]) -> int:
    """The number of tokens of a node that treats each by itself, where blocks are worth it; else 0."""
    shape = shapes.get(node.output[0], ())
    if len(shape) != 3 or shape[0] != 1 or shape[1] < 2 * TOKENS:
        return 0
    by_token = [n not in constants and shapes.get(n, ())[:2] == shape[:2] for n in node.input]
    if node.op_type in UNARY:
        return shape[1] * by_token[0]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "LayerNormalization":
        return shape[1] * (by_token[0] and attributes.get("axis", -1) in (-1, 2))
    if node.op_type == "MatMul":
        weight = constants.get(node.input[1])
        return shape[1] * (by_token[0] and weight is not None and len(weight.dims) == 2)
    if node.op_type in PAIRS:
        fits = (
            t or (n in constants and _constant_fits(constants[n], shape))
            for n, t in zip(node.input, by_token, strict=True)
        )
        return shape[1] * (any(by_token) and all(fits))
    return 0


def _constant_fits(tensor: onnx.TensorProto, shape: tuple[int, ...]) -> bool:
    """Whether a constant is the same for all tokens, or has one row for each."""
    dims = (1,) * (3 - len(tensor.dims)) + tuple(tensor.dims)
    return len(dims) == 3 and dims[0] == 1 and dims[1] in (1, shape[1])


def _in_blocks(
    graph: onnx.GraphProto, stretch: Stretch, arrays: Constants, readers: dict[str, int]
) -> list[onnx.NodeProto]:
    """The nodes of a stretch block by block, between Splits of what it reads and Concats of what is read of it."""
    count = min(MOST, math.ceil(stretch.tokens / TOKENS))
    sizes = [len(part) for part in np.array_split(np.arange(stretch.tokens), count)]
    first = stretch.nodes[0].name
    _add(graph, arrays, f"{first}~blocks", np.array(sizes, np.int64))
    made = {name for node in stretch.nodes for name in node.output}
    inside: dict[str, int] = defaultdict(int)
    for node in stretch.nodes:
        for name in node.input:
            inside[name] += 1
    nodes = []
    parts: dict[str, list[str]] = {}
    for name in inside:
        if name in made:
            parts[name] = [f"{name}~{i}" for i in range(count)]
        elif name in arrays and arrays[name].ndim == 3 and arrays[name].shape[1] > 1:
            parts[name] = [f"{name}~{count}~{i}" for i in range(count)]
            for rows, part in zip(np.split(arrays[name], np.cumsum(sizes)[:-1], axis=1), parts[name], strict=True):
                _add(graph, arrays, part, rows)
        elif name not in arrays:
            parts[name] = [f"{first}~{name}~{i}" for i in range(count)]
            split = f"{first}~{name}~split"
            nodes.append(helper.make_node("Split", [name, f"{first}~blocks"], parts[name], split, axis=1))
    for i in range(count):
        for node in stretch.nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{node.name}~{i}"
            copy.input[:] = [parts[name][i] if name in parts else name for name in node.input]
            copy.output[:] = [f"{name}~{i}" for name in node.output]
            nodes.append(copy)
    outputs = {value.name for value in graph.output}
    for node in stretch.nodes:
        name = node.output[0]
        if readers[name] > inside[name] or name in outputs:
            blocks = [f"{name}~{i}" for i in range(count)]
            nodes.append(helper.make_node("Concat", blocks, [name], f"{name}~whole", axis=1))
    return nodes


def _add(graph: onnx.GraphProto, arrays: Constants, name: str, value: NDArray) -> None:
    """A constant, unless it is there: stretches may read one table."""
    if name not in arrays:
        arrays[name] = value
        graph.initializer.append(numpy_helper.from_array(value, name))


def _in_order(nodes: list[onnx.NodeProto], known: set[str]) -> list[onnx.NodeProto]:
    """The nodes so that each reads only what is there."""
    ordered, waiting = [], list(nodes)
    while waiting:
        left = []
        for node in waiting:
            if all(name in known or not name for name in node.input):
                ordered.append(node)
                known.update(node.output)
            else:
                left.append(node)
        if len(left) == len(waiting):
            raise AssertionError(f"{left[0].name} reads what nothing gives")
        waiting = left
    return ordered
