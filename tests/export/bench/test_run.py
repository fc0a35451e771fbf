"""A whole run, with workers that only pretend; and one that does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.bench import run as running
from export.bench.artifacts import Workshop
from export.bench.contenders import CONTENDERS, PAPER, chosen
from export.bench.report import markdown
from export.bench.results import Made, Report
from export.bench.rounds import Effort
from export.bench.run import Bench, run
from export.bench.worker import Opening
from runtimes.process import ChildFailed
from wedepth.errors import WedepthError

GIGABYTE = 10**9
DEPTH = np.linspace(1, 5, 24, dtype=np.float32)
NAMES = ("torch-eager", "matmul-torch-1024", "onnxruntime-naive", "onnxruntime-fp32", "tflite-naive", "tflite-fp32",
         "coreml-fp32")  # fmt: skip


class Quiet:
    def step(self, words: str) -> None: ...

    def expect(self, seconds: float, visits: int) -> None: ...

    def visit(self, name: str) -> None: ...


class Shop(Workshop):
    """Makes everything but what is in `refused`."""

    refused: dict[str, str] = {}  # noqa: RUF012

    def begin(self) -> Made:
        facts = {"sha256": "0", "parameters": 280_000, "weights": "untrained", "vfm": "random"}
        return Made(facts=facts)

    def ensure(self, name: str) -> Made:
        return Made(self.refused.get(name, ""), 2.0, GIGABYTE, 10**6, 5, {"macs": 10**9})


class Pretender:
    """A worker in this process."""

    interrupts = ""
    wrong = ""
    fails = ""
    opened: list[str] = []  # noqa: RUF012
    alive: set[str] = set()  # noqa: RUF012

    def __init__(self, opening: Opening, log: Path) -> None:
        self.name = opening.contender
        if self.name == self.fails:
            raise ChildFailed("RuntimeError: it cannot be read")
        Pretender.opened.append(self.name)
        Pretender.alive.add(self.name)
        self.load, self.first, self.warm = 0.1, 0.2, 0.1
        self.depth = DEPTH * 1.01 if self.name == self.wrong else DEPTH.reshape(2, 12)
        self._turns = 0

    def run(self, times: int) -> list[tuple[float, float]]:
        self._turns += 1
        if self.name == self.interrupts and self._turns == 3:
            raise KeyboardInterrupt
        return [(0.1, 0.2)] * times

    def peak_bytes(self) -> int:
        return GIGABYTE

    def close(self) -> None:
        Pretender.alive.discard(self.name)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(running, "Worker", Pretender)
    monkeypatch.setattr(running, "available_bytes", lambda: 100 * GIGABYTE)
    monkeypatch.setattr(Pretender, "opened", [])
    shop = Shop("nano", None, (64, 96), tmp_path, 60, lambda words: None)
    return Bench(shop, [CONTENDERS[n] for n in NAMES], [1, 2], Effort(runs=8, at_once=2), Quiet())


def _statuses(report: Report) -> dict[str, str]:
    return {row.name: row.status for row in report.rows}


def test_every_contender_is_a_row(bench: Bench) -> None:
    report = run(bench)
    assert _statuses(report) == {name: "measured" for name in NAMES} | {"coreml-fp32": "made"}
    ours = report.row("onnxruntime-fp32")
    assert ours and ours.agrees and ours.max_rel == 0
    assert [ours.timings[t].runs for t in ("1", "2")] == [8, 8]
    assert ours.timings["2"].wall.median == pytest.approx(0.1)
    assert report.peak["1"]["flops"] == pytest.approx(2 * 1024**3 / 0.1)
    assert "not timed" in report.rows[-1].reason


def test_what_cannot_be_made_or_opened_is_a_row_with_its_reason(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "refused", {"tflite-naive": "RuntimeError: torch.complex64"})
    monkeypatch.setattr(Pretender, "fails", "onnxruntime-naive")
    report = run(bench)
    statuses = _statuses(report)
    assert statuses["tflite-naive"] == statuses["onnxruntime-naive"] == "not_run"
    assert statuses["tflite-fp32"] == "measured"
    text = markdown(report)
    assert "| tflite-naive | RuntimeError: torch.complex64 |" in text
    assert "| onnxruntime-naive | RuntimeError: it cannot be read |" in text


def test_a_second_naive_road_is_taken_only_where_the_first_refuses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.contenders = [CONTENDERS[n] for n in ("torch-eager", "tflite-naive", "tflite-naive-folded", "tflite-fp32")]
    row = run(bench).row("tflite-naive-folded")
    assert row and row.status == "not_run"
    assert row.reason.startswith("not needed")
    monkeypatch.setattr(Shop, "refused", {"tflite-naive": "RuntimeError: torch.complex64"})
    assert _statuses(run(bench)) == {
        "torch-eager": "measured", "tflite-naive": "not_run", "tflite-naive-folded": "measured",
        "tflite-fp32": "measured",
    }  # fmt: skip


def test_a_wrong_depth_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pretender, "wrong", "tflite-fp32")
    report = run(bench)
    row = report.row("tflite-fp32")
    assert row and row.agrees is False
    assert row.mean_rel == pytest.approx(0.01, rel=1e-3)
    assert "tflite-fp32 (disagrees)" in markdown(report)


def test_ctrl_c_keeps_what_was_measured(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Pretender, "interrupts", "onnxruntime-fp32")
    file = tmp_path / "report.json"
    bench.keep = lambda report: report.write(file)
    assert run(bench).interrupted
    kept = Report.read(file)
    assert kept.interrupted
    row = kept.row("onnxruntime-fp32")
    assert row and row.status == "measured"
    assert row.timings["1"].runs == 4
    assert "2" not in row.timings


def test_contenders_that_do_not_fit_together_are_measured_by_runtime(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each worker takes a gigabyte: after torch, the matmul and one family of two, two more may need 2.6 of the 2 left.
    monkeypatch.setattr(running, "available_bytes", lambda: 6 * GIGABYTE - len(Pretender.alive) * GIGABYTE)
    bench.threads = [1]
    report = run(bench)
    groups = {row.name: row.timings["1"].group for row in report.rows if row.timings}
    assert groups["onnxruntime-naive"] == groups["onnxruntime-fp32"]
    assert groups["tflite-naive"] == groups["tflite-fp32"] != groups["onnxruntime-fp32"]
    assert Pretender.opened.count("torch-eager") == max(groups.values())


def test_a_report_is_read_as_it_was_written(bench: Bench, tmp_path: Path) -> None:
    report = run(bench)
    report.write(tmp_path / "nano.json")
    assert Report.read(tmp_path / "nano.json") == report
    (tmp_path / "old.json").write_text('{"schema": 0}')
    with pytest.raises(WedepthError, match="schema"):
        Report.read(tmp_path / "old.json")


def test_what_is_asked_for_comes_with_what_it_is_held_against() -> None:
    names = [c.name for c in chosen("edge", ("tflite",))]
    assert "torch-eager" in names
    assert "tflite-naive-folded" in names
    assert "openvino-fp32" not in names
    assert "torch-dav2" in [c.name for c in chosen("edge", ("openvino-dav2",))]
    assert {c.name for c in chosen("paper") if c.network == "wedepth"} == set(PAPER)
    with pytest.raises(WedepthError, match="No contender"):
        chosen("edge", ("tensorrt",))


def test_nano_in_torch(tmp_path: Path) -> None:
    """Nothing pretends here: the network is loaded and run in processes of their own."""
    pytest.importorskip("openvino", reason="the matmul peak of this test is OpenVINO's")
    shop = Workshop("nano", None, (64, 96), tmp_path, 120, lambda words: None)
    names = ("torch-eager", "matmul-openvino-1024")
    report = run(Bench(shop, [CONTENDERS[n] for n in names], [1], Effort(runs=3), Quiet()))
    eager: Any = report.row("torch-eager")
    assert eager.status == "measured", eager.reason
    assert eager.timings["1"].runs == 3
    assert 0 < eager.timings["1"].wall.median < 60
    assert report.peak["1"]["flops"] > 1e8
    assert report.weights["parameters"] > 200_000
