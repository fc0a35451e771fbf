"""What predicting without looking at the image gets. A network that is not clearly better has learned nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wedepth.training.frames import TrainFrames, ValFrames
from wedepth.training.sampling import draw_epoch
from wedepth.training.validation import Metrics, Predict, validate

FRAMES = 512
# The draw's own number, which no epoch has.
DRAW = 1 << 30


@dataclass(frozen=True, slots=True)
class Floors:
    """The two predictions: a depth in metres, and a depth map [H,W]; and each one's metrics by source."""

    constant: float
    mean: NDArray[np.float32]
    constant_metrics: dict[str, Metrics]
    mean_metrics: dict[str, Metrics]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types, without the map."""
        return {"constant_metres": self.constant, "constant": self.constant_metrics, "mean": self.mean_metrics}


def floors(train: TrainFrames, validation: Sequence[ValFrames], seed: int) -> Floors:
    """Both floors from up to 512 training frames drawn as training draws them, not augmented."""
    count = min(FRAMES, len(train.known))
    depths = [train.pair(int(n))[1] for n in draw_epoch(train.sources, count, seed, DRAW)]
    constant = best_constant(depths)
    total = np.sum(depths, axis=0, dtype=np.float64)
    counted = np.sum([depth > 0 for depth in depths], axis=0)
    mean = np.where(counted > 0, total / np.maximum(counted, 1), constant).astype(np.float32)
    flat = np.full_like(mean, constant)
    return Floors(constant, mean, validate(_always(flat), validation), validate(_always(mean), validation))


def best_constant(depths: Sequence[NDArray[np.float32]]) -> float:
    """The depth c in metres with the least mean |c − d| / d over the known d, every frame counting the same.

    That is the median of all d, each weighted with 1/d and one over the known depths of its frame.
    """
    values = [depth[depth > 0].astype(np.float64) for depth in depths]
    weights = np.concatenate([1 / (v * len(v)) for v in values])
    flat = np.concatenate(values)
    order = np.argsort(flat)
    reached = np.cumsum(weights[order])
    return float(flat[order][np.searchsorted(reached, reached[-1] / 2)])


def _always(depth: NDArray[np.float32]) -> Predict:
    return lambda images: np.broadcast_to(depth, (len(images), *depth.shape))
