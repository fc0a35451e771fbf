"""The error budget: how much of the depth's quality INT8 may cost, on frames with ground truth."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Cost:
    """INT8 against fp32 on the same frames: δ1 and AbsRel as quotients, |scale bias| as a difference."""

    delta1: float
    abs_rel: float
    bias: float

    @staticmethod
    def of(int8: Mapping[str, float | None], fp32: Mapping[str, float | None]) -> "Cost":
        """From the metrics of both. A δ1 of 0 cannot fall."""
        d, a, b = (_known(int8, name) for name in ("delta1", "abs_rel", "scale_bias"))
        d0, a0, b0 = (_known(fp32, name) for name in ("delta1", "abs_rel", "scale_bias"))
        return Cost(d / d0 if d0 else 1.0, a / a0, abs(b) - abs(b0))


@dataclass(frozen=True, slots=True)
class Budget:
    """The least that δ1 may fall to, the most that AbsRel may rise to, both of fp32's, and what |bias| may gain."""

    delta1: float = 0.99
    abs_rel: float = 1.01
    bias: float = 0.005

    def holds(self, cost: Cost) -> bool:
        """Whether a cost is within it; a NaN is not."""
        return cost.delta1 >= self.delta1 and cost.abs_rel <= self.abs_rel and cost.bias <= self.bias

    def __str__(self) -> str:
        return f"delta1={self.delta1:g},abs_rel={self.abs_rel:g},bias={self.bias:g}"

    @staticmethod
    def parse(text: str) -> "Budget":
        """From `delta1=0.99,abs_rel=1.01,bias=0.005`, any of them left out."""
        values = {}
        for part in filter(None, text.split(",")):
            name, _, number = part.partition("=")
            try:
                values[name.strip()] = float(number)
            except ValueError:
                raise WedepthError(f"{part!r} is no budget: write delta1=0.99,abs_rel=1.01,bias=0.005.") from None
        if unknown := values.keys() - {field.name for field in dataclasses.fields(Budget)}:
            raise WedepthError(f"There is no budget for {sorted(unknown)[0]!r}: known are delta1, abs_rel and bias.")
        return Budget(**values)


def _known(metrics: Mapping[str, float | None], name: str) -> float:
    value = metrics.get(name)
    if value is None:
        raise WedepthError("The INT8 artifact's depth is not a number everywhere; it has no metrics.")
    return value
