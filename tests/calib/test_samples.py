import numpy as np
import pytest

from calib.samples import spread
from wedepth.data import Frame
from wedepth.errors import WedepthError


def frames(*groups: str) -> list[Frame]:
    empty = np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32), np.zeros((1, 1), bool)
    return [Frame(str(index), *empty, 0.01, 10.0, group) for index, group in enumerate(groups)]


def test_every_group_gives_one_before_any_gives_two() -> None:
    chosen = spread(frames(*"aaaaaaaabc"), 3)
    assert sorted(frame.scene_group for frame in chosen) == ["a", "b", "c"]
    assert sorted(f.scene_group for f in spread(frames(*"aaaabbbb"), 6)) == list("aaabbb")


def test_a_seed_gives_the_same_samples_once_each() -> None:
    pool = frames(*"aaaabbbbcccc")
    names = [frame.name for frame in spread(pool, 5, seed=1)]
    assert names == [frame.name for frame in spread(pool, 5, seed=1)]
    assert len(set(names)) == 5
    assert any(names != [frame.name for frame in spread(pool, 5, seed=seed)] for seed in range(2, 6))


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(WedepthError, match="3 samples were asked for, but there are only 2"):
        spread(frames("a", "b"), 3)
