import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from wedepth.data import Dataset, Frame
from wedepth.data.frame import INDOOR, read_image
from wedepth.errors import WedepthError
from wedepth.rooms import render
from wedepth.training import frames as module
from wedepth.training.frames import data_hash, fit, read_train_frames, read_val_frames, refuse_overlap
from wedepth.training.sources import Source

SIZE = (64, 96)


def silent() -> None:
    """Stands for a progress bar."""


def made(number: int, height: int = 60, width: int = 90, group: str = "", deep: bool = True) -> Frame:
    rng = np.random.default_rng(number)
    depth = rng.uniform(1, 5, (height, width)).astype(np.float32) * deep
    return INDOOR.frame(f"made {number}", rng.integers(0, 255, (height, width, 3), np.uint8), depth, group or "one")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Dataset]:
    """Sources by path, filled in by the test."""
    sources: dict[str, Dataset] = {}
    monkeypatch.setattr(Source, "open", lambda self: sources[self.path])
    return sources


def dataset(*frames: Frame) -> Dataset:
    return Dataset("made", [partial(dataclasses.replace, frame) for frame in frames])


def test_the_centre_is_cut_in_the_right_proportions() -> None:
    x = np.mgrid[:100, :300][1]
    frame = INDOOR.frame("ramp", np.stack((x / 2, x / 2, x / 2), -1).astype(np.uint8), (1 + x / 100).astype("f4"), "g")
    image, depth = fit(frame, SIZE)
    assert image.shape == (64, 96, 3) and depth.shape == SIZE
    assert depth[0, 0] == pytest.approx(1.75, abs=0.02) and depth[0, -1] == pytest.approx(3.25, abs=0.02)
    assert image[0, 0, 0] == pytest.approx(37, abs=1)
    assert fit(frame, (96, 32))[0].shape == (96, 32, 3)


def test_what_is_unknown_stays_unknown_and_the_evaluation_crop_does_not_matter() -> None:
    frame = made(0, *SIZE)
    depth = frame.depth.copy()
    depth[0, :4] = (np.nan, np.inf, 10.5, 0.005)
    frame = dataclasses.replace(frame, depth=depth, valid=np.zeros(SIZE, bool))
    _, found = fit(frame, SIZE)
    assert (found[0, :4] == 0).all() and np.array_equal(found[1:], depth[1:])


def test_frames_are_grouped_and_those_in_two_sources_kept_once(opened: dict[str, Dataset]) -> None:
    opened["a"] = dataset(made(0, group="x"), made(1, group="y"), made(2, group="x"), made(3, deep=False))
    opened["b"] = dataset(made(2, group="x"))
    frames = read_train_frames([Source("a", weight=2.0), Source("b")], SIZE, silent, workers=1)
    assert [frame.name for frame in frames.known] == ["made 0", "made 1", "made 2"]
    assert [source.groups for source in frames.sources] == [((0, 2), (1,)), ((2,),)]
    assert [source.weight for source in frames.sources] == [2.0, 1.0] and frames.left_out == 1


def test_beyond_the_budget_frames_are_read_again(opened: dict[str, Dataset]) -> None:
    opened["a"] = dataset(made(0), made(1))
    frames = read_train_frames([Source("a")], SIZE, silent, workers=1, budget=64 * 96 * 7)
    assert [pair is None for pair in frames.pairs] == [False, True]
    assert np.array_equal(frames.pair(1)[1], fit(made(1), SIZE)[1])


def test_many_frames_are_read_by_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 2)
    (one, many) = (read_train_frames([Source("rooms:3")], SIZE, silent, workers=n) for n in (1, 2))
    assert one.known == many.known
    assert all(np.array_equal(one.pair(n)[0], many.pair(n)[0]) for n in range(3))


def test_a_frame_that_cannot_be_read_is_a_sentence_from_any_process(
    opened: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW", 2)
    # Processes find what they are to call by its module's name: a test's own function is not always among them.
    opened["a"] = Dataset("a", [partial(render, 0), *[partial(read_image, Path("gone.png"))] * 2])
    with pytest.raises(WedepthError, match=r"There is no file gone\.png"):
        read_train_frames([Source("a")], SIZE, silent, workers=2)


def test_without_depth_there_is_nothing_to_learn(opened: dict[str, Dataset]) -> None:
    opened["a"] = dataset(made(0, deep=False))
    with pytest.raises(WedepthError, match="No frame of a has a depth"):
        read_train_frames([Source("a")], SIZE, silent, workers=1)
    with pytest.raises(WedepthError, match="No frame of a has a valid depth to validate on"):
        read_val_frames(Source("a"), SIZE, silent, workers=1)


def test_validation_sees_the_whole_frame_and_its_valid_pixels(opened: dict[str, Dataset]) -> None:
    frame = made(0, 100, 300)
    valid = np.zeros((100, 300), bool)
    valid[10:20] = True
    opened["v"] = dataset(dataclasses.replace(frame, valid=valid), made(1, deep=False))
    (found,) = read_val_frames(Source("v"), SIZE, silent, workers=1).frames
    assert found.image.shape == (64, 96, 3) and found.depth.shape == (100, 300)
    assert np.array_equal(found.depth > 0, valid)


@pytest.mark.parametrize(
    ("val", "said"),
    [
        (made(0, group="other"), "made 0 of --val v is also trained on, as made 0"),
        (made(9, group="x"), "The scene group 'x' is in --val v"),
    ],
)
def test_validation_on_what_is_trained_on_is_refused(opened: dict[str, Dataset], val: Frame, said: str) -> None:
    opened["t"], opened["v"] = dataset(made(0, group="x"), made(1, group="y")), dataset(val)
    train = read_train_frames([Source("t")], SIZE, silent, workers=1)
    with pytest.raises(WedepthError, match=said):
        refuse_overlap(train, [read_val_frames(Source("v"), SIZE, silent, workers=1)])


def test_the_hash_of_a_source_is_of_its_values(opened: dict[str, Dataset]) -> None:
    frame = made(0)
    opened["a"], opened["b"] = dataset(frame), dataset(dataclasses.replace(frame, depth=frame.depth + 1))
    hashes = {data_hash(read_val_frames(Source(name), SIZE, silent, workers=1).known) for name in ("a", "b", "a")}
    assert len(hashes) == 2
