"""What of a hub is computed in int8, and the range of every activation: what each target's quantiser is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from calib.ops import Op
from calib.ranges import Range


@dataclass(frozen=True, slots=True)
class Plan:
    """All operators of a hub that could be int8, the modules that stay in float, and activation ranges by hub tensor.

    `ranges` holds every input and output of every operator.
    """

    ops: tuple[Op, ...]
    float_modules: frozenset[str]
    ranges: Mapping[str, Range]

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
        return sum(op.macs for op in self.int8) / sum(op.macs for op in self.ops)
