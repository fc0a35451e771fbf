from pathlib import Path

import pytest

from wedepth.errors import WedepthError
from wedepth.training.sources import Source, parse_source


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("rooms:1000-5000=0.6", Source("rooms:1000-5000", None, 0.6)),
        ("frames@calib=0.3", Source("frames", "calib", 0.3)),
        ("frames@calib/nyu", Source("frames", "calib/nyu", 1.0)),
        ("nyu.mat", Source("nyu.mat", None, 1.0)),
    ],
)
def test_a_source_is_path_split_weight(text: str, source: Source) -> None:
    assert parse_source(text) == source


def test_a_path_that_is_there_is_taken_whole(tmp_path: Path) -> None:
    folder = tmp_path / "a=1@b"
    folder.mkdir()
    assert parse_source(str(folder)) == Source(str(folder))
    assert parse_source(f"{folder}=0.5") == Source(str(folder), None, 0.5)
    assert parse_source(f"{folder}@eval=2") == Source(str(folder), "eval", 2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rooms=much", "ends in no weight"),
        ("rooms=0", "must be above 0"),
        ("rooms=nan", "above 0"),
        ("@x", "no source"),
    ],
)
def test_bad_sources_are_a_sentence(text: str, said: str) -> None:
    with pytest.raises(WedepthError, match=said):
        parse_source(text)


def test_validation_has_no_weights() -> None:
    with pytest.raises(WedepthError, match="have no weight"):
        parse_source("rooms:8=0.5", weighted=False)
