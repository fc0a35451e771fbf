"""The graph as a MIL program, built op by op."""

import numpy as np
import onnx
from coremltools import target
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Program, types
from numpy.typing import NDArray
from onnx import numpy_helper

from export.coreml import elementwise, linear, shaping, spatial  # noqa: F401  (they fill the table)
from export.coreml.node import LOWERINGS, Node, Values
from export.weights import Constants, constants_of
from runtimes.mil_program import mil_name
from wedepth.errors import WedepthError


def build_program(
    model: onnx.ModelProto, input_name: str, output_name: str, constants: Constants | None = None
) -> Program:
    """The program of a graph with one float32 input of fixed size, all tensors float32.

    A tensor is called as in ONNX, with `_` for what MIL's names cannot hold (`runtimes.mil_program.mil_name`).
    `constants` are those of a graph that was read without them. Raises WedepthError naming the node whose op, or form
    of it, has no counterpart.
    """
    values = Values(constants_of(model) if constants is None else dict(constants))
    image = next(i for i in model.graph.input if i.name == input_name)
    shape = [d.dim_value for d in image.type.tensor_type.shape.dim]
    placeholder = mb.placeholder(shape=shape, dtype=types.fp32, name=input_name)
    with Function({input_name: placeholder}, opset_version=target.iOS17) as function:
        values[input_name] = function.inputs[input_name]
        for proto in model.graph.node:
            if proto.op_type == "Constant":
                values.constants[proto.output[0]] = _constant(proto)
            else:
                _lower(Node(proto, values), values)
        function.set_outputs([values[output_name]])
    program = Program()
    program.add_function("main", function)
    return program


def _lower(node: Node, values: Values) -> None:
    lowering = LOWERINGS.get(node.kind)
    if lowering is None:
        raise WedepthError(f"Core ML has no lowering for ONNX op {node.kind} at node {node.label!r}.")
    try:
        results = lowering(node)
    except ValueError as error:  # MIL's own check of types and shapes
        node.refuse(str(error).rstrip("."))
    for name, var in zip(node.outputs, results if isinstance(results, list) else [results], strict=False):
        values[name] = var
        var.set_name(mil_name(name))


def _constant(proto: onnx.NodeProto) -> NDArray:
    value = onnx.helper.get_attribute_value(proto.attribute[0])
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
