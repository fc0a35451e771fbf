"""LiteRT's GPU delegate on SwiftShader, where Chromium brings it."""

from pathlib import Path

import pytest

from runtimes import swiftshader
from runtimes.bundle import open_bundle
from runtimes.errors import DeviceUnavailable
from runtimes.parity import Frames, Harness
from runtimes.swiftshader import find_driver, launch
from wedepth.rooms import rooms


def test_absent_swiftshader_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swiftshader, "FOLDERS", (tmp_path,))
    with pytest.raises(DeviceUnavailable, match="it comes with Chromium"):
        launch()


def test_the_child_has_swiftshader_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / swiftshader.DRIVER).touch()
    monkeypatch.setattr(swiftshader, "FOLDERS", (tmp_path,))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine")
    environment = {"VK_ICD_FILENAMES": str(tmp_path / swiftshader.DRIVER), "LD_LIBRARY_PATH": f"{tmp_path}:/mine"}
    assert launch().environment == environment


def test_where_the_ops_ran_and_that_the_numbers_hold(exported: Path) -> None:
    try:
        find_driver()
    except DeviceUnavailable as error:
        pytest.skip(str(error))
    harness = Harness(Frames(rooms(1, (64, 96))), lambda name, done: None)
    row = harness.run(open_bundle(exported / "nano-tflite-fp32"), "tflite-swiftshader", "gpu").row
    assert (row.runtime, row.device, row.latency) == ("tflite-swiftshader", "gpu", None)
    assert "SwiftShader" in row.details["adapter"]
    assert row.placed is not None and row.placed["gpu"] == sum(row.placed.values()) > 1000
    assert row.vs_torch is not None and (row.vs_torch["max_rel"] or 1) < 1e-5
    assert row.status != "fail"  # one frame leaves AbsRel undecided
