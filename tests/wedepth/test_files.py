import os
from pathlib import Path

import pytest

from wedepth.errors import WedepthError
from wedepth.files import write_beside


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_beside(target, lambda beside: beside.write_text("one"))

    def fails(beside: Path) -> None:
        beside.write_text("half of tw")
        raise OSError(28, "No space left on device")

    with pytest.raises(WedepthError, match=r"Cannot write .*a\.txt: No space left on device\."):
        write_beside(target, fails)
    assert target.read_text() == "one" and os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nowhere" / "a", tmp_path / "file" / "a"):
        with pytest.raises(WedepthError, match="Cannot write"):
            write_beside(path, lambda beside: beside.write_text("x"))


def test_a_bug_in_writing_stays_a_bug(tmp_path: Path) -> None:
    def bug(beside: Path) -> None:
        beside.write_text("x")
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        write_beside(tmp_path / "a", bug)
    assert not os.listdir(tmp_path)
