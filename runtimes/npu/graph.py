"""An artifact's graph, whatever its format: the ops that compute, what they read and give, and what they multiply."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtimes.tracing import module_of
from wedepth.errors import WedepthError

FORMATS = {".onnx": "onnx", ".xml": "openvino", ".mlpackage": "coreml", ".tflite": "tflite"}
_READERS = {
    "onnx": ("runtimes.npu.read_onnx", "wedepth[export]"),
    "openvino": ("runtimes.npu.read_openvino", "wedepth[openvino]"),
    "coreml": ("runtimes.npu.read_coreml", "wedepth[coreml]"),
    "tflite": ("runtimes.npu.read_tflite", "wedepth[tflite]"),
}
# MIL has neither `/` nor `.`: a module's path ends where the name of the ONNX op begins.
_MIL = re.compile(r"^(?P<module>[a-z0-9_]+?)_(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value: its type in NumPy's words, its shape (None where a size is open; no shape where the rank is), whether it
    is in the file, and by how many scales it is quantised (0: it is not)."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    constant: bool = False
    scales: int = 0

    @property
    def open(self) -> bool:
        """Whether a size is known only when it runs."""
        return self.shape is None or None in self.shape


@dataclass(frozen=True, slots=True)
class Op:
    """An op that computes when the network runs. `kind` is the format's own word, `macs` its multiply-accumulates."""

    name: str
    kind: str
    module: str
    macs: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> list[Tensor]:
        """What it reads and gives that is not in the file."""
        return [tensor for tensor in (*self.inputs, *self.outputs) if not tensor.constant]


@dataclass(frozen=True, slots=True)
class Graph:
    """The ops of an artifact in the file's order; what is made of constants alone is not among them."""

    format: str
    ops: tuple[Op, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates in all."""
        return sum(op.macs for op in self.ops)

    @property
    def rank(self) -> int:
        """The most axes that a value has."""
        return max((len(tensor.shape or ()) for op in self.ops for tensor in op.values), default=0)

    @property
    def static(self) -> bool:
        """Whether all sizes are fixed."""
        return not any(tensor.open for op in self.ops for tensor in op.values)


def read_graph(artifact: Path) -> Graph:
    """The graph of an .onnx, .xml (OpenVINO), .mlpackage or .tflite; WedepthError where it is none of them, cannot be
    read, or needs a package that is not installed."""
    import importlib

    format = FORMATS.get(artifact.suffix)
    if format is None:
        raise WedepthError(f"{artifact.name} is none of {', '.join(FORMATS)}: no NPU that is known here runs it.")
    if not artifact.exists():
        raise WedepthError(f"There is no {artifact}.")
    module, extra = _READERS[format]
    try:
        reader: Any = importlib.import_module(module)
        ops: list[Op] = reader.read(artifact)
    except ImportError as error:
        raise WedepthError(f"Listing the ops of {artifact.name} needs {error.name}: pip install '{extra}'.") from None
    if not ops:
        raise WedepthError(f"{artifact.name} has no op that computes.")
    return Graph(format, tuple(ops))


class Modules:
    """The module of each op by its name, or where the name tells none, that of what it reads."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def find(self, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
        """The module of an op, which is kept as its outputs' too."""
        module = self._named(name)
        if module is None:
            module = next((self._of[tensor.name] for tensor in inputs if tensor.name in self._of), "network")
        for tensor in outputs:
            self._of[tensor.name] = module
        return module

    @staticmethod
    def _named(name: str) -> str | None:
        if "/" in name:
            return module_of(name)
        found = _MIL.match(name)
        return found["module"] if found else None
