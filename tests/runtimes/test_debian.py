"""Debian's packages without installing them: what is said where that cannot be."""

from pathlib import Path

import pytest

from runtimes import debian
from wedepth.errors import WedepthError


def test_without_apt_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WedepthError, match="fetched with apt-get, which is not here"):
        debian.fetch_packages(tmp_path / "state", ("hello",), "amd64")


def test_a_command_that_fails_is_told_by_its_last_line() -> None:
    with pytest.raises(WedepthError, match=r"^sh failed: second$"):
        debian.run_tool("sh", "-c", "echo first >&2; echo second >&2; exit 1")


def test_what_a_command_prints_is_returned() -> None:
    assert debian.run_tool("sh", "-c", 'echo "$GREETING"', environment={"GREETING": "hello"}) == "hello\n"
