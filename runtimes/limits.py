"""What counts as the same depth: the largest differences from torch that an artifact may have, by precision."""

import math
from dataclasses import dataclass

from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper bound on the largest relative difference at any pixel, or on its mean over all pixels."""

    max_rel: float = math.inf
    mean_rel: float = math.inf

    def holds(self, max_rel: float, mean_rel: float) -> bool:
        """Whether both stay within it; a NaN does not."""
        return max_rel <= self.max_rel and mean_rel <= self.mean_rel

    def __str__(self) -> str:
        parts = (("max", self.max_rel), ("mean", self.mean_rel))
        return " and ".join(f"{name} relative difference ≤ {bound:g}" for name, bound in parts if bound < math.inf)


LIMITS = {
    "fp32": Limit(max_rel=1e-3),
    # Apple's own card of a depth model reports a mean of 0.0089 in half precision; ours measure 6e-4 and less.
    "fp16": Limit(mean_rel=0.007),
    # What INT8 may cost is its budget, checked at export on frames with ground truth; this catches what is broken.
    "int8": Limit(mean_rel=0.03),
}


def limit_for(precision: str) -> Limit:
    """The limit of a precision's name."""
    if precision not in LIMITS:
        raise WedepthError(f"There is no limit for precision {precision!r}; known are {', '.join(LIMITS)}.")
    return LIMITS[precision]
