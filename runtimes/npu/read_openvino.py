"""The ops of an OpenVINO model."""

from pathlib import Path
from typing import Any

from runtimes.npu import macs
from runtimes.npu.graph import Modules, Op, Tensor
from runtimes.npu.read_onnx import fixed
from wedepth.errors import WedepthError

_ENDS = ("Parameter", "Result")


def read(artifact: Path) -> list[Op]:
    """Its ops by their friendly names; WedepthError where OpenVINO cannot read it or a product has no fixed size."""
    import openvino

    try:
        model = openvino.Core().read_model(str(artifact))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rstrip(".")
        raise WedepthError(f"OpenVINO cannot read {artifact.name}: {reason}.") from None
    constants: set[str] = set()
    modules = Modules()
    found = []
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        inputs = tuple(_tensor(port.get_source_output(), constants) for port in node.inputs())
        if kind not in _ENDS and all(tensor.constant for tensor in inputs):  # a constant, or made of constants alone
            constants.add(node.get_name())
            continue
        outputs = tuple(_tensor(port, constants) for port in node.outputs())
        module = modules.find(node.get_friendly_name(), inputs, outputs)
        if kind not in _ENDS:
            name = node.get_friendly_name()
            found.append(Op(name, kind, module, _macs(node, kind, inputs, outputs), inputs, outputs))
    return found


def _tensor(output: Any, constants: set[str]) -> Tensor:
    node, shape = output.get_node(), output.get_partial_shape()
    sizes = None
    if shape.rank.is_static:
        sizes = tuple(axis.get_length() if axis.is_static else None for axis in shape)
    name = f"{node.get_name()}:{output.get_index()}"
    return Tensor(name, output.get_element_type().to_dtype().name, sizes, node.get_name() in constants)


def _macs(node: Any, kind: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
    if kind not in _COUNTED:
        return 0
    first, second = (fixed(tensor, node.get_friendly_name()) for tensor in inputs[:2])
    result = fixed(outputs[0], node.get_friendly_name())
    if kind == "Convolution":
        return macs.convolution(result, second[1:])
    if kind == "GroupConvolution":
        return macs.convolution(result, second[2:])
    if kind == "ConvolutionBackpropData":
        return macs.transposed(first, second[1:])
    if kind == "GroupConvolutionBackpropData":
        return macs.transposed(first, second[2:])
    if kind == "ScaledDotProductAttention":  # queries by keys, and what comes of it by values
        return macs.product([*result[:-1], second[-2]], first[-1]) + macs.product(result, second[-2])
    return macs.product(result, first[-2 if node.get_attributes().get("transpose_a") else -1])


_COUNTED = (
    "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData",
    "ScaledDotProductAttention", "MatMul",
)  # fmt: skip
