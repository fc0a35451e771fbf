"""The hub, an ONNX graph, to a Core ML package."""

import contextlib
import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper

from runtimes.mil_program import import_coremltools, mil_name
from wedepth.errors import WedepthError

# Keys of the metadata for which Core ML has fields of its own; all others are shown as user-defined.
FIELDS = ("author", "license", "short_description", "version")


def convert_coreml(
    onnx_path: Path,
    out: Path,
    *,
    precision: Literal["fp32", "fp16"],
    metadata: dict[str, str],
    input_name: str = "image",
    output_name: str = "depth",
) -> None:
    """Write the graph at `onnx_path` to the package `out` (`….mlpackage`, replaced if there) for iOS 17 and later.

    The package takes an RGB image of H×W pixels and gives a float32 array in the shape of the ONNX output ([1,1,H,W],
    metres). `precision` is that of weights and arithmetic. Raises WedepthError for an op or a form of an op that Core
    ML does not have, and for a graph that is not one image in, one tensor out.
    """
    ct = import_coremltools()
    from export.coreml.precision import HalfPrecision

    model = onnx.load(onnx_path)
    shape = _check_interface(model.graph, input_name, output_name)
    program = build_program(model, input_name, output_name)
    del model
    half = ct.transform.FP16ComputePrecision(op_selector=HalfPrecision())
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        package = ct.convert(
            program,
            source="milinternal",
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS17,
            compute_precision={"fp32": ct.precision.FLOAT32, "fp16": half}[precision],
            inputs=[ct.ImageType(name=input_name, shape=shape, color_layout=ct.colorlayout.RGB)],
            skip_model_load=True,
        )
    for key, value in metadata.items():
        if key in FIELDS:
            setattr(package, key, value)
        else:
            package.user_defined_metadata[key] = value
    package.input_description[input_name] = f"RGB image, {shape[3]} pixels wide and {shape[2]} high"
    package.output_description[output_name] = "Depth in metres, [1, 1, height, width]"
    package.save(str(out))


def build_program(model: onnx.ModelProto, input_name: str, output_name: str) -> Any:
    """The MIL program (coremltools' `Program`) of a graph with one fixed-size input, all tensors float32.

    A tensor is called as in ONNX, with `_` for what MIL's names cannot hold (`runtimes.mil_program.mil_name`).
    """
    ct = import_coremltools()
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  (coremltools' own abbreviation)
    from coremltools.converters.mil.mil import Function, Program, types

    from export.coreml import elementwise, linear, shaping, spatial  # noqa: F401  (they fill the table)
    from export.coreml.node import LOWERINGS, Node, Values

    graph = model.graph
    values = Values({t.name: numpy_helper.to_array(t) for t in graph.initializer})
    shape = [d.dim_value for d in _input(graph, input_name).type.tensor_type.shape.dim]
    image = mb.placeholder(shape=shape, dtype=types.fp32, name=input_name)
    with Function({input_name: image}, opset_version=ct.target.iOS17) as function:
        values[input_name] = function.inputs[input_name]
        for proto in graph.node:
            if proto.op_type == "Constant":
                values.constants[proto.output[0]] = _constant(proto)
                continue
            node = Node(proto, values)
            if node.kind not in LOWERINGS:
                raise WedepthError(f"Core ML has no lowering for ONNX op {node.kind} at node {node.label!r}.")
            try:
                results = LOWERINGS[node.kind](node)
            except (AssertionError, ValueError, TypeError) as error:  # what MIL's type inference raises
                node.refuse(str(error).rstrip("."))
            results = results if isinstance(results, list) else [results]
            for name, var in zip(node.outputs, results, strict=False):
                values[name] = var
                var.set_name(mil_name(name))
        depth = values[output_name]
        function.set_outputs([depth])
    program = Program()
    program.add_function("main", function)
    return program


def _check_interface(graph: onnx.GraphProto, input_name: str, output_name: str) -> list[int]:
    """The shape [1,3,H,W] of the image; raises for any other interface."""
    shape = [d.dim_value for d in _input(graph, input_name).type.tensor_type.shape.dim]
    if len(shape) != 4 or shape[:2] != [1, 3] or 0 in shape:
        raise WedepthError(f"Core ML needs an image of fixed shape [1,3,H,W], and {input_name!r} has {shape}.")
    outputs = [o.name for o in graph.output]
    if outputs != [output_name]:
        raise WedepthError(f"The graph's outputs are {', '.join(outputs)}; for Core ML it must be {output_name!r} alone.")
    return shape


def _input(graph: onnx.GraphProto, name: str) -> onnx.ValueInfoProto:
    constants = {t.name for t in graph.initializer}
    inputs = {i.name: i for i in graph.input if i.name not in constants}
    if list(inputs) != [name]:
        raise WedepthError(f"The graph's inputs are {', '.join(inputs)}; for Core ML it must be {name!r} alone.")
    return inputs[name]


def _constant(proto: onnx.NodeProto) -> np.ndarray:
    value = onnx.helper.get_attribute_value(proto.attribute[0])
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
