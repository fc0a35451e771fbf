"""The ops of an ONNX file. A value between QuantizeLinear and DequantizeLinear has the type that it is kept in."""

import dataclasses
from collections.abc import Iterable
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


def macs_of(kind: str, options: dict[str, Any], first: list[int], second: list[int], result: list[int]) -> int:
    """Multiply-accumulates of an op of a kind in MULTIPLYING, by the shapes of its first two inputs and its output."""
    if kind in ("Conv", "FusedConv"):
        return macs.convolution(result, second[1:])
    if kind == "ConvTranspose":
        return macs.transposed(first, second[1:])
    if kind == "Einsum":
        return macs.einsum(options["equation"].decode(), first, second)
    return macs.product(result, first[-2 if options.get("transA") else -1])


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
        for node in self._unfolded():
            inputs, outputs = self._find(node.input), self._find(node.output)
            module = self._modules.find(node.name, inputs, outputs)
            found.append(Op(node.name, node.op_type, module, self._macs(node, inputs, outputs), inputs, outputs))
        return found

    def _unfolded(self) -> list[Any]:
        """The nodes that read a value, once all types are known: ONNX Runtime's quantiser puts its nodes at the end of
        the file, behind those that read them."""
        left = list(self._graph.node)
        for node in left:
            if node.op_type == "DequantizeLinear":
                self._retype(node.output[0], dtype=self._find(node.input)[0].dtype, scales=1)
        while True:
            waiting = [node for node in left if not all(tensor.constant for tensor in self._find(node.input))]
            if len(waiting) == len(left):
                return left
            kept = {id(node) for node in waiting}
            for name in (name for node in left if id(node) not in kept for name in node.output):
                self._retype(name, constant=True)
            left = waiting

    def _find(self, names: Iterable[str]) -> tuple[Tensor, ...]:
        return tuple(self._tensors.get(name) or Tensor(name, "unknown", None) for name in names if name)

    def _retype(self, name: str, **changes: Any) -> None:
        (tensor,) = self._find([name])
        self._tensors[name] = dataclasses.replace(tensor, **changes)

    def _macs(self, node: Any, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
        if node.op_type not in MULTIPLYING:
            return 0
        first, second, result = (fixed(tensor, node.name) for tensor in (*inputs[:2], outputs[0]))
        options = {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}
        return macs_of(node.op_type, options, first, second, result)

    def _value(self, value: Any) -> Tensor:
        kind = value.type.tensor_type
        shape = None
        if kind.HasField("shape"):
            shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim)
        return Tensor(value.name, self._dtype(kind.elem_type), shape)

    def _dtype(self, number: int) -> str:
        return str(self._onnx.helper.tensor_dtype_to_np_dtype(number)) if number else "unknown"


def fixed(tensor: Tensor, op: str) -> list[int]:
    """The shape of what is multiplied; WedepthError where a size is open."""
    sizes = [size for size in tensor.shape or () if size is not None]
    if tensor.shape is None or len(sizes) < len(tensor.shape):
        raise WedepthError(f"The graph's {tensor.name!r}, which {op!r} multiplies, has no fixed size to count with.")
    return sizes
