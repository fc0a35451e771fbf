import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from wedepth.training.augment import augment, recolour
from wedepth.training.config import AugmentConfig

OFF = AugmentConfig(**dict.fromkeys((f.name for f in dataclasses.fields(AugmentConfig)), 0.0))


class Drawn:
    """Stands for a generator whose every draw is as far as it goes, to one side."""

    def __init__(self, sign: int = 1) -> None:
        self.sign = sign

    def random(self) -> float:
        return 0.0

    def uniform(self, low: float, high: float, count: int | None = None) -> float | NDArray[np.float64]:
        return float(self.sign) if count is None else np.full(count, float(self.sign))


@pytest.fixture
def frame() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A smooth picture whose red grows to the right and green downwards, with depth that says the same."""
    y, x = np.mgrid[:64, :96]
    image = np.stack((2 * x, 3 * y, np.full_like(x, 60)), axis=-1).astype(np.uint8)
    return image, (1 + x / 96 + y / 64).astype(np.float32)


def test_nothing_changes_with_everything_off(frame) -> None:
    image, depth = augment(*frame, OFF, np.random.default_rng(0))
    assert np.abs(image * 255 - frame[0]).max() < 1e-3 and np.array_equal(depth, frame[1])


def test_a_flip_mirrors_both(frame) -> None:
    image, depth = augment(*frame, dataclasses.replace(OFF, flip=1.0), np.random.default_rng(0))
    assert np.abs(image * 255 - frame[0][:, ::-1]).max() < 1e-3
    assert np.array_equal(depth, frame[1][:, ::-1])


def test_zooming_in_brings_things_nearer(frame) -> None:
    image, depth = augment(*frame, dataclasses.replace(OFF, scale=0.25), Drawn())
    assert (depth > 0).all()
    assert depth[32, 48] == pytest.approx(frame[1][32, 48] / 1.25, rel=0.01)
    # 20 pixels right of the centre now shows what was 16 right of it
    assert depth[32, 68] == pytest.approx(frame[1][32, 64] / 1.25, rel=0.01)
    assert image[32, 68, 0] * 255 == pytest.approx(frame[0][32, 64, 0], abs=2)


def test_zooming_out_has_no_depth_at_the_border(frame) -> None:
    _, depth = augment(*frame, dataclasses.replace(OFF, scale=0.5), Drawn(-1))
    assert (depth[:15] == 0).all() and (depth[:, :23] == 0).all() and (depth[17:47, 25:71] > 0).all()


def test_a_shift_moves_and_leaves_nothing_behind(frame) -> None:
    _, depth = augment(*frame, dataclasses.replace(OFF, shift=0.25), Drawn())
    assert (depth[:16] == 0).all() and (depth[:, :24] == 0).all()
    assert np.allclose(depth[16:, 24:], frame[1][:48, :72])


def test_image_and_depth_turn_together(frame) -> None:
    config = dataclasses.replace(OFF, rotation=5.0, scale=0.1, shift=0.1, flip=0.5)
    for seed in range(5):
        image, depth = augment(*frame, config, np.random.default_rng(seed))
        zoom = 1 + 0.1 * _third_draw(seed)
        inside = np.zeros(depth.shape, bool)
        inside[16:-16, 24:-24] = True
        inside &= depth > 0
        expected = 1 + image[..., 0] * 255 / 2 / 96 + image[..., 1] * 255 / 3 / 64
        assert np.abs(depth * zoom - expected)[inside].max() < 0.06


def _third_draw(seed: int) -> float:
    rng = np.random.default_rng(seed)
    rng.random(), rng.uniform(-1, 1)
    return rng.uniform(-1, 1)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("shift", [0.0, 0.05])
def test_a_covering_zoom_leaves_no_border_and_is_the_least(frame, sign, shift) -> None:
    config = dataclasses.replace(OFF, rotation=5.0, shift=shift, flip=0.5, cover=True)
    image, depth = augment(*frame, config, Drawn(sign))
    assert (depth > 0).all()
    expected = 1 + image[..., 0] * 255 / 2 / 96 + image[..., 1] * 255 / 3 / 64
    zoom = np.median(expected / depth)
    assert np.abs(depth * zoom - expected).max() < 0.06
    less = dataclasses.replace(config, cover=False, scale=sign * (0.98 * zoom - 1))
    assert (augment(*frame, less, Drawn(sign))[1] == 0).any()


def test_the_generator_decides_everything(frame) -> None:
    one, two, other = (augment(*frame, AugmentConfig(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
    assert not np.array_equal(one[0], other[0])


def test_colours(frame) -> None:
    image = np.array([[[0.2, 0.4, 0.6], [0.4, 0.4, 0.4]]], np.float32)
    assert np.allclose(recolour(image, 1, 1, 1, 1), image, atol=1e-6)
    assert np.allclose(recolour(image, 0.5, 1, 1, 1), image / 2, atol=1e-6)
    assert np.ptp(recolour(image, 1, 1, 0, 1)[0, 0]) < 1e-6
    assert np.allclose(recolour(image, 1, 1, 1, 2), image**2, atol=1e-6)
    assert np.ptp(recolour(image, 1, 0, 1, 1)[..., 0]) < 0.3
    assert recolour(image, 9, 1, 1, 1).max() == 1
