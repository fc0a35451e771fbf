"""The ops of a TFLite file, as its flatbuffer has them."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtimes.npu import macs
from runtimes.npu.graph import Modules, Op, Tensor
from wedepth.errors import WedepthError

IDENTIFIER = b"TFL3"


def read(artifact: Path) -> list[Op]:
    """The ops of its only graph, each called after the tensor that it gives; WedepthError where it is another thing."""
    from ai_edge_litert import schema_py_generated as schema

    content = artifact.read_bytes() if artifact.is_file() else b""
    if content[4:8] != IDENTIFIER:
        raise WedepthError(f"{artifact.name} is no TFLite file.")
    try:
        model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    except Exception as error:  # whatever the generated reader runs into
        raise WedepthError(f"The TFLite file {artifact.name} is damaged ({type(error).__name__}).") from None
    if len(model.subgraphs) != 1:
        raise WedepthError(f"{artifact.name} has {len(model.subgraphs)} graphs instead of one.")
    return _Reader(schema, model).ops()


class _Reader:
    def __init__(self, schema: Any, model: Any) -> None:
        self._model, self._graph, self._modules = model, model.subgraphs[0], Modules()
        self._kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
        self._types = {value: name.lower() for name, value in vars(schema.TensorType).items() if name.isupper()}
        self._constants = {index for index, tensor in enumerate(self._graph.tensors) if self._stored(tensor)}

    def ops(self) -> list[Op]:
        """Those that read a value; the others unpack weights."""
        found = []
        for operator in self._graph.operators:
            inputs = tuple(self._tensor(index) for index in operator.inputs if index >= 0)
            if inputs and all(tensor.constant for tensor in inputs):
                self._constants.update(int(index) for index in operator.outputs)
                continue
            outputs = tuple(self._tensor(index) for index in operator.outputs)
            kind = self._kind(operator)
            name = outputs[0].name if outputs else kind
            options = {k: v for k, v in vars(operator.builtinOptions or object).items() if not k.startswith("_")}
            module = self._modules.find(name, inputs, outputs)
            found.append(Op(name, kind, module, _macs(kind, inputs, outputs, options), inputs, outputs, options))
        return found

    def _kind(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        kind = self._kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode), "unknown")
        return (code.customCode or b"CUSTOM").decode() if kind == "CUSTOM" else kind

    def _tensor(self, index: int) -> Tensor:
        tensor = self._graph.tensors[index]
        shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
        given = [] if tensor.shapeSignature is None else [int(size) for size in tensor.shapeSignature]
        sizes = tuple(None if size < 0 else size for size in (given or shape))
        scales = 0
        with contextlib.suppress(AttributeError, TypeError):  # neither table nor vector has to be there
            scales = len(tensor.quantization.scale)
        name = tensor.name.decode() if tensor.name else f"tensor {index}"
        return Tensor(name, self._types[tensor.type], sizes, int(index) in self._constants, scales)

    def _stored(self, tensor: Any) -> bool:
        buffer = self._model.buffers[tensor.buffer]
        return (buffer.data is not None and len(buffer.data) > 0) or buffer.offset > 1


def _macs(kind: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], options: dict[str, Any]) -> int:
    count = _COUNTED.get(kind)
    if count is None:
        return 0
    shapes = [[size or 1 for size in tensor.shape or ()] for tensor in (*inputs, outputs[0])]
    return count(shapes[:-1], shapes[-1], options)


_COUNTED: dict[str, Callable[[list[list[int]], list[int], dict[str, Any]], int]] = {
    "CONV_2D": lambda read, result, _: macs.convolution(result, read[1][1:]),
    "DEPTHWISE_CONV_2D": lambda read, result, _: macs.convolution(result, read[1][1:3]),
    "FULLY_CONNECTED": lambda read, result, _: macs.product(result, read[1][-1]),
    "TRANSPOSE_CONV": lambda read, _, __: macs.transposed(read[2], [read[1][0], *read[1][1:3]]),
    "BATCH_MATMUL": lambda read, result, options: macs.product(result, read[0][-2 if options.get("adjX") else -1]),
}
