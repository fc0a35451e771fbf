"""Making artifacts: apart, once, and what is said of those that cannot be made."""

import dataclasses
import json
from pathlib import Path

import pytest

from export.bench import artifacts
from export.bench.artifacts import Workshop, run_apart
from export.bench.contenders import ARTIFACTS, HUB, Artifact


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop("nano", None, (64, 96), tmp_path, 60.0, lambda words: None, weights="abc")


class Maker:
    """Stands in for the child process: writes what it would."""

    def __init__(self, shop: Workshop, reason: str = "") -> None:
        self.shop, self.reason, self.calls = shop, reason, 0

    def __call__(self, arguments: list[str], log: Path, limit: float) -> str:
        self.calls += 1
        job = json.loads(Path(arguments[1]).read_text())
        if not self.reason:
            self.shop.path(job["artifact"]).write_bytes(b"12345")
        result = {"facts": {"ops": 7, "macs": 9}, "reason": self.reason, "peak_bytes": 11}
        Path(arguments[2]).write_text(json.dumps(result))
        return ""


def test_made_once_and_kept_by_its_stamp(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(shop)
    monkeypatch.setattr(artifacts, "run_apart", maker)
    first = shop.ensure(HUB)
    assert (first.reason, first.bytes, first.ops, first.facts, first.peak_bytes) == ("", 5, 7, {"macs": 9}, 11)
    again = dataclasses.replace(shop, made={})
    assert again.ensure(HUB) == first
    assert maker.calls == 1


@pytest.mark.parametrize("change", ["weights", "size", "file", "stamp", "again", "version"])
def test_made_again_when_anything_is_otherwise(shop: Workshop, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    maker = Maker(shop)
    monkeypatch.setattr(artifacts, "run_apart", maker)
    shop.ensure(HUB)
    changes: dict[str, dict] = {"weights": {"weights": "xyz"}, "size": {"size": (96, 96)}, "again": {"again": True}}
    if change == "file":
        shop.path(HUB).unlink()
    if change == "stamp":
        (shop.folder / HUB / artifacts.STAMP).write_text("{")
    if change == "version":
        monkeypatch.setattr(artifacts, "_versions", lambda: {"torch": "0"})
    dataclasses.replace(shop, made={}, **changes.get(change, {})).ensure(HUB)
    assert maker.calls == 2


def test_a_source_of_the_hub_that_changed_changes_its_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "export").mkdir()
    source = tmp_path / "export" / "prepare.py"
    source.write_text("one")
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    before = artifacts.stamp_key(ARTIFACTS[HUB], "abc", "nano", (64, 96))
    naive = artifacts.stamp_key(ARTIFACTS["tflite-naive"], "abc", "nano", (64, 96))
    source.write_text("two")
    assert artifacts.stamp_key(ARTIFACTS[HUB], "abc", "nano", (64, 96)) != before
    assert artifacts.stamp_key(ARTIFACTS["tflite-naive"], "abc", "nano", (64, 96)) == naive


def test_a_reason_is_kept_too_and_handed_on(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker(shop, reason="RuntimeError: no such operator")
    monkeypatch.setattr(artifacts, "run_apart", maker)
    assert shop.ensure(HUB).reason == "RuntimeError: no such operator"
    assert "hub, was not made: RuntimeError: no such operator" in shop.ensure("onnxruntime-fp32").reason
    dataclasses.replace(shop, made={}).ensure(HUB)
    assert maker.calls == 1


def test_a_converter_that_writes_nothing_is_found_out(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "run_apart", lambda arguments, log, limit: _writes_nothing(arguments))
    assert "wrote no file" in shop.ensure(HUB).reason


def _writes_nothing(arguments: list[str]) -> str:
    Path(arguments[2]).write_text(json.dumps({"facts": {}, "reason": "", "peak_bytes": 0}))
    return ""


def test_a_missing_package_is_named_with_its_extra(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARTIFACTS, "odd", Artifact("odd", "odd.bin", "nowhere:make", needs=("no_such_package",)))
    assert shop.ensure("odd").reason == "no_such_package is not installed here (pip install 'wedepth[all]')"


def test_a_process_that_crashes_or_takes_too_long_is_a_reason(tmp_path: Path) -> None:
    crash = run_apart(["timeit", "-n1", "-r1", "import os; os.abort()"], tmp_path / "log", 30)
    assert "SIGABRT" in crash
    late = run_apart(["timeit", "-n1", "-r1", "import time; time.sleep(60)"], tmp_path / "log", 0.5)
    assert late == "it was not made within 0 s"
