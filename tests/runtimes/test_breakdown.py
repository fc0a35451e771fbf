"""Errors that are put in one place are found there, and nowhere else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtimes.breakdown import break_down, depth_edges
from runtimes.bundle import open_bundle
from runtimes.formats import to_markdown
from runtimes.limits import Limit
from runtimes.parity import Frames, Harness
from runtimes.results import Breakdown, Depth, Part, Report
from runtimes.stopwatch import Effort
from runtimes.table import print_table
from wedepth.data.frame import INDOOR, Frame
from wedepth.rooms import rooms

SIZE = (40, 60)
NEAR, FAR = "1–2 m", "4–8 m"


def scene() -> Depth:
    """A wall at 1.5 m, and behind its edge, in the last third, one at 5 m."""
    depth = np.full(SIZE, 1.5, np.float32)
    depth[:, 40:] = 5.0
    return depth


def frame(name: str, truth: Depth, known: bool = True) -> Frame:
    image = np.zeros((*truth.shape, 3), np.uint8)
    return INDOOR.frame(name, image, truth if known else np.zeros_like(truth), name)


def broken_down(*depths: Depth, truth: Depth | None = None, known: bool = True) -> Breakdown:
    frames = [(i, frame(f"frame {i}", scene() if truth is None else truth, known)) for i in range(len(depths))]
    return break_down(dict(enumerate(depths)), dict.fromkeys(range(len(depths)), scene()), frames)


def named(parts: list[Part]) -> dict[str, Part]:
    return {part.name: part for part in parts}


def test_an_error_beyond_four_metres() -> None:
    depth = scene()
    depth[:, 40:] *= 1.1
    found = broken_down(depth)
    bands = named(found.bands)
    assert [part.name for part in found.bands] == ["0–1 m", NEAR, "2–4 m", FAR, "from 8 m"]
    assert (bands[NEAR].pixels, bands[FAR].pixels) == (1600, 800)
    assert bands[NEAR].vs_torch == 0 and bands[FAR].vs_torch == pytest.approx(0.1, rel=1e-5)
    assert (bands[FAR].abs_rel, bands[FAR].torch_abs_rel) == (pytest.approx(0.1, rel=1e-5), 0)
    assert bands["0–1 m"] == Part("0–1 m", 0, None, None, None)
    assert found.scale_bias == pytest.approx(np.log(1.1) / 3, rel=1e-4)


def test_an_error_at_edges_alone() -> None:
    depth = scene()
    depth[:, 39:41] *= 0.8
    at, off = broken_down(depth).edges
    assert (at.name, at.pixels, off.name, off.pixels) == ("at edges", 80, "off edges", 2320)
    assert at.vs_torch == at.abs_rel == pytest.approx(0.2, rel=1e-5)
    assert off.vs_torch == off.abs_rel == 0


def test_edges_are_steps_of_five_percent_in_any_direction() -> None:
    depth = np.ones((8, 8))
    depth[4:, :] = 1.06
    depth[:, 4:] *= 1.04
    assert depth_edges(depth).any(axis=1).tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert depth_edges(depth.T).any(axis=0).tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert not depth_edges(np.geomspace(1, 1.04**7, 8)[None].repeat(8, 0)).any()


def test_the_worst_frames_come_first_and_are_five() -> None:
    depths = [scene() for _ in range(8)]
    for index, factor in ((2, 1.5), (6, 2.0)):
        depths[index] = scene() * np.float32(factor)
    depths[4] = np.full_like(scene(), np.nan)
    found = broken_down(*depths)
    assert [one.name for one in found.worst[:3]] == ["frame 4", "frame 6", "frame 2"]
    assert len(found.worst) == 5
    assert np.isnan(found.worst[0].mean_rel) and found.worst[0].abs_rel is None
    assert (found.worst[1].mean_rel, found.worst[1].max_rel) == (1, 1)
    assert found.bands[1].vs_torch is None and np.isnan(found.scale_bias)


def test_ground_truth_of_another_size_is_told_apart_by_the_nearest_pixel() -> None:
    truth = scene().repeat(3, 0).repeat(3, 1)
    truth[:, 120:] *= 2  # torch is wrong by half there, and the artifact is torch
    found = broken_down(scene(), truth=truth)
    bands, (at, off) = named(found.bands), found.edges
    assert bands[NEAR].torch_abs_rel == pytest.approx(0, abs=0.02)  # the resize blends the two walls at their edge
    # 10 m is where the range ends, so its pixels are not valid: the far wall has no ground truth.
    assert bands[FAR].pixels == 800 and bands[FAR].abs_rel is None
    assert off.abs_rel == 0 and at.abs_rel is not None and at.abs_rel > 0


def test_without_ground_truth_only_torch_is_there() -> None:
    found = broken_down(scene() * np.float32(1.1), known=False)
    assert {part.abs_rel for part in (*found.bands, *found.edges)} == {None}
    assert found.worst[0].abs_rel is None and found.worst[0].mean_rel == pytest.approx(0.1, rel=1e-5)


def test_a_row_that_fails_says_where(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    impossible = {"fp32": Limit(), "fp16": Limit(mean_rel=1e-9)}
    harness = Harness(Frames(rooms(2, (48, 64))), lambda name, done: None, impossible, Effort(1, 0.0, False, 1))
    rows = [
        harness.run(open_bundle(exported / f"nano-onnx-{precision}"), "onnxruntime", "cpu").row
        for precision in ("fp32", "fp16")
    ]
    assert [row.status for row in rows] == ["pass", "fail"]
    for row in rows:
        assert row.breakdown is not None and row.vs_torch is not None
        # Pixels of all bands, of edges and the rest, and of all frames are the same pixels.
        for parts in (row.breakdown.bands, row.breakdown.edges):
            assert sum(part.pixels for part in parts) == 2 * 64 * 96
            total = sum(part.pixels * (part.vs_torch or 0) for part in parts) / (2 * 64 * 96)
            assert total == pytest.approx(row.vs_torch["mean_rel"], rel=1e-6)
        means = [one.mean_rel for one in row.breakdown.worst]
        assert np.mean(means) == pytest.approx(row.vs_torch["mean_rel"], rel=1e-6)
        assert max(one.max_rel for one in row.breakdown.worst) == row.vs_torch["max_rel"]
    report = Report("2 rooms", "2026-01-01", {"cpu": "", "cores": 1, "instructions": ""}, rows, {}, [])
    print_table(report)
    printed, summary = capsys.readouterr().out, to_markdown(report, [])
    for text in (printed, summary):
        assert text.count("at edges") == 1 and text.count("onnxruntime fp16 on cpu") >= 1
    assert "nano-onnx-fp16" in summary and "room" in summary
    passed = replace(report, rows=rows[:1])
    print_table(passed)
    assert "edges" not in capsys.readouterr().out + to_markdown(passed, [])
    undecided = replace(report, rows=[replace(rows[1], status="undecided")])
    print_table(undecided)
    assert "edges" in capsys.readouterr().out
    assert "edges" not in to_markdown(undecided, [])
