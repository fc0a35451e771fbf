import hashlib

import numpy as np
import pytest

from wedepth.errors import WedepthError
from wedepth.rooms import render, rooms


def test_a_seed_gives_the_same_room() -> None:
    a, b, c = render(3, (48, 64)), render(3, (48, 64)), render(4, (48, 64))
    assert np.array_equal(a.image, b.image) and np.array_equal(a.depth, b.depth)
    assert not np.array_equal(a.depth, c.depth)


def test_depth_is_that_of_a_room() -> None:
    for frame in rooms(6, (48, 64)):
        assert frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
        assert frame.valid.mean() > 0.95
        assert frame.depth.min() > 0.1 and frame.depth.max() < 12
        assert np.ptp(frame.depth) > 0.5 and frame.image.std() > 10


def test_depth_is_along_the_axis_so_a_wall_ahead_is_flat() -> None:
    # z-depth of a plane is affine in 1/z over the image: the second difference of 1/z vanishes on any flat patch.
    frame = render(0, (240, 320))
    inverse = 1 / frame.depth.astype(np.float64)
    second = np.abs(np.diff(inverse, 2, axis=1))
    assert np.median(second) < 1e-6


def test_the_picture_is_the_same_on_every_machine() -> None:
    # Coarse on purpose: the last bits of sine and square root are a machine's own.
    frame = render(1, (24, 32))
    coarse = (frame.depth * 10).round().astype(np.int16)
    assert hashlib.sha256(coarse.tobytes()).hexdigest()[:16] == "a9897693fc9e7279"


def test_no_room_is_refused() -> None:
    with pytest.raises(WedepthError, match="at least 1"):
        rooms(0)
