"""The interval of a change holds what it says it does."""

import math

import numpy as np
import pytest

from runtimes.change import Interval, _student, change, frames_needed


def metrics(abs_rel: np.ndarray, delta1: np.ndarray | None = None) -> list[dict[str, float]]:
    delta1 = np.full(len(abs_rel), 0.8) if delta1 is None else delta1
    return [{"abs_rel": float(a), "delta1": float(d)} for a, d in zip(abs_rel, delta1, strict=True)]


def test_the_same_metrics_are_no_change() -> None:
    frames = metrics(np.array([0.1, 0.3, 0.2]))
    assert change(frames, frames).abs_rel == Interval(1.0, 1.0, 1.0)


def test_what_all_frames_share_is_sure_though_they_differ_among_themselves() -> None:
    torch = np.random.default_rng(0).uniform(0.05, 0.6, 12)
    found = change(metrics(1.02 * torch), metrics(torch)).abs_rel
    assert (found.value, found.low, found.high) == pytest.approx((1.02, 1.02, 1.02), abs=1e-9)


def test_the_value_is_the_quotient_of_the_means() -> None:
    found = change(metrics(np.array([0.2, 0.2])), metrics(np.array([0.1, 0.4])))
    assert found.abs_rel.value == pytest.approx(0.8)
    assert found.frames == 2


@pytest.mark.parametrize("frames", [4, 10, 40])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(frames: int) -> None:
    rng = np.random.default_rng(frames)
    truth, inside = 1.01, 0
    for _ in range(100):
        torch = rng.uniform(0.1, 0.3, frames)
        mine = torch * truth + rng.normal(0, 0.004, frames)
        found = change(metrics(mine), metrics(torch)).abs_rel
        inside += found.low <= truth <= found.high
    assert inside >= 88


def test_one_frame_says_nothing_of_others() -> None:
    found = change(metrics(np.array([0.1])), metrics(np.array([0.1])))
    assert found.abs_rel == Interval(1.0, -math.inf, math.inf)


def test_a_metric_that_is_no_number_has_no_interval() -> None:
    found = change(metrics(np.array([math.nan, 0.1])), metrics(np.array([0.1, 0.1])))
    assert math.isnan(found.abs_rel.value)
    assert found.abs_rel.high == math.inf


def test_student_beyond_the_table() -> None:
    assert _student(11) == pytest.approx(2.201, abs=3e-3)
    assert _student(30) == pytest.approx(2.042, abs=1e-3)


def test_frames_needed_go_with_the_square() -> None:
    assert frames_needed(10, Interval(1.00, 0.98, 1.02), 1.01) == 40
    assert frames_needed(10, Interval(1.01, 0.98, 1.04), 1.01) is None
    assert frames_needed(1, Interval(1.0, -math.inf, math.inf), 1.01) is None
