import numpy as np
import pytest

from wedepth.training.floor import best_constant, floors
from wedepth.training.frames import TrainFrames, ValFrame, ValFrames
from wedepth.training.sampling import Groups

IMAGE = np.zeros((2, 3, 3), np.uint8)


def test_the_best_constant_has_the_least_abs_rel() -> None:
    rng = np.random.default_rng(0)
    depths = [rng.uniform(0.5, 9, (8, 8)).astype(np.float32) for _ in range(5)]
    depths[0][:4] = 0
    found = best_constant(depths)

    def abs_rel(constant: float) -> float:
        return float(np.mean([np.mean(np.abs(constant - d[d > 0]) / d[d > 0]) for d in depths]))

    assert abs_rel(found) <= min(abs_rel(c) for c in np.arange(0.5, 9, 0.01)) + 1e-6


def test_both_floors_by_hand() -> None:
    near, far = (np.full((2, 3), d, np.float32) for d in (1.0, 3.0))
    far[:, 0] = near[:, 0] = 0
    train = TrainFrames((2, 3), [], [None] * 2, [(IMAGE, near), (IMAGE, far)], (Groups(1.0, ((0,), (1,))),), 0)
    truth = np.full((4, 6), 2.0, np.float32)
    found = floors(train, [ValFrames("v", (ValFrame(IMAGE, truth, 0.01, 10.0),), ())], seed=0)
    assert found.constant == 1.0  # of 1 and 3 metres, an error on the nearer weighs three times as much
    assert found.constant_metrics["v"]["abs_rel"] == pytest.approx(0.5)
    assert np.array_equal(found.mean, [[1, 2, 2], [1, 2, 2]])  # where nothing is known, the constant
    assert 0 < found.mean_metrics["v"]["abs_rel"] < 0.25
