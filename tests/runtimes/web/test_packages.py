"""The page's npm packages: pinned, and installed whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from runtimes.errors import DeviceUnavailable
from runtimes.web import packages
from wedepth.errors import WedepthError

LISTS = Path(packages.__file__).with_name("npm")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEDEPTH_CACHE", str(tmp_path))


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let `npm` be a shell script."""
    file = folder / "bin" / "npm"
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")


def test_every_package_is_of_one_version_with_its_hash() -> None:
    asked = json.loads((LISTS / "package.json").read_text())["dependencies"]
    locked = json.loads((LISTS / "package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == asked
    for name, entry in locked.items():
        assert not name or entry["integrity"].startswith("sha512-")
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version


def test_absent_packages_are_said_with_the_way_to_get_them() -> None:
    with pytest.raises(DeviceUnavailable, match=r"python -m runtimes\.web\.packages, which needs npm"):
        packages.find_modules()


def test_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, monkeypatch, 'mkdir -p node_modules/it && echo \'{"version": "1.2"}\' > node_modules/it/package.json')
    assert packages.install() == packages.find_modules()
    assert packages.version_of("it") == "1.2"
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\nexit 1\n")
    assert packages.install() == packages.find_modules()


def test_what_npm_cannot_fetch_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path, monkeypatch, "mkdir node_modules; echo 'npm error code E404' >&2; exit 1")
    with pytest.raises(WedepthError, match=r"npm cannot install the page's packages: code E404\."):
        packages.install()
    assert [entry.name for entry in tmp_path.iterdir()] == ["bin"]


def test_no_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(WedepthError, match="it comes with Node"):
        packages.install()


def test_another_lock_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = packages.modules_folder()
    shutil.copytree(LISTS, tmp_path / "npm")
    with (tmp_path / "npm" / "package-lock.json").open("a") as lock:
        lock.write("\n")
    assert packages.modules_folder(tmp_path / "npm") != before
