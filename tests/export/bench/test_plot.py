"""The pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures need matplotlib, of the extra `bench`")

from export.bench.plot import growth, latency
from export.bench.results import Report


def test_bars_of_what_was_measured(make_report: Callable[..., Report], tmp_path: Path) -> None:
    latency([make_report(torch_eager=0.5, tflite_naive=5.0, tflite_fp32=0.2)], tmp_path / "latency.png")
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_measured_is_no_picture(make_report: Callable[..., Report], tmp_path: Path) -> None:
    latency([make_report()], tmp_path / "latency.png")
    assert not (tmp_path / "latency.png").exists()


def test_curves(tmp_path: Path) -> None:
    curve = {"axis": "pixels", "name": "openvino-fp32", "x": [1, 2], "seconds": [0.1, 0.2], "bytes": [10**9, 10**9],
             "time_slope": 1.0, "memory_slope": 0.0}  # fmt: skip
    growth([curve], tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
