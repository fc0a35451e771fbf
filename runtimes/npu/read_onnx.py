"""The ops of an ONNX file. A value between QuantizeLinear and DequantizeLinear has the type that it is kept in."""

import dataclasses
from pathlib import Path
from typing import Any

from runtimes.npu import macs
from runtimes.npu.graph import Modules, Op, Tensor
from wedepth.errors import WedepthError

MULTIPLYING = ("MatMul", "Gemm", "FusedMatMul", "Conv", "FusedConv", "ConvTranspose", "Einsum")


def read(artifact: Path) -> list[Op]:
    """Its ops; WedepthError where it cannot be parsed or a product has no fixed size."""
    import onnx

    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(str(artifact), load_external_data=False))
    except Exception as error:  # protobuf's own exception, which has no types
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WedepthError(f"ONNX cannot read {artifact.name}: {reason.rstrip('.')}.") from None
    return _Reader(onnx, model).ops()


class _Reader:
    def __init__(self, onnx: Any, model: Any) -> None:
        self._onnx, self._graph, self._modules = onnx, model.graph, Modules()
        self._tensors: dict[str, Tensor] = {}
        for tensor in model.graph.initializer:
            dtype = self._dtype(tensor.data_type)
            self._tensors[tensor.name] = Tensor(tensor.name, dtype, tuple(tensor.dims), constant=True)
        for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
            self._tensors.setdefault(value.name, self._value(value))

    def ops(self) -> list[Op]:
        """Those that read a value; the others are folded."""
        found = []
        for node in self._graph.node:
            inputs = tuple(self._tensors.get(name, _unknown(name)) for name in node.input if name)
            outputs = tuple(self._tensors.get(name, _unknown(name)) for name in node.output if name)
            if all(tensor.constant for tensor in inputs):
                for tensor in outputs:
                    kept = inputs[0].dtype if node.op_type == "DequantizeLinear" else tensor.dtype
                    self._tensors[tensor.name] = dataclasses.replace(tensor, constant=True, dtype=kept)
                continue
            if node.op_type == "DequantizeLinear":
                outputs = (dataclasses.replace(outputs[0], dtype=inputs[0].dtype, scales=1),)
                self._tensors[outputs[0].name] = outputs[0]
            module = self._modules.find(node.name, inputs, outputs)
            found.append(Op(node.name, node.op_type, module, self._macs(node, inputs, outputs), inputs, outputs))
        return found

    def _macs(self, node: Any, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
        if node.op_type not in MULTIPLYING:
            return 0
        first, second, result = (fixed(tensor, node.name) for tensor in (*inputs[:2], outputs[0]))
        options = {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type in ("Conv", "FusedConv"):
            return macs.convolution(result, second[1:])
        if node.op_type == "ConvTranspose":
            return macs.transposed(first, second[1:])
        if node.op_type == "Einsum":
            return macs.einsum(options["equation"].decode(), first, second)
        return macs.product(result, first[-2 if options.get("transA") else -1])

    def _value(self, value: Any) -> Tensor:
        kind = value.type.tensor_type
        shape = None
        if kind.HasField("shape"):
            shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim)
        return Tensor(value.name, self._dtype(kind.elem_type), shape)

    def _dtype(self, number: int) -> str:
        return str(self._onnx.helper.tensor_dtype_to_np_dtype(number)) if number else "unknown"


def _unknown(name: str) -> Tensor:
    return Tensor(name, "unknown", None)


def fixed(tensor: Tensor, op: str) -> list[int]:
    """The shape of what is multiplied; WedepthError where a size is open."""
    sizes = [size for size in tensor.shape or () if size is not None]
    if tensor.shape is None or len(sizes) < len(tensor.shape):
        raise WedepthError(f"The graph's {tensor.name!r}, which {op!r} multiplies, has no fixed size to count with.")
    return sizes
