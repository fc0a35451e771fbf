"""A TFLite model under construction: tensors, constants and operators, and the flatbuffer they become."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from export.tflite.metadata import METADATA, model_metadata
from export.tflite.view import View
from runtimes.tflite_file import HEADROOM, Place, buffer_of, buffers_size, pack, put_places, read_model
from wedepth.errors import WedepthError

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}
# The lowest version of an operator that has what is used of it, where that is not 1: runtimes refuse what they do not
# know, so a higher one would only shut out older phones.
VERSIONS = {"FULLY_CONNECTED": 5, "RESIZE_BILINEAR": 3, "TRANSPOSE_CONV": 3, "DEQUANTIZE": 2, "BROADCAST_TO": 2}
# Names of the schema's option tables that are not the operator's own in camel case.
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "PADV2": "PadV2Options",
}
SIGNATURE = "serving_default"
# Offsets in the file are 32-bit.
LARGEST = 2**31 - HEADROOM


class TfliteFile:
    """One subgraph and its constants, equal ones stored once; `half` says by name which weights are float16."""

    def __init__(self, half: Callable[[str], bool]) -> None:
        self._half = half
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.operatorCodes = []
        self._model.buffers = [buffer_of(None)]  # buffer 0 is, by convention, the empty one
        self._graph = schema.SubGraphT()
        self._graph.name = "main"
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]
        self._codes: dict[str, int] = {}
        self._constants: dict[tuple[Any, ...], int] = {}
        self._names: dict[str, int] = {}
        self.views: dict[str, View] = {}
        """Values of the ONNX graph, whose places are written into the file."""

    def tensor(self, shape: tuple[int, ...], name: str, dtype: Any = np.float32, buffer: int = 0) -> int:
        """A new tensor; its index. A name that is taken gets a number."""
        tensor = schema.TensorT()
        tensor.shape = np.array(shape, np.int32)
        tensor.type = TYPES[np.dtype(dtype)]
        count = self._names[name] = self._names.get(name, 0) + 1
        tensor.name = name if count == 1 else f"{name}#{count}"
        tensor.buffer = buffer
        tensor.hasRank = True
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, value: NDArray[Any], name: str) -> int:
        """A constant tensor: float32, int32 or bool as given; 64-bit numbers as 32-bit ones."""
        if value.dtype in (np.float64, np.int64):
            value = value.astype(np.float32 if value.dtype == np.float64 else np.int32)
        content = np.ascontiguousarray(value)
        key = (content.shape, content.dtype.str, hashlib.sha256(content.data).digest())
        if key not in self._constants:
            self._model.buffers.append(buffer_of(content))
            index = self.tensor(value.shape, name, content.dtype, len(self._model.buffers) - 1)
            self._constants[key] = index
        return self._constants[key]

    def weight(self, value: NDArray[Any], name: str) -> int:
        """A float constant that is stored as float16 where weights are, and where that can hold it."""
        narrow = _as_float16(value) if self._half(name) else None
        if narrow is None:
            return self.constant(value.astype(np.float32), name)
        half = self.constant(narrow, f"{name}:fp16")
        key = ("float32 of", half)
        if key not in self._constants:
            self._constants[key] = self.tensor(value.shape, name)
            self.operator("DEQUANTIZE", [half], [self._constants[key]])
        return self._constants[key]

    def operator(self, kind: str, inputs: list[int], outputs: list[int], **fields: Any) -> None:
        """Append an operator, a name of the schema's `BuiltinOperator`, with the given fields of its options."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array(outputs, np.int32)
        table = OPTIONS.get(kind) or "".join(word.capitalize() for word in kind.split("_")) + "Options"
        number = getattr(schema.BuiltinOptions, table, None)
        if number is not None:
            operator.builtinOptionsType = number
            operator.builtinOptions = getattr(schema, f"{table}T")()
            for field, value in fields.items():
                setattr(operator.builtinOptions, field, value)
        self._graph.operators.append(operator)

    def name(self, tensor: int) -> str:
        """What a tensor is called."""
        return self._graph.tensors[tensor].name

    def value(self, tensor: int) -> NDArray[Any]:
        """The numbers of a constant tensor."""
        stored = self._graph.tensors[tensor]
        value: NDArray[Any] = self._model.buffers[stored.buffer].data.reshape(stored.shape)
        return value

    def replace(self, tensor: int, value: NDArray[Any]) -> None:
        """Give a constant tensor other numbers, of its shape and type."""
        self._model.buffers[self._graph.tensors[tensor].buffer].data = np.ascontiguousarray(value).reshape(-1)

    def save(self, path: Path, inputs: dict[str, int], outputs: dict[str, int], metadata: dict[str, str]) -> None:
        """Write the file, inputs and outputs by their names. `metadata`, of a network that takes an image, becomes one
        JSON buffer named `wedepth`, and TFLite Metadata, to which `attach_licence` adds its file."""
        for name, index in (*inputs.items(), *outputs.items()):
            for tensor in self._graph.tensors:
                if tensor.name == name:  # a step on the way to it
                    tensor.name = f"{name}#0"
            self._graph.tensors[index].name = name
        self._graph.inputs = np.array(list(inputs.values()), np.int32)
        self._graph.outputs = np.array(list(outputs.values()), np.int32)
        signature = schema.SignatureDefT()
        signature.signatureKey = SIGNATURE
        signature.inputs = [_tensor_map(*item) for item in inputs.items()]
        signature.outputs = [_tensor_map(*item) for item in outputs.items()]
        self._model.signatureDefs = [signature]
        self._model.description = metadata.get("description", "")
        self._model.metadata = []
        self._attach("wedepth", json.dumps(metadata, sort_keys=True).encode())
        if metadata:
            _, height, width, _ = self._graph.tensors[next(iter(inputs.values()))].shape
            self._attach(METADATA, model_metadata(metadata, tuple(inputs), tuple(outputs), (int(width), int(height))))
        places = ((name, view) for name, view in self.views.items() if self._is_computed(view.tensor))
        put_places(self._model, {n: Place(self.name(v.tensor), v.factors, v.axes) for n, v in places})
        _write(self._model, path)

    def _attach(self, name: str, content: bytes) -> None:
        self._model.buffers.append(buffer_of(np.frombuffer(content, np.uint8)))
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, len(self._model.buffers) - 1
        self._model.metadata.append(entry)

    def _is_computed(self, tensor: int) -> bool:
        return self._graph.tensors[tensor].buffer == 0

    def _code(self, kind: str) -> int:
        if kind not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, kind)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = VERSIONS.get(kind, 1)
            self._codes[kind] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        return self._codes[kind]


def write_whole(content: bytes, path: Path) -> None:
    """Write a model with every constant inside its flatbuffer.

    ai-edge-quantizer appends them to the file from 256 KB on, where TFLite Micro does not look for them.
    """
    _write(read_model(content), path)


def _write(model: Any, path: Path) -> None:
    size = buffers_size(model)
    if size > LARGEST:
        raise WedepthError(
            f"A TFLite file holds 2 GB at most, and these weights are {size / 2**30:.1f} GB; export as fp16."
        )
    with path.open("wb") as stream:
        stream.write(pack(model))


def _as_float16(value: NDArray[Any]) -> NDArray[np.float16] | None:
    """A constant in half precision; none where that cannot hold it: beyond 65 504, or so far below 6e-5 that digits
    go. With a LayerScale of 1e-5 in them, weights were 3 % off."""
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    error = np.linalg.norm(half.astype(np.float64) - value)
    return half if error <= np.linalg.norm(value.astype(np.float64)) * 2.0**-10 else None


def _tensor_map(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry
