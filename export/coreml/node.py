"""An ONNX node as its lowering to MIL sees it."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import onnx
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Var
from numpy.typing import NDArray

from runtimes.mil_program import mil_name
from wedepth.errors import WedepthError

Lowering = Callable[["Node"], Var | list[Var]]
LOWERINGS: dict[str, Lowering] = {}


def lowers(*kinds: str) -> Callable[[Lowering], Lowering]:
    """Enter a function in the table as the lowering of these ONNX op kinds."""

    def enter(lowering: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(kinds, lowering))
        return lowering

    return enter


class Values:
    """The graph's tensors by ONNX name: constants as arrays until a MIL op reads them, the rest as MIL variables."""

    def __init__(self, constants: dict[str, NDArray[Any]]) -> None:
        self.constants = constants
        self._vars: dict[str, Var] = {}

    def __setitem__(self, name: str, var: Var) -> None:
        self._vars[name] = var

    def __getitem__(self, name: str) -> Var:
        if name not in self._vars:
            self._vars[name] = mb.const(val=_as_mil(self.constants[name]), name=mil_name(name))
        return self._vars[name]

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a constant, also of one that MIL computed from constants; None for any other tensor."""
        if name in self.constants:
            return self.constants[name]
        var = self._vars.get(name)
        return None if var is None or var.val is None else np.asarray(var.val)


class Node:
    """Attributes as Python values, inputs as MIL variables or, where a lowering needs to know them, as numbers."""

    def __init__(self, proto: onnx.NodeProto, values: Values) -> None:
        self.kind: str = proto.op_type
        self.label: str = proto.name or ", ".join(proto.output)
        self.inputs = list(proto.input)
        self.outputs = list(proto.output)
        self._attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        self._values = values

    @property
    def name(self) -> str:
        """What the MIL op that gives the node's (first) output is called."""
        return mil_name(self.outputs[0])

    def get(self, attribute: str, default: Any = None) -> Any:
        """An attribute's value (text as str), or `default` where the node does not set it."""
        value = self._attributes.get(attribute, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, index: int) -> bool:
        """Whether optional input `index` is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def var(self, index: int) -> Var:
        """Input `index` as a MIL variable."""
        return self._values[self.inputs[index]]

    def vars(self) -> list[Var]:
        """All inputs as MIL variables."""
        return [self._values[name] for name in self.inputs]

    def is_constant(self, index: int) -> bool:
        """Whether input `index` is given and known now."""
        return self.has(index) and self._values.constant(self.inputs[index]) is not None

    def array(self, index: int) -> NDArray[Any]:
        """Constant input `index`; refuses the node if it is computed from the image."""
        value = self._values.constant(self.inputs[index])
        if value is None:
            self.refuse(f"input {index} ({self.inputs[index]}) is not a constant")
        return value

    def numbers(self, index: int, default: list[Any] | None = None) -> list[Any]:
        """Constant input `index` (a shape, axes, starts…) as Python numbers, `default` if it is not given."""
        if not self.has(index) and default is not None:
            return default
        return np.atleast_1d(self.array(index)).reshape(-1).tolist()

    def number(self, index: int, default: float) -> float:
        """Constant input `index` as one Python number, `default` if it is not given."""
        return float(self.array(index).reshape(())) if self.has(index) else default

    def axes(self, index: int) -> list[int] | None:
        """Axes from input `index` or, in older opsets, from the attribute `axes`; None if neither is set."""
        return self.numbers(index) if self.has(index) else self.get("axes")

    def refuse(self, reason: str) -> NoReturn:
        """Raise: this node cannot be lowered."""
        raise WedepthError(f"ONNX node {self.label!r} ({self.kind}) has no counterpart in Core ML: {reason}.")


def _as_mil(array: NDArray[Any]) -> NDArray[Any]:
    """MIL has neither 64-bit integers nor doubles; ONNX's INT64_MIN/MAX ("to the end") become int32's."""
    if array.dtype == np.int64:
        limits = np.iinfo(np.int32)
        return np.clip(array, limits.min, limits.max).astype(np.int32)
    return array.astype(np.float32) if array.dtype in (np.float64, np.float16) else array
