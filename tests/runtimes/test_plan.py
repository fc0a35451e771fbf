"""What a command runs, in which order, and what it tells on the way: with a harness that only pretends."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from runtimes.bundle import Bundle, find_bundles
from runtimes.parity import NOT_YET, artifact_row, torch_row
from runtimes.plan import plan, run_all
from runtimes.results import Row, Run
from wedepth.errors import WedepthError

DEPTHS = {0: np.ones((2, 2), np.float32)}


class Pretender:
    """Passes everything at once; calls `then` with a row's name before it does."""

    def __init__(self, then: Callable[[str], None] = lambda name: None) -> None:
        self.then, self.interrupted, self.known = then, False, {}

    def run(self, bundle: Bundle, runtime: str, device: str) -> Run:
        found = self._pass(artifact_row(bundle, runtime, device))
        self.reference(bundle, "cpu")
        return found

    def reference(self, bundle: Bundle, device: str) -> tuple[Run, None]:
        if device not in self.known:
            self.known[device] = self._pass(torch_row(bundle, device))
        return self.known[device], None

    def known_reference(self, bundle: Bundle, device: str) -> Run | None:
        return self.known.get(device)

    def _pass(self, row: Row) -> Run:
        if self.interrupted:
            return Run(dataclasses.replace(row, reason="the run was interrupted"))
        self.then(row.name)
        return Run(dataclasses.replace(row, status="pass", reason=None), DEPTHS)


@pytest.fixture
def bundles(exported: Path) -> list[Bundle]:
    return [bundle for bundle in find_bundles(exported) if bundle.manifest.target in ("onnx", "openvino")]


def statuses(runs: list[Run]) -> str:
    return "".join({"pass": "+", "fail": "-", "not_run": "."}[run.row.status] for run in runs)


def test_torch_is_one_row_and_the_first(bundles: list[Bundle]) -> None:
    names = [task.row().name for task in plan(bundles, None, ["cpu", "npu"], [])]
    assert names[0] == "torch fp32 on cpu" and len(names) == 9
    assert "onnxruntime fp32 on npu" in names and "openvino fp16 on cpu" in names


def test_a_runtime_without_a_bundle_is_a_row_where_it_was_asked_for(bundles: list[Bundle]) -> None:
    rows = [task.row() for task in plan(bundles, "all", ["cpu"], [])]
    assert [row.reason for row in rows if row.runtime == "tflite"] == ["no tflite bundle was given"]


def test_each_row_is_told_as_soon_as_it_is_there(bundles: list[Bundle]) -> None:
    told: list[str] = []
    tasks = plan(bundles, None, ["cpu"], [])
    runs = run_all(Pretender(), tasks, lambda runs: told.append(statuses(runs)))  # type: ignore[arg-type]
    # Torch, which comes first, is there with the first artifact.
    assert told == [".....", "++...", "+++..", "++++.", "+++++", "+++++"]
    assert runs[0].row.runtime == "torch"


def test_rows_to_come_say_so(bundles: list[Bundle]) -> None:
    seen: list[list[Run]] = []
    run_all(Pretender(), plan(bundles, None, ["cpu"], []), lambda runs: seen.append(list(runs)))  # type: ignore[arg-type]
    assert {run.row.reason for run in seen[0]} == {NOT_YET}


def test_a_refusal_of_the_first_is_one_of_all_and_of_a_later_one_a_row(bundles: list[Bundle]) -> None:
    def refuse(name: str) -> None:
        if name == refused:
            raise WedepthError("It is another network.")

    tasks = plan(bundles, None, ["cpu"], [])
    refused = tasks[1].row().name
    with pytest.raises(WedepthError, match="another network"):
        run_all(Pretender(refuse), tasks, lambda runs: None)  # type: ignore[arg-type]
    refused = tasks[3].row().name
    runs = run_all(Pretender(refuse), tasks, lambda runs: None)  # type: ignore[arg-type]
    assert statuses(runs) == "+++-+" and runs[3].row.reason == "It is another network."


@pytest.mark.parametrize("at", [2, 3])
def test_ctrl_c_at_any_time_keeps_what_was_measured(bundles: list[Bundle], at: int) -> None:
    def press(_: object) -> None:
        count.append(1)
        if len(count) == at:
            raise KeyboardInterrupt

    tasks = plan(bundles, None, ["cpu"], [])
    count: list[int] = []
    pretender = Pretender()
    runs = run_all(pretender, tasks, press)  # type: ignore[arg-type]
    assert pretender.interrupted and statuses(runs) == "+" * at + "." * (5 - at)


def test_a_device_that_is_named_is_the_only_one_of_a_stand_in(bundles: list[Bundle]) -> None:
    def devices(*asked: str) -> list[str]:
        found = plan(bundles, None, asked, ["web"])
        return sorted({task.device for task in found if task.runtime != "torch"})

    assert devices() == ["cpu", "gpu"]
    assert devices("cpu") == ["cpu"] and devices("gpu") == ["gpu"]
    assert devices("npu") == []
