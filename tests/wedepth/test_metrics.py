import math

import numpy as np
import pytest

from wedepth.errors import WedepthError
from wedepth.metrics import NAMES, depth_metrics, mean_metrics, relative_difference

GT = np.array([[1.0, 2.0], [4.0, 0.0]], np.float32)
VALID = GT > 0


def test_values_worked_out_by_hand() -> None:
    pred = np.array([[1.1, 2.0], [2.0, 99.0]], np.float32)
    found = depth_metrics(pred, GT, VALID, 0.01, 10)
    logs = [math.log(1.1), 0.0, math.log(0.5)]
    mean = sum(logs) / 3
    expected = {
        "abs_rel": (0.1 + 0 + 0.5) / 3,
        "sq_rel": (0.01 + 0 + 1.0) / 3,
        "rmse": math.sqrt((0.01 + 0 + 4) / 3),
        "rmse_log": math.sqrt(sum(d * d for d in logs) / 3),
        "log10": (math.log10(1.1) + math.log10(2)) / 3,
        "silog": 100 * math.sqrt(sum(d * d for d in logs) / 3 - mean**2),
        "delta1": 2 / 3,
        "delta2": 2 / 3,
        "delta3": 2 / 3,
        "scale_bias": 0.0,
    }
    assert tuple(found) == NAMES
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_prediction_is_clamped_to_the_range() -> None:
    found = depth_metrics(np.full((2, 2), 50.0, np.float32), GT, VALID, 0.01, 4.0)
    assert found["abs_rel"] == pytest.approx((3 + 1 + 0) / 3)


def test_scale_bias_is_the_median_ratio_less_one() -> None:
    assert depth_metrics(GT * 1.05, GT, VALID, 0.01, 10)["scale_bias"] == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_limit_holds_for_what_is_not_a_number(bad: float) -> None:
    pred = GT.copy()
    pred[0, 0] = bad
    assert not depth_metrics(pred, GT, VALID, 0.01, 10)["abs_rel"] <= 1e9
    assert not relative_difference(pred + 1, GT + 1)[0] <= 1e9


def test_a_frame_without_valid_depth_is_refused() -> None:
    with pytest.raises(WedepthError, match="without a single valid depth"):
        depth_metrics(GT, GT, VALID & False, 0.01, 10)


def test_arrays_of_different_shapes_are_refused() -> None:
    with pytest.raises(WedepthError, match=r"shape \(1, 2\) cannot be measured"):
        depth_metrics(GT[:1], GT, VALID, 0.01, 10)


@pytest.mark.parametrize("bad", [-2.0, 0.0, math.nan])
def test_a_reference_that_is_no_depth_is_refused(bad: float) -> None:
    reference = np.array([[2.0, bad]], np.float32)
    with pytest.raises(WedepthError, match="nothing can be held to it"):
        relative_difference(np.full_like(reference, 2), reference)


def test_every_frame_counts_the_same() -> None:
    frames = [dict.fromkeys(NAMES, 1.0), dict.fromkeys(NAMES, 3.0)]
    assert mean_metrics(frames)["rmse"] == 2.0
    with pytest.raises(WedepthError, match="no frame"):
        mean_metrics([])


def test_relative_difference_is_over_every_pixel() -> None:
    reference = np.full((2, 2), 2.0, np.float32)
    assert relative_difference(reference + [[0, 0], [0, 1]], reference) == pytest.approx((0.5, 0.125))
    with pytest.raises(WedepthError, match="shape"):
        relative_difference(reference, reference[:1])
