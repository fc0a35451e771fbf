"""Tensors from inside a TFLite artifact: its graph is cut at them, and LiteRT runs the pieces as it runs the whole."""

import copy
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from runtimes.joined import whole
from runtimes.tflite import run_once
from runtimes.tflite_file import Place, buffer_of, get_places, pack, read_model, text
from runtimes.tracing import Values
from wedepth.errors import WedepthError

_OF_INT8 = "_quantized"
"""What ai-edge-quantizer appends to the name of a tensor that it makes int8."""


class TFLiteTracer:
    """Reads and replaces values by the places that the exporter wrote into the file, whatever their layout there."""

    at_once = 128

    def __init__(self, artifact: Path, known: Collection[str]) -> None:
        """Raises WedepthError for a file that does not say where its values lie."""
        self._model = read_model(artifact.read_bytes())
        (self._graph,) = self._model.subgraphs
        places = get_places(self._model)
        if not places:
            raise WedepthError(f"{artifact} does not say where the graph's values lie in it; export it again.")
        self._makers = {int(output): op for op in self._graph.operators for output in op.outputs}
        found = self._tensors_of(places)
        self._places = {name: places[name] for name in found if whole(name) in known}
        self._index = {name: found[name] for name in self._places}
        self._holder: dict[int, str] = {}  # the first value of those that one tensor holds
        for name, tensor in self._index.items():
            self._holder.setdefault(tensor, name)
        self.names = list(self._places)

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Values
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        replaced = {self._index[name]: name for name in reversed(self.names) if name in forced}
        outputs = list(dict.fromkeys(self._index[name] for name in wanted))
        content, inputs = self._cut(outputs, replaced)
        feeds = [self._fed(tensor, forced[replaced[tensor]] if tensor in replaced else image) for tensor in inputs]
        computed = dict(zip(outputs, run_once(content, feeds), strict=True))
        for name in wanted:
            tensor = self._index[name]
            if tensor in replaced and name != self._holder[tensor]:
                yield name, np.asarray(forced[name], np.float32)  # a mere view: nothing computes between it and another
            else:
                yield name, self._places[name].value(self._plain(tensor, computed[tensor]))

    def _tensors_of(self, places: dict[str, Place]) -> dict[str, int]:
        """The tensor that each value lies in; in INT8 the one that is computed first, of those that the quantiser made
        of it. Values whose tensor is gone are left out."""
        computed: dict[str, int] = {}
        for op in self._graph.operators:
            for tensor in op.outputs:
                name = text(self._graph.tensors[tensor].name).removesuffix(_OF_INT8)
                if self._graph.tensors[tensor].type in (schema.TensorType.FLOAT32, schema.TensorType.INT8):
                    computed.setdefault(name, int(tensor))
        return {name: computed[place.tensor] for name, place in places.items() if place.tensor in computed}

    def _cut(self, outputs: Sequence[int], replaced: Collection[int]) -> tuple[bytes, list[int]]:
        """A model of what computes `outputs` from the replaced tensors and the image, and its inputs in order."""
        kept: set[int] = set()
        inputs: dict[int, None] = {}
        pending, seen = list(outputs), set(outputs)
        while pending:
            op = self._makers[pending.pop()]
            kept |= {int(output) for output in op.outputs}
            for tensor in map(int, op.inputs):
                if tensor in replaced or tensor in self._graph.inputs:
                    inputs[tensor] = None
                elif tensor in self._makers and tensor not in seen:
                    seen.add(tensor)
                    pending.append(tensor)
        cut = _Cut(self._model, self._graph)
        fed = {tensor: cut.tensor(tensor, fed=True) for tensor in inputs}
        for op in self._graph.operators:
            if kept.issuperset(map(int, op.outputs)):
                cut.add(op, fed)
        return cut.finish(list(fed.values()), outputs), list(inputs)

    def _fed(self, tensor: int, value: NDArray[np.float32]) -> NDArray[Any]:
        """A value as the tensor takes it, the image [1,3,H,W] as [1,H,W,3]; in INT8 rounded to its steps."""
        stored = self._graph.tensors[tensor]
        if tensor in self._holder:
            value = self._places[self._holder[tensor]].stored(value.reshape(self._shape(tensor)), tuple(stored.shape))
        else:
            value = value.transpose(0, 2, 3, 1)
        if stored.type != schema.TensorType.INT8:
            return np.ascontiguousarray(value, np.float32)
        scale, zero = stored.quantization.scale[0], stored.quantization.zeroPoint[0]
        return np.clip(np.rint(value / scale) + zero, -128, 127).astype(np.int8)

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return self._places[self._holder[tensor]].shape

    def _plain(self, tensor: int, value: NDArray[Any]) -> NDArray[np.float32]:
        """What a tensor holds, as float32."""
        if self._graph.tensors[tensor].type != schema.TensorType.INT8:
            return value.astype(np.float32, copy=False)
        quantization = self._graph.tensors[tensor].quantization
        return (value.astype(np.float32) - quantization.zeroPoint[0]) * np.float32(quantization.scale[0])


class _Cut:
    """A model of some operators of another, with their constants only."""

    def __init__(self, model: Any, graph: Any) -> None:
        self._source, self._from = model, graph
        self._model = schema.ModelT()
        self._model.version, self._model.operatorCodes = model.version, model.operatorCodes
        self._model.buffers = [buffer_of(None)]
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]
        self._numbers: dict[int, int] = {}

    def tensor(self, tensor: int, fed: bool = False) -> int:
        """The number here of a tensor there; one that is fed is a tensor of its own beside the one that is computed."""
        if not fed and tensor in self._numbers:
            return self._numbers[tensor]
        own = copy.copy(self._from.tensors[tensor])
        data = self._source.buffers[own.buffer].data
        own.buffer = 0
        if data is not None and not fed:
            self._model.buffers.append(self._source.buffers[self._from.tensors[tensor].buffer])
            own.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(own)
        number = len(self._graph.tensors) - 1
        if not fed:
            self._numbers[tensor] = number
        return number

    def add(self, op: Any, fed: dict[int, int]) -> None:
        """An operator, which reads what is fed where that is to be read."""
        own = copy.copy(op)
        inputs = map(int, op.inputs)
        own.inputs = np.array([fed[t] if t in fed else self.tensor(t) if t >= 0 else t for t in inputs], np.int32)
        own.outputs = np.array([self.tensor(int(t)) for t in op.outputs], np.int32)
        self._graph.operators.append(own)

    def finish(self, inputs: list[int], outputs: Sequence[int]) -> bytes:
        """The file's bytes."""
        self._graph.inputs = np.array(inputs, np.int32)
        self._graph.outputs = np.array([self._numbers[tensor] for tensor in outputs], np.int32)
        return bytes(pack(self._model))
