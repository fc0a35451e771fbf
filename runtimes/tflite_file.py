"""TFLite files as the schema's objects: read, written, and where in them the values of the ONNX graph lie."""

import itertools
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

# TFLite maps weights straight from the file, where its kernels expect them at multiples of 16 bytes.
ALIGNMENT = 16
# Operators, shapes and names of 10 000 operators take about 4 MB of it.
HEADROOM = 2**25
PLACES = "wedepth_places"
"""The model's metadata buffer with the places, JSON compressed by zlib."""


class Buffer(schema.BufferT):
    """A buffer that keeps the alignment which the schema asks for; the generated class packs at any byte."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        if self.data is None:
            schema.BufferStart(builder)
            return schema.BufferEnd(builder)
        content = np.ascontiguousarray(self.data).data.cast("B")
        builder.StartVector(1, len(content), ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def buffer_of(content: NDArray[Any] | None) -> Buffer:
    """A buffer of an array, or an empty one."""
    buffer = Buffer()
    buffer.data = None if content is None else np.ascontiguousarray(content).reshape(-1)
    return buffer


def read_model(content: bytes) -> Any:
    """The model in a file's bytes, its constants views of these, also where they stand behind the flatbuffer."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for index, stored in enumerate(model.buffers):
        outside = stored.offset > 1  # the schema's sign that there is an offset
        data = np.frombuffer(content, np.uint8, stored.size, stored.offset) if outside else stored.data
        model.buffers[index] = buffer_of(data)
    return model


def pack(model: Any) -> memoryview:
    """The file's bytes, every constant inside its flatbuffer; `buffers_size` must leave `HEADROOM` below 2 GB."""
    builder = flatbuffers.Builder(buffers_size(model) + HEADROOM)
    builder.Finish(model.Pack(builder), b"TFL3")
    return memoryview(builder.Bytes)[builder.Head() :]


def buffers_size(model: Any) -> int:
    """Bytes of all constants."""
    return sum(buffer.data.nbytes for buffer in model.buffers if buffer.data is not None)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies: in the memory of a tensor, its axes made of pieces of it.

    `factors` are sizes whose product, in this order, runs through the tensor's memory. `axes` says for each axis of the
    value which factors it is made of, major first; an axis of size 1 has none.
    """

    tensor: str
    factors: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's shape as ONNX has it."""
        return tuple(math.prod(self.factors[i] for i in axis) for axis in self.axes)

    def value(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The value in a tensor of any shape."""
        order = list(itertools.chain(*self.axes))
        return stored.reshape(self.factors).transpose(order).reshape(self.shape)

    def stored(self, value: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The tensor, of `shape`, with the value in it."""
        order = list(itertools.chain(*self.axes))
        pieces = value.reshape([self.factors[i] for i in order])
        return np.ascontiguousarray(pieces.transpose(np.argsort(order))).reshape(shape)


def put_places(model: Any, places: Mapping[str, Place]) -> None:
    """Write the places of values, by their ONNX names, into the model's metadata."""
    lists = {name: [place.tensor, place.factors, place.axes] for name, place in places.items()}
    content = zlib.compress(json.dumps(lists, separators=(",", ":")).encode(), 9)
    model.buffers.append(buffer_of(np.frombuffer(content, np.uint8)))
    entry = schema.MetadataT()
    entry.name, entry.buffer = PLACES, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def get_places(model: Any) -> dict[str, Place]:
    """The places of values by their ONNX names, in the order of computation; none where the file does not say."""
    for entry in model.metadata or []:
        if text(entry.name) == PLACES:
            lists = json.loads(zlib.decompress(model.buffers[entry.buffer].data.tobytes()))
            return {
                name: Place(tensor, tuple(factors), tuple(map(tuple, axes)))
                for name, (tensor, factors, axes) in lists.items()
            }
    return {}


def text(name: bytes | str) -> str:
    """A name in the schema, which is bytes where it was read."""
    return name.decode() if isinstance(name, bytes) else name
