import numpy as np
import pytest

from calib.samples import LEAST, choose, frame_hash, spread
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


def pictures(count: int, size: tuple[int, int] = (64, 96), alike: bool = False) -> list[Frame]:
    random = np.random.default_rng(0)
    made = []
    for index in range(count):
        image = np.full((*size, 3), 100 if alike else random.integers(0, 256), np.uint8)
        image[0, 0] = index  # so that no two have the same hash
        depth = np.zeros(size, np.float32)
        made.append(Frame(f"frame {index}", image, depth, depth > 0, 0.01, 10.0, str(index)))
    return made


def test_samples_have_the_network_size_and_the_hash_of_the_frame() -> None:
    frames = pictures(9, (128, 128))
    samples = choose(frames, (64, 96), count=8, seed=3)
    assert {sample.image.shape for sample in samples} == {(64, 96, 3)}
    by_name = {frame.name: frame for frame in frames}
    assert all(sample.sha256 == frame_hash(by_name[sample.name]) for sample in samples)
    assert len({sample.sha256 for sample in samples}) == 8


def test_all_frames_are_taken_where_there_are_fewer_than_the_default() -> None:
    assert len(choose(pictures(10), (64, 96))) == 10


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        (pictures(LEAST - 1), "at least 8 samples; there are 7"),
        (pictures(10, alike=True), "all alike"),
        (pictures(10, (15, 96)), "15×96: too small"),
    ],
)
def test_samples_that_stand_for_nothing_are_refused(frames: list[Frame], sentence: str) -> None:
    with pytest.raises(WedepthError, match=sentence):
        choose(frames, (64, 96))


def test_a_frame_that_is_evaluated_on_is_refused() -> None:
    frames = pictures(10)
    with pytest.raises(WedepthError, match="frame 4 is among the evaluation frames too"):
        choose(frames, (64, 96), evaluated={frame_hash(frames[4])})
