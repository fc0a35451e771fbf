"""One rewrite left out at a time, on a real network, and what the table says of it."""

from pathlib import Path

import numpy as np
import pytest

import export.prepare
import wedepth
from export.bench.rounds import Effort
from export.bench.without import ALL, Without, measure, table, write
from export.prepare import REWRITES


def test_each_is_left_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(r for r in REWRITES if r.name in ("sample_points_major", "fold_heads"))
    monkeypatch.setattr(export.prepare, "REWRITES", few)
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
    said: list[str] = []
    network = wedepth.load("nano", say=lambda words: None)
    found = measure(network, (64, 96), image, tmp_path, 1, Effort(1), said.append)
    assert [one.name for one in found] == [ALL, "sample_points_major", "fold_heads", "lookups", "blocks"]
    whole, _, heads, lookups, blocks = found
    assert heads.macs > whole.macs == lookups.macs
    assert lookups.seconds.keys() == {"onnxruntime", "openvino"}
    assert blocks.seconds.keys() == {"onnxruntime"}
    assert all(seconds > 0 for one in found for seconds in one.seconds.values())
    assert "making all but fold_heads" in said


def test_the_table_says_what_is_more_without(tmp_path: Path) -> None:
    found = [
        Without(ALL, 100, 10**9, {"onnxruntime": 1.0, "openvino": 2.0}),
        Without("fold_heads", 90, 3 * 10**9, {"onnxruntime": 1.5, "openvino": 2.0}),
        Without("blocks", 100, 10**9, {"onnxruntime": 0.9}),
    ]
    assert table(found).rows == [
        ("fold_heads", "-10", "+2000", "+50.0%", "+0.0%"),
        ("blocks", "+0", "+0", "-10.0%", "–"),
    ]
    write(found, "nano", tmp_path)
    assert "| fold_heads | -10 | +2000 | +50.0% | +0.0% |" in (tmp_path / "without.md").read_text()
