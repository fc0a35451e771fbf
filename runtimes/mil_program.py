"""A saved Core ML package read back: its MIL operations, what each declares to give, and its constants."""

import json
import logging
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wedepth.errors import WedepthError

# MIL.proto's DataType and the same type in NumPy; strings are handled apart.
DTYPES = {
    1: np.dtype(np.bool_),
    10: np.dtype(np.float16),
    11: np.dtype(np.float32),
    21: np.dtype(np.int8),
    22: np.dtype(np.int16),
    23: np.dtype(np.int32),
    31: np.dtype(np.uint8),
    32: np.dtype(np.uint16),
}
STRING = 2
# A record of weight.bin begins with 64 bytes, of which these are the first: marker, storage type, size, offset of data.
_RECORD = struct.Struct("<IIQQ")
_MARKER = 0xDEADBEEF


@dataclass(frozen=True, slots=True)
class Declared:
    """What the file says that a value is."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One MIL operation: parameters by name, each bound to the names of the values it reads."""

    kind: str
    inputs: dict[str, list[str]]
    outputs: list[Declared]


@dataclass(frozen=True, slots=True)
class MilProgram:
    """The main function of an ML program. `constants` are arrays, views of one buffer, or text."""

    input: Declared
    output: str
    operations: list[Operation]
    constants: dict[str, NDArray[Any] | str]


def import_coremltools() -> ModuleType:
    """coremltools, without its warnings that Apple's own libraries are missing (off a Mac) and torch is too new."""
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    import coremltools

    return coremltools


def mil_name(onnx_name: str) -> str:
    """The name of an ONNX tensor in MIL: `_` for every character that MIL has not.

    Coremltools appends `_cast_fp16` where it makes an op fp16, and drops tensors that it fuses away.
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", onnx_name)
    return f"var_{name}" if name[:1].isdigit() else name


def load_program(package: Path) -> MilProgram:
    """Read an .mlpackage of one image input and one output; WedepthError if it is another thing or damaged."""
    specification, root = _read_specification(package)
    program = specification.mlProgram
    if "main" not in program.functions:
        raise WedepthError(f"{package.name} is no ML program: it has no main function.")
    function = program.functions["main"]
    block = function.block_specializations[function.opset]
    if len(function.inputs) != 1 or len(block.outputs) != 1:
        found = f"{len(function.inputs)} inputs and {len(block.outputs)} outputs"
        raise WedepthError(f"{package.name} has {found} instead of one of each.")
    reader = _ConstantReader(package, root)
    constants: dict[str, NDArray[Any] | str] = {}
    operations = []
    for proto in block.operations:
        if proto.type == "const":
            constants[proto.outputs[0].name] = reader.read(proto.attributes["val"])
        else:
            operations.append(_operation(proto, reader, constants))
    return MilProgram(_declared(function.inputs[0]), block.outputs[0], operations, constants)


def _read_specification(package: Path) -> tuple[Any, Path]:
    """The Core ML model protobuf and the folder that paths in it are relative to."""
    import_coremltools()
    from coremltools.proto import Model_pb2

    try:
        manifest = json.loads((package / "Manifest.json").read_text())
        path = package / "Data" / manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
        content = path.read_bytes()
    except OSError as error:
        raise WedepthError(f"Cannot read the Core ML package {package}: {error.strerror} ({error.filename}).") from None
    except (ValueError, KeyError, TypeError):
        raise _damaged(package, "Manifest.json names no model") from None
    try:
        return Model_pb2.Model.FromString(content), path.parent
    except Exception:  # protobuf's own exception; its module has no types
        raise _damaged(package, f"{path.name} cannot be parsed") from None


def _damaged(package: Path, reason: str) -> WedepthError:
    return WedepthError(f"The Core ML package {package.name} is damaged: {reason}. Export it again.")


def _declared(value: Any) -> Declared:
    tensor = value.type.tensorType
    return Declared(value.name, _dtype(tensor), _shape(tensor))


def _dtype(tensor: Any) -> np.dtype[Any]:
    if tensor.dataType not in DTYPES:
        raise WedepthError(f"The package holds a tensor of MIL data type {tensor.dataType}, which is not known here.")
    return DTYPES[tensor.dataType]


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(d.constant.size for d in tensor.dimensions)


def _operation(proto: Any, reader: "_ConstantReader", constants: dict[str, NDArray[Any] | str]) -> Operation:
    """Values that stand in the operation itself become constants with names of their own."""
    inputs = {}
    outputs = [_declared(value) for value in proto.outputs]

    def inline(parameter: str, value: Any) -> str:
        name = f"{outputs[0].name}.{parameter}"
        constants[name] = reader.read(value)
        return name

    for parameter, argument in proto.inputs.items():
        inputs[parameter] = [
            binding.name or inline(f"{parameter}{i}", binding.value) for i, binding in enumerate(argument.arguments)
        ]
    for attribute, value in proto.attributes.items():  # compressed weights (constexpr ops) have theirs here
        if attribute != "name":
            inputs[attribute] = [inline(attribute, value)]
    return Operation(proto.type, inputs, outputs)


class _ConstantReader:
    """Reads constants: small ones from the protobuf, large ones from the weight files, each read once and checked."""

    def __init__(self, package: Path, root: Path) -> None:
        self._package = package
        self._root = root
        self._files: dict[str, NDArray[np.uint8]] = {}

    def read(self, value: Any) -> NDArray[Any] | str:
        """An array of the declared type and shape, or text."""
        tensor = value.type.tensorType
        shape = _shape(tensor)
        if value.WhichOneof("value") == "blobFileValue":
            return self._stored(value.blobFileValue, _dtype(tensor), shape)
        content = value.immediateValue.tensor
        values = getattr(content, content.WhichOneof("value") or "floats").values
        if tensor.dataType == STRING:
            return str(values[0])
        dtype = _dtype(tensor)
        array = np.frombuffer(values, dtype).copy() if isinstance(values, bytes) else np.array(values, dtype)
        return self._fitted(array, shape)

    def _stored(self, blob: Any, dtype: np.dtype[Any], shape: Sequence[int]) -> NDArray[Any]:
        content = self._file(blob.fileName)
        start = blob.offset
        if start + _RECORD.size > content.size:
            raise self._truncated(blob)
        marker, _, size, offset = _RECORD.unpack(content[start : start + _RECORD.size].tobytes())
        if marker != _MARKER:
            raise _damaged(self._package, f"there is no weight at byte {start} of {Path(blob.fileName).name}")
        if offset + size > content.size:
            raise self._truncated(blob)
        return self._fitted(content[offset : offset + size].view(dtype), shape)

    def _fitted(self, array: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
        if array.size != int(np.prod(shape)):
            raise _damaged(self._package, f"a constant of shape {tuple(shape)} has {array.size} values")
        return array.reshape(shape)

    def _truncated(self, blob: Any) -> WedepthError:
        return _damaged(self._package, f"{Path(blob.fileName).name} ends before the weight at byte {blob.offset}")

    def _file(self, name: str) -> NDArray[np.uint8]:
        if name not in self._files:
            path = self._root / name.removeprefix("@model_path/")
            if not path.is_file():
                raise _damaged(self._package, f"it has no {path.relative_to(self._package)}")
            self._files[name] = np.fromfile(path, np.uint8)  # read, not mapped: a mapped file cannot be replaced
        return self._files[name]
