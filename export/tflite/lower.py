"""The lowerings' table and the walk over the graph that uses it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx

from export.tflite.emit import Array, Emitter, Value
from export.tflite.file import TfliteFile
from export.tflite.graph import Graph, Node
from export.tflite.view import View, fresh
from export.weights import Constants
from runtimes.tracing import boundaries
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from export.tflite.epilogue import Epilogue

Lowering = Callable[["Walk", Node], "Value | list[Value] | None"]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*kinds: str) -> Callable[[Lowering], Lowering]:
    """Enter a function that lowers nodes of these kinds: it returns their values, or None where it has set them."""

    def enter(lowering: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(kinds, lowering))
        return lowering

    return enter


@dataclass(frozen=True, slots=True)
class Lowered:
    """An operator that multiplies and accumulates: tensors with the ONNX values that they hold, and a factor between.

    The output tensor holds `factor` times the ONNX value `output`. `weight` and `bias` are the constant tensors that it
    has.
    """

    inputs: tuple[tuple[int, str], ...]
    tensor: int
    output: str
    factor: float
    weight: int | None = None
    bias: int | None = None


class Walk:
    """One pass over a graph, node by node: `emit` writes operators, `values` holds what is known so far.

    `ends` says of layers, by node, which value is the last that they may take in.
    """

    def __init__(self, graph: Graph, file: TfliteFile, ends: Mapping[str, str]) -> None:
        self.graph, self.ends = graph, ends
        self.emit = Emitter(file)
        self.values: dict[str, Value] = dict(graph.constants)
        self.absorbed: set[str] = set()  # nodes, by name of their first output, that another one has taken in
        self.dropped: dict[str, str] = {}  # a node's output that is now the same as one of its inputs
        self.scaled: set[str] = set()  # values of which a tensor holds a multiple, for a multiplication further on
        self.operators: dict[str, Lowered] = {}  # by node, those that multiply and accumulate
        self.inputs: dict[str, int] = {}
        for name, shape in graph.inputs.items():
            # An image comes as people have it in TFLite: [1,H,W,C].
            order = [0, 2, 3, 1] if len(shape) == 4 else list(range(len(shape)))
            stored = tuple(shape[i] for i in order)
            self.inputs[name] = file.tensor(stored, name)
            self.values[name] = fresh(self.inputs[name], stored, order)

    def run(self) -> dict[str, int]:
        """Lower every node; the outputs' tensors by name, images as [1,H,W,C]."""
        places = self.graph.places()
        for node in self.graph.nodes:
            if node.outputs[0] in self.absorbed:
                continue
            if node.outputs[0] in self.dropped:
                self.values[node.outputs[0]] = self.values[self.dropped[node.outputs[0]]]
                continue
            lowering = LOWERINGS.get(node.kind)
            if lowering is None:
                raise WedepthError(f"The TFLite export has no lowering for ONNX op {node.kind} at node {node.name!r}.")
            self.emit.name, self.emit.exact = node.outputs[0], node.outputs[0] in places
            result = lowering(self, node)
            if result is not None:
                results = result if isinstance(result, list) else [result]
                self.values.update(zip(node.outputs, results, strict=False))
        return {name: self._output(name) for name in self.graph.outputs}

    def _output(self, name: str) -> int:
        view = self.emit.view(self.values[name])
        order = [0, 2, 3, 1] if len(view.axes) == 4 else list(range(len(view.axes)))
        tensor = self.emit.dense(view, order).tensor
        if tensor in self.inputs.values():  # an output must not be an input, nor a tensor that has another name
            raise WedepthError(f"The graph's output {name!r} is one of its inputs.")
        return tensor

    def input(self, node: Node, index: int = 0) -> View:
        """Input `index` as a tensor's view."""
        return self.emit.view(self.values[node.inputs[index]])

    def value(self, node: Node, index: int) -> Value:
        """Input `index`, which may be a constant array."""
        return self.values[node.inputs[index]]

    def record(self, node: Node, inputs: tuple[View, ...], tensor: int, output: str) -> None:
        """Remember what became of a product of two values."""
        read = tuple((view.tensor, name) for view, name in zip(inputs, node.inputs, strict=False))
        self.operators[node.name] = Lowered(read, tensor, output, 1.0)

    def record_layer(self, node: Node, x: View, weight: int, bias: int, tensor: int, end: "Epilogue") -> None:
        """Remember what became of a layer and of what followed it; `bias` −1 where it has none."""
        read = ((x.tensor, node.inputs[0]),)
        known = bias if bias >= 0 else None
        self.operators[node.name] = Lowered(read, tensor, end.output, end.later, weight, known)

    def array(self, node: Node, index: int) -> Array:
        """Input `index`, which has to be a constant."""
        array = self.graph.constant(node, index)
        if array is None:
            node.refuse(f"input {index} is not a constant")
        return array


def lower(
    model: onnx.ModelProto,
    file: TfliteFile,
    ends: Mapping[str, str] | None = None,
    constants: Constants | None = None,
) -> tuple[dict[str, int], dict[str, int], dict[str, Lowered]]:
    """Write a graph's operators to the file; its inputs' and outputs' tensors by name, and operators by ONNX node.

    A layer takes in all that follows and costs nothing inside it, but nothing beyond its value in `ends`. `constants`
    are those of a graph that was read without them. The file is told where the values lie that one module gives to
    another.
    """
    from export.tflite import arithmetic, images, shaping  # noqa: F401  (they fill the table)

    walk = Walk(Graph(model, constants), file, ends or {})
    outputs = walk.run()
    file.views = {
        name: value
        for name in boundaries(model.graph)
        if isinstance(value := walk.values.get(name), View) and name not in walk.scaled
    }
    return walk.inputs, outputs, walk.operators
