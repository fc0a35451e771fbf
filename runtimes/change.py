"""What an artifact changes in the metrics, and how sure that is: a paired bootstrap over frames."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
SEED = 0
LEVEL = 0.95
# Frames that a gate is never asked to find: beyond this, another aim is the better advice.
MOST_FRAMES = 100_000
# Student's t at 97.5 % for 1…10 degrees of freedom; beyond, `_student` is right to 0.1 %.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class Interval:
    """A quotient, artifact's mean over torch's, with its 95 % interval; infinite where one frame has no spread."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """AbsRel and δ1 of an artifact, each as a multiple of torch's on the same frames."""

    frames: int
    abs_rel: Interval
    delta1: Interval


def change(found: Sequence[dict[str, float]], reference: Sequence[dict[str, float]]) -> Change:
    """The change from `reference` to `found`: the metrics of the same frames in the same order, one dict each.

    Frames are drawn with replacement, an artifact's and torch's metrics of a frame always together, so that what both
    find hard cancels (Efron and Tibshirani 1993, section 8). Few frames vary less among themselves than the world does:
    the interval is widened by t/z · √(n/(n−1)) (Hesterberg 2015, *expanded percentile interval*). Frames of one scene
    count as independent here; give frames of many scenes.
    """
    count = len(found)
    rng = np.random.default_rng(SEED)
    drawn = rng.integers(0, count, (RESAMPLES, count))
    intervals = []
    for name in ("abs_rel", "delta1"):
        mine = np.array([frame[name] for frame in found])
        torch = np.array([frame[name] for frame in reference])
        intervals.append(_interval(mine, torch, drawn))
    return Change(count, *intervals)


def _interval(mine: NDArray[np.float64], torch: NDArray[np.float64], drawn: NDArray[np.int64]) -> Interval:
    value = _quotient(mine.mean(), torch.mean())
    count = len(mine)
    if count < 2 or not math.isfinite(value):
        return Interval(value, -math.inf, math.inf)
    quotients = np.sort([_quotient(a, b) for a, b in zip(mine[drawn].mean(1), torch[drawn].mean(1), strict=True)])
    low, high = np.quantile(quotients, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    wider = _student(count - 1) / _NORMAL * math.sqrt(count / (count - 1))
    return Interval(value, value - wider * (value - float(low)), value + wider * (float(high) - value))


def _quotient(mine: float, torch: float) -> float:
    """mine / torch; both zero are the same."""
    if torch == 0:
        return 1.0 if mine == 0 else math.inf
    return float(mine / torch)


def _student(freedom: int) -> float:
    """Student's t at 97.5 % (Cornish and Fisher's expansion from the normal beyond the table)."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def frames_needed(frames: int, interval: Interval, bound: float) -> int | None:
    """About how many frames would tell on which side of `bound` the value is: an interval shrinks with their root."""
    margin, width = abs(interval.value - bound), (interval.high - interval.low) / 2
    if not math.isfinite(width) or margin == 0:
        return None
    needed = math.ceil(frames * (width / margin) ** 2)
    return needed if needed <= MOST_FRAMES else None
