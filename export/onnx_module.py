"""A torch module rebuilt from a prepared ONNX graph, one or two ATen ops an ONNX node.

litert-torch's time goes with the number of ATen nodes, and the graph that people check is the ONNX one: so TFLite is
made from the same hub as every other target, not from the network's own code.
"""

from typing import Any, NoReturn

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from wedepth.errors import WedepthError


class Node:
    """One ONNX node as lowerings see it: attributes as Python values, constant inputs as plain numbers."""

    def __init__(self, proto: onnx.NodeProto, constants: dict[str, Tensor]) -> None:
        self.kind: str = proto.op_type
        self.name: str = proto.name or ",".join(proto.output)
        self.inputs = list(proto.input)
        self.outputs = list(proto.output)
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        self.constants = constants

    def get(self, attribute: str, default: Any = None) -> Any:
        """An attribute's value (text as str), or `default` where the node does not set it."""
        value = self.attributes.get(attribute, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, index: int) -> bool:
        """Whether optional input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def numbers(self, index: int, default: list[Any] | None = None) -> list[Any]:
        """Input `index` (a shape, axes, starts…) as Python numbers, `default` if it is not given.

        The input is thereby used up: the lowering's function gets None in its place.
        """
        if not self.has(index) and default is not None:
            return default
        value = self.constants.get(self.inputs[index]) if self.has(index) else None
        if value is None:
            self.refuse(f"input {index} is not a constant of the graph")
        self.inputs[index] = ""
        return np.atleast_1d(value.numpy()).reshape(-1).tolist()

    def axes(self, index: int) -> list[int] | None:
        """Axes from input `index` (opset 13 or 18 on) or from the attribute `axes` (before); None if neither is set."""
        return self.numbers(index) if self.has(index) else self.get("axes")

    def refuse(self, reason: str) -> NoReturn:
        """Raise: this node cannot be lowered."""
        raise WedepthError(f"ONNX node {self.name!r} ({self.kind}) cannot be rebuilt in torch: {reason}.")


class Step:
    """One node to run: which values go in, what is done, which come out."""

    def __init__(self, node: Node) -> None:
        from export import onnx_shaping  # noqa: F401  (the second half of the table)
        from export.onnx_lowerings import LOWERINGS

        lowering = LOWERINGS.get(node.kind)
        if lowering is None:
            raise WedepthError(f"The torch rebuild has no lowering for ONNX op {node.kind} at node {node.name!r}.")
        self.run = lowering(node)
        self.inputs = node.inputs  # after the lowering has used up some of them
        self.outputs = node.outputs

    def __call__(self, values: dict[str, Tensor]) -> None:
        results = self.run(*(values[name] if name else None for name in self.inputs))
        for name, result in zip(self.outputs, results if isinstance(results, tuple) else (results,), strict=False):
            values[name] = result


class OnnxModule(nn.Module):
    """Takes the graph's inputs in order and gives its outputs in order (one: the tensor itself).

    What depends on constants alone is computed here and now; initializers that are still needed become buffers.
    Raises WedepthError for an op without a lowering and for a form of an op that has no exact counterpart.
    """

    def __init__(self, model: onnx.ModelProto, base_dir: str = "") -> None:
        """`base_dir` is the folder of the model's external data, if it has any that is not loaded yet."""
        super().__init__()
        graph = model.graph
        constants = {t.name: torch.from_numpy(numpy_helper.to_array(t, base_dir).copy()) for t in graph.initializer}
        self.input_names = [i.name for i in graph.input if i.name not in constants]
        self.output_names = [o.name for o in graph.output]
        self.steps: list[Step] = []
        for proto in graph.node:
            node = Node(proto, constants)
            foldable = all(name in constants for name in proto.input if name)
            step = Step(node)
            if foldable:
                step(constants)
            else:
                self.steps.append(step)
        used = {name for step in self.steps for name in step.inputs} | set(self.output_names)
        self.buffer_names = {name: f"c{i}" for i, name in enumerate(n for n in constants if n in used)}
        for name, buffer in self.buffer_names.items():
            self.register_buffer(buffer, constants[name])

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        values = dict(zip(self.input_names, inputs, strict=True))
        values.update({name: getattr(self, buffer) for name, buffer in self.buffer_names.items()})
        for step in self.steps:
            step(values)
        outputs = tuple(values[name] for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs
