"""Depth metrics in unaligned metres: no median scaling, no shift, the depth as the network says it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wedepth.errors import WedepthError

NAMES = ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "delta1", "delta2", "delta3", "scale_bias")


def depth_metrics(
    pred: NDArray[np.floating],
    gt: NDArray[np.floating],
    valid: NDArray[np.bool_],
    min_depth: float,
    max_depth: float,
) -> dict[str, float]:
    """The metrics of one frame over its valid pixels (Eigen et al. 2014); arrays are [H,W], depths in metres.

    `pred` is clamped to `min_depth`…`max_depth` first, as evaluation on NYU and KITTI does. `silog` is
    100·√(mean(d²) − mean(d)²) with d = log pred − log gt; `scale_bias` is median(pred / gt) − 1. Every value is NaN
    where a valid pixel of `pred` is not a number, so that no comparison with a limit holds.
    """
    if not pred.shape == gt.shape == valid.shape:
        raise WedepthError(f"A depth of shape {pred.shape} cannot be measured against a ground truth of {gt.shape}.")
    if not valid.any():
        raise WedepthError("A frame without a single valid depth has no metrics.")
    truth = gt[valid].astype(np.float64)
    found = pred[valid].astype(np.float64)
    if not np.isfinite(found).all():
        return dict.fromkeys(NAMES, float("nan"))
    found = found.clip(min_depth, max_depth)
    difference, logs = found - truth, np.log(found / truth)
    ratio = np.maximum(found / truth, truth / found)
    values = (
        np.mean(np.abs(difference) / truth),
        np.mean(difference**2 / truth),
        np.sqrt(np.mean(difference**2)),
        np.sqrt(np.mean(logs**2)),
        np.mean(np.abs(logs)) / np.log(10),
        100 * np.sqrt(np.var(logs)),
        *(np.mean(ratio < 1.25**power) for power in (1, 2, 3)),
        np.median(found / truth) - 1,
    )
    return {name: float(value) for name, value in zip(NAMES, values, strict=True)}


def mean_metrics(frames: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean over frames of each metric, every frame counting the same."""
    if not frames:
        raise WedepthError("There is no frame to average over.")
    return {name: float(np.mean([frame[name] for frame in frames])) for name in NAMES}


def relative_difference(pred: NDArray[np.floating], reference: NDArray[np.floating]) -> tuple[float, float]:
    """Largest and mean |pred − reference| / reference over all pixels; NaN where `pred` is not a number somewhere.

    A reference that is not positive throughout is refused: the quotient would be negative there and pass any limit.
    """
    if pred.shape != reference.shape:
        raise WedepthError(f"A depth of shape {pred.shape} cannot be compared with one of {reference.shape}.")
    if not (reference > 0).all():
        raise WedepthError(
            "The reference depth is zero, negative or not a number in places; nothing can be held to it."
        )
    relative = np.abs(pred.astype(np.float64) - reference) / reference
    return float(relative.max()), float(relative.mean())
