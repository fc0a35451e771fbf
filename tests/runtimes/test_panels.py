"""Pictures of a report: what they show, on which scale, and how large they are."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from runtimes.panels import WIDEST, Panels, Tile, _percent, make_panels
from runtimes.results import Row, Run
from wedepth.data import Frame
from wedepth.errors import WedepthError

SIZE = (24, 32)


def frame(index: int, size: tuple[int, int] = (48, 64)) -> Frame:
    depth = np.full(size, 2.0, np.float32)
    image = np.full((*size, 3), 9, np.uint8)
    return Frame(f"room {index}", image, depth, depth > 0, 0.01, 10.0, "rooms")


def torch(frames: int = 3) -> Run:
    ramp = np.linspace(1, 4, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    return Run(Row("torch", "-", "cpu", "fp32", "pass", bundle="nano"), dict.fromkeys(range(frames), ramp))


def artifact(runtime: str, factors: dict[int, float]) -> Run:
    depths = {index: torch().depths[0] * np.float32(factor) for index, factor in factors.items()}
    return Run(Row(runtime, runtime, "cpu", "fp16", "pass", bundle="nano"), depths)


def made(*runs: Run) -> Panels:
    found = make_panels(runs, [], frame)
    assert found is not None
    return found


def pixels(tile: Tile) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(tile.source.split(",")[1]))).convert("RGB")).astype(int)


def captions(tiles: Sequence[Tile]) -> list[str]:
    return [tile.caption for tile in tiles]


def test_the_first_frame_and_those_farthest_from_torch_are_shown() -> None:
    found = made(torch(), artifact("a", {0: 1.001, 2: 1.01}), artifact("b", {0: 1.0}))
    assert [scene.title for scene in found.scenes] == [
        "Frame 1: room 0",
        "Frame 3: room 2, farthest from torch for what is shown",
    ]
    first, farthest = found.scenes
    assert captions(first.given) == ["frame", "ground truth", "torch"]
    assert [(depth.caption, error.caption) for depth, error in first.found if error] == [
        ("a fp16 on cpu", "mean 0.1 %, max 0.1 %"), ("b fp16 on cpu", "mean 0 %, max 0 %"),
    ]  # fmt: skip
    assert [depth.caption for depth, _ in farthest.found] == ["a fp16 on cpu"]


def test_all_depths_are_on_one_scale_and_all_errors_on_another() -> None:
    scene = made(torch(), artifact("same", {0: 1.0}), artifact("off", {0: 1.1})).scenes[0]
    (same, none), (off, error) = scene.found
    assert (pixels(same) == pixels(scene.given[2])).all() and (pixels(off) != pixels(same)).any()
    assert none is not None and error is not None
    # 10 % is red in the scale from 0.0001 % to 100 %, what is the same is its darkest blue; black is for the unknown.
    assert pixels(error)[5, 5].argmax() == 0 and pixels(none)[5, 5].max() > 40


def test_scales_have_round_marks() -> None:
    found = made(torch(), artifact("a", {0: 1.0}))
    assert [label for _, label in found.depths.marks] == ["1.5 m", "2.0 m", "2.5 m", "3.0 m", "3.5 m"]
    assert found.errors.marks[0] == (0.0, "0.0001 %") and found.errors.marks[-1] == (100.0, "100 %")


def test_without_torch_there_is_no_error_and_without_depths_no_picture() -> None:
    scene = made(artifact("a", {0: 1.0})).scenes[0]
    assert captions(scene.given) == ["frame", "ground truth"] and scene.found[0][1] is None
    assert make_panels([Run(torch().row)], [], frame) is None


def test_a_frame_that_cannot_be_read_again_is_said() -> None:
    def read(index: int) -> Frame:
        if index == 2:
            raise WedepthError("It is torn.")
        return frame(index)

    found = make_panels([torch(), artifact("a", {0: 1.0, 2: 1.01})], [], read)
    assert found is not None and len(found.scenes) == 1 and found.missing == ["It is torn."]


def test_pictures_of_many_rows_stay_small_together() -> None:
    def large(index: int) -> Frame:
        return frame(index, (960, 1280))

    few = make_panels([torch(), artifact("a", {0: 1.0})], [], large)
    many = make_panels([torch(), *(artifact(f"a{k}", {0: 1.0}) for k in range(60))], [], large)
    assert few is not None and many is not None
    assert few.scenes[0].given[0].width == WIDEST
    tiles = [tile for pair in many.scenes[0].found for tile in pair if tile]
    assert sum(tile.width * tile.height for tile in tiles) < 4.2e6


def test_every_picture_says_what_it_shows() -> None:
    scene = made(torch(), artifact("a", {0: 1.1})).scenes[0]
    tiles = [*scene.given, *(tile for pair in scene.found for tile in pair if tile)]
    assert all("room 0" in tile.alt for tile in tiles)
    assert "coloured from 1.1 m (blue) to 3.9 m (red), median 2.75 m" in scene.found[0][0].alt


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0 %"),
        (1e-6, "0.0001 %"),
        (1.234e-4, "0.012 %"),
        (0.0996, "10 %"),
        (1.0, "100 %"),
        (float("nan"), "nan %"),
    ],
)
def test_shares_are_never_written_as_powers(value: float, words: str) -> None:
    assert _percent(value) == words
