from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wedepth.errors import WedepthError
from wedepth.picture import colour, depth_range, save, scale_marks, sheet, with_scale


def test_near_is_blue_far_is_red_and_unknown_is_black() -> None:
    near, far, none, nan = colour(np.array([[1.0, 5.0, 0.0, np.nan]]), 1.0, 5.0)[0].astype(int)
    assert near[2] > near[0] + 50 and far[0] > far[2] + 50
    assert not none.any() and not nan.any()


def test_a_range_leaves_out_what_is_unknown_and_is_never_empty() -> None:
    depth = np.linspace(1, 3, 1000).reshape(20, 50)
    depth[0] = 0
    low, high = depth_range(depth)
    assert 1 < low < 1.3 and 2.9 < high < 3
    assert depth_range(np.zeros((2, 2))) == (0.0, 1.0)
    assert np.ptp(depth_range(np.full((2, 2), 2.0))) > 0


@pytest.mark.parametrize("size", [(30, 40), (480, 640), (1200, 900)])
def test_the_scale_stands_beside_the_map_and_runs_from_far_to_near(size: tuple[int, int]) -> None:
    depth = np.full(size, 2.0, np.float32)
    picture = np.asarray(with_scale(depth, 1.0, 3.0)).astype(int)
    height, width = size
    assert picture.shape[0] >= height
    assert np.array_equal(picture[:height, :width], colour(depth, 1.0, 3.0))
    inked = (picture[:, width:] < 255).any(axis=2)
    bar = int(np.flatnonzero(inked.any(axis=0))[0])
    rows = np.flatnonzero(inked[:, bar])
    assert np.array_equal(picture[rows[0], width + bar], colour(np.array([[3.0]]), 1.0, 3.0)[0, 0])
    assert np.array_equal(picture[rows[-1], width + bar], colour(np.array([[1.0]]), 1.0, 3.0)[0, 0])


@pytest.mark.parametrize(
    ("low", "high", "most", "words"),
    [
        (1.0, 3.0, 5, ["1.0 m", "1.5 m", "2.0 m", "2.5 m", "3.0 m"]),
        (0.31, 7.41, 8, ["1 m", "2 m", "3 m", "4 m", "5 m", "6 m", "7 m"]),
        (0.0, 80.0, 4, ["0 m", "20 m", "40 m", "60 m", "80 m"]),
        (2.0, 2.001, 3, ["2.0000 m", "2.0005 m", "2.0010 m"]),
    ],
)
def test_the_marks_of_a_scale_are_round(low: float, high: float, most: int, words: list[str]) -> None:
    found = scale_marks(low, high, most)
    assert list(found.values()) == words
    assert all(low - 1e-9 <= metres <= high + 1e-9 for metres in found)


def test_a_sheet_shows_every_tile_at_one_size(tmp_path: Path) -> None:
    red = np.full((10, 20, 3), (255, 0, 0), np.uint8)
    picture = sheet([[("", red), ("", red)], [("", red)]], (40, 50))
    pixels = np.asarray(picture)
    assert (pixels == (255, 0, 0)).all(axis=-1).sum() == 3 * 40 * 50
    save(picture, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size == picture.size
    with pytest.raises(WedepthError, match="Cannot write"):
        save(picture, tmp_path / "none" / "a.png")
