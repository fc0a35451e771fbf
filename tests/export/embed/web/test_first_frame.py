"""Measuring a page's first depth."""

import json
from pathlib import Path

import pytest

from export.embed.first_frame import FirstFrame, measure, to_markdown
from runtimes.errors import DeviceUnavailable
from runtimes.web.browser import find_chromium
from wedepth.errors import WedepthError


@pytest.fixture
def page(site: Path, tmp_path: Path) -> Path:
    """The page's project, with its last bundle alone."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    try:
        find_chromium()
    except DeviceUnavailable as error:
        pytest.skip(str(error))
    (tmp_path / "dist").symlink_to(site / "dist")
    last = json.loads((site / "bundles.json").read_text())[-1]
    (tmp_path / "bundles.json").write_text(json.dumps([last]))
    return tmp_path


def test_a_model_is_measured_from_nothing_to_depth(page: Path) -> None:
    (row,) = measure(page, ["wasm"], pictures=2)
    assert (row.bundle, row.backend, row.problem) == ("nano-tflite-fp32", "wasm", None)
    (last,) = json.loads((page / "bundles.json").read_text())
    assert row.bytes == (Path(last) / "model.tflite").stat().st_size > row.gzip
    assert row.where and row.where.startswith("WebAssembly, ")
    assert row.ready_ms and row.first_ms and row.next_ms
    assert row.self_test and row.self_test.startswith("Passed.")


def test_a_model_that_comes_to_no_end_is_a_row(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.embed.first_frame.PATIENCE", 0)
    (row,) = measure(page, ["wasm"], pictures=1)
    assert row.problem == "no end after 0 minutes" and row.first_ms is None


def test_what_was_not_measured_is_a_dash_with_its_reason() -> None:
    rows = [
        FirstFrame("a", "wasm", 2_000_000, 1_000_000, "WebAssembly, 2 threads", 1234.0, 567.0, 89.0, "Passed."),
        FirstFrame("b", "webgpu", 2_000_000, 1_900_000, problem="This browser has no WebGPU."),
    ]
    assert to_markdown(rows).splitlines()[2:] == [
        "| a | WebAssembly, 2 threads | 2.0 (1.0) | 1.23 | 0.57 | 0.09 |",
        "| b | This browser has no WebGPU. | 2.0 (1.9) | – | – | – |",
    ]


def test_no_page(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="There is no page in"):
        measure(tmp_path, ["wasm"], pictures=1)
