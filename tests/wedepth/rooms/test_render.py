import hashlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from wedepth.data import open_dataset
from wedepth.errors import WedepthError
from wedepth.rooms import render, rooms
from wedepth.rooms.__main__ import rooms as command


def test_a_seed_gives_the_same_room() -> None:
    a, b, c = render(3, (48, 64)), render(3, (48, 64)), render(4, (48, 64))
    assert np.array_equal(a.image, b.image) and np.array_equal(a.depth, b.depth)
    assert not np.array_equal(a.depth, c.depth)


def test_a_seed_gives_the_same_room_on_every_machine() -> None:
    frame = render(1, (48, 64))
    found = hashlib.sha256(frame.image.tobytes() + frame.depth.tobytes()).hexdigest()
    assert found[:16] == "5c95af0b61fbf6c8"


def test_depth_is_that_of_rooms() -> None:
    frames = rooms(12, (48, 64))
    medians = [np.median(frame.depth[frame.valid]) for frame in frames]
    assert 1.5 < np.mean(medians) < 4 and np.ptp(medians) > 1
    for frame in frames:
        assert frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
        assert frame.depth.dtype == np.float32 and frame.depth.max() < 10
        assert frame.valid.mean() > 0.5 and np.array_equal(frame.valid, frame.depth > 0)
        assert np.ptp(frame.depth[frame.valid]) > 0.3 and frame.image.std() > 10


def test_some_depth_is_unknown_as_a_sensors_is() -> None:
    unknown = [1 - frame.valid.mean() for frame in rooms(12, (48, 64))]
    assert 0.005 < np.mean(unknown) < 0.2


def test_no_room_is_refused() -> None:
    with pytest.raises(WedepthError, match="at least 1"):
        rooms(0)


def test_rooms_as_files_read_back(tmp_path: Path) -> None:
    words = [str(tmp_path / "r"), "--first", "5", "--count", "2", "--size", "32x64", "--sheet", str(tmp_path / "s.png")]
    ran = CliRunner().invoke(command, words)
    assert ran.exit_code == 0, ran.output
    frames = list(open_dataset(tmp_path / "r"))
    assert [frame.scene_group for frame in frames] == ["room 5", "room 6"]
    for frame, drawn in zip(frames, (render(5, (32, 64)), render(6, (32, 64))), strict=True):
        assert np.array_equal(frame.image, drawn.image)
        assert np.abs(frame.depth - drawn.depth).max() <= 0.00051
    assert Image.open(tmp_path / "s.png").size[1] > 2 * 192
