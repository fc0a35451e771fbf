"""The ONNX graph as lowerings read it: nodes with plain attributes, constants, and who reads what."""

from typing import Any, NoReturn

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from export.fold import evaluate
from export.weights import Constants, constants_of
from wedepth.errors import WedepthError


class Node:
    """One ONNX node."""

    def __init__(self, proto: onnx.NodeProto) -> None:
        self.proto = proto
        self.kind: str = proto.op_type
        self.inputs = list(proto.input)
        self.outputs = list(proto.output)
        self.name: str = proto.name or ",".join(proto.output)
        self._attributes = {a.name: helper.get_attribute_value(a) for a in proto.attribute}

    def get(self, attribute: str, default: Any = None) -> Any:
        """An attribute's value (text as str), or `default` where the node does not set it."""
        value = self._attributes.get(attribute, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, index: int) -> bool:
        """Whether optional input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def refuse(self, reason: str) -> NoReturn:
        """Raise: this node cannot be lowered."""
        raise WedepthError(f"ONNX node {self.name!r} ({self.kind}) cannot be made TFLite: {reason}.")


class Graph:
    """Nodes in order, constants by name. What depends on constants alone is computed here and is a constant too.

    `constants` are the graph's own, where it was read without them (`export.weights.read_hub`).
    """

    def __init__(self, model: onnx.ModelProto, constants: Constants | None = None) -> None:
        graph = model.graph
        self.constants = constants_of(model) if constants is None else dict(constants)
        self.inputs = {i.name: _shape(i) for i in graph.input if i.name not in self.constants}
        self.outputs = [o.name for o in graph.output]
        opsets = {o.domain: o.version for o in model.opset_import}
        self.nodes: list[Node] = []
        for proto in graph.node:
            if all(name in self.constants for name in proto.input if name):
                self.constants.update(zip(proto.output, evaluate(proto, self.constants, opsets), strict=True))
            else:
                self.nodes.append(Node(proto))
        self._readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                self._readers.setdefault(name, []).append(node)

    def reader(self, name: str) -> Node | None:
        """The one node that reads a value once; None where it has more readers, or is an output of the graph."""
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def constant(self, node: Node, index: int) -> NDArray[Any] | None:
        """Input `index` of a node, if it is given and constant."""
        return self.constants.get(node.inputs[index]) if node.has(index) else None

    def numbers(self, node: Node, index: int, default: list[Any] | None = None) -> list[Any]:
        """Input `index` (a shape, axes, starts…) as Python numbers; `default` if it is not given."""
        if not node.has(index) and default is not None:
            return default
        value = self.constant(node, index)
        if value is None:
            node.refuse(f"input {index} is not a constant")
        return np.atleast_1d(value).reshape(-1).tolist()

    def axes(self, node: Node, index: int) -> list[int] | None:
        """Axes from input `index` (as newer opsets have them) or from the attribute; None if neither is set."""
        return self.numbers(node, index) if node.has(index) else node.get("axes")

    def places(self) -> set[str]:
        """Outputs of the nodes that compute which rows of a table are looked up, and not what is in them."""
        makers = {name: node for node in self.nodes for name in node.outputs}
        found: set[str] = set()
        pending = [node.inputs[1] for node in self.nodes if node.kind == "Gather"]
        while pending:
            node = makers.get(pending.pop())
            if node is not None and node.kind not in ("MatMul", "Gemm", "Conv") and node.outputs[0] not in found:
                found |= set(node.outputs)
                pending += node.inputs
        return found


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
    if not sizes or min(sizes) < 1 or value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise WedepthError(f"TFLite export needs float32 inputs of fixed size; {value.name!r} is {sizes}.")
    return tuple(sizes)
