"""The compilers: what is pinned, and what is said where they are not set up."""

import json
from pathlib import Path

import pytest

from export.embed.compilers import kotlin, swift
from runtimes.errors import DeviceUnavailable


def test_the_kotlin_compiler_is_pinned_by_its_hash() -> None:
    packages = json.loads((kotlin.LISTS / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert [entry["version"] for entry in packages.values()] == ["2.4.20"]
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in packages.values())


def test_kotlin_that_is_not_set_up_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEDEPTH_CACHE", str(tmp_path))
    monkeypatch.setattr(kotlin.shutil, "which", lambda name: name)
    with pytest.raises(DeviceUnavailable, match="make compilers"):
        kotlin.find()


def test_kotlin_without_java_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceUnavailable, match="runs on Java, which is not here"):
        kotlin.find()


def test_swift_that_is_not_set_up_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swift, "_DONE", tmp_path / "complete")
    with pytest.raises(DeviceUnavailable, match="make compilers"):
        swift.find()
