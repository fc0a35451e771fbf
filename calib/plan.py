"""What of a hub is computed in int8, and the range of every activation: what each target's quantiser is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from calib.ops import Op
from calib.ranges import Range


@dataclass(frozen=True, slots=True)
class Plan:
    """All operators of a hub that could be int8, the modules that stay in float, and activation ranges by hub tensor.

    `ranges` holds every tensor of `tensors_of(ops)`, and the depth. Of the float modules, `float_weights` are those
    whose weights stay in float even where nothing but weights is int8; by default all.
    """

    ops: tuple[Op, ...]
    float_modules: frozenset[str]
    ranges: Mapping[str, Range]
    float_weights: frozenset[str] | None = None

    @property
    def int8(self) -> tuple[Op, ...]:
        """The operators that are computed in int8."""
        return tuple(op for op in self.ops if op.module not in self.float_modules)

    @property
    def kept(self) -> tuple[Op, ...]:
        """The operators that stay in float."""
        return tuple(op for op in self.ops if op.module in self.float_modules)

    @property
    def int8_share(self) -> float:
        """The part of all multiply-accumulates that is computed in int8."""
        return self.share(frozenset(op.node for op in self.int8))

    def share(self, nodes: frozenset[str]) -> float:
        """The part of all multiply-accumulates that is in the operators `nodes` (hub node names)."""
        return sum(op.macs for op in self.ops if op.node in nodes) / sum(op.macs for op in self.ops)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a quantised artifact holds, read back from the file.

    `int8` are the hub nodes of the operators whose multiplications have two int8 operands there; `weights` those whose
    weights are stored in int8; `floats` counts, by the target's own names, the kinds of operators that compute in
    float. `executed` is what its runtime says that it computes in int8 here, where a runtime tells: a CPU may widen
    what the file has in int8.
    """

    int8: frozenset[str]
    weights: frozenset[str]
    floats: Mapping[str, int]
    executed: frozenset[str] | None = None
