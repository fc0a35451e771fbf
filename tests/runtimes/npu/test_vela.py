"""Vela in the place of an Ethos-U: what it places, and that our rules say the same."""

import importlib.util
from pathlib import Path

import pytest

from calib.plan import Plan
from export.tflite.int8 import convert
from runtimes.errors import DeviceUnavailable
from runtimes.npu import vela
from runtimes.npu.graph import Graph, read_graph
from runtimes.npu.report import Report, readiness, report
from runtimes.npu.rules import read_npus
from runtimes.npu.vela import Placement, place
from wedepth.errors import WedepthError

installed = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed")
# Where nano's int8 artifact multiplies in int8 and Vela still says no: a constant that the quantiser gave a scale by
# channel, on the left of a product.
BY_CHANNEL = "prompted.stages.0.extraction.cross.0"


@pytest.fixture(scope="module")
def artifact(nano_hub: Path, nano_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vela") / "model.tflite"
    convert(nano_hub, path, plan=nano_plan, metadata={}, interface="int8")
    return path


@pytest.fixture(scope="module")
def graph(artifact: Path) -> Graph:
    return read_graph(artifact)


@pytest.fixture(scope="module")
def placement(artifact: Path, graph: Graph) -> Placement:
    return place(artifact, graph)


@installed
def test_most_is_placed_on_the_npu_with_an_estimate_that_says_so(placement: Placement) -> None:
    assert placement.share is not None and placement.share > 0.95
    assert placement.commands > 0 and placement.npu_ops > 200
    assert placement.estimate_ms is not None and placement.estimate_ms > 0
    assert placement.estimate_cycles is not None and placement.estimate_cycles > 0
    assert "estimate" in placement.proves and "nothing was run" in placement.proves
    assert sum(placement.reasons.values()) >= len(placement.cpu_nodes) == sum(placement.cpu.values())


@installed
def test_our_rules_say_what_vela_does(graph: Graph, placement: Placement) -> None:
    (ethos,) = (npu for npu in read_npus("tflite") if npu.name == "arm-ethos-u85")
    found = readiness(graph, ethos)
    assert found.amounts["ready"].ops == placement.npu_ops
    assert found.amounts["ready"].macs == placement.npu_macs
    assert {name for blocker in found.blockers for name in blocker.nodes} == set(placement.cpu_nodes)


@installed
def test_what_multiplies_in_int8_is_placed_but_for_one_product(graph: Graph, placement: Placement) -> None:
    left = set(placement.cpu_nodes)
    integers = [op for op in graph.ops if op.macs and all(tensor.dtype == "int8" for tensor in op.values)]
    assert {op.module for op in integers if op.name in left} <= {BY_CHANNEL}


@installed
def test_a_file_that_vela_cannot_read_is_a_sentence(tmp_path: Path, graph: Graph) -> None:
    (tmp_path / "model.tflite").write_bytes(b"no model")
    with pytest.raises(WedepthError, match=r"^Vela cannot compile model\.tflite: .+\.$"):
        place(tmp_path / "model.tflite", graph)


@installed
def test_a_file_that_vela_refuses_was_not_left_out(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vela, "SYSTEM", "No_Such_System")
    found = report(artifact, "nano")
    assert found.refused is not None and found.refused.startswith("Vela cannot compile model.tflite: ")
    assert found.vela is None and found.not_run is None


def test_without_vela_it_is_not_run_and_the_extra_is_named(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> Placement:
        raise DeviceUnavailable(vela.MISSING)

    monkeypatch.setattr("runtimes.npu.report.place", absent)
    found: Report = report(artifact, "nano")
    assert found.vela is None
    assert found.not_run == "ethos-u-vela is not installed (pip install 'wedepth[vela]')"


def test_vela_is_missed_before_anything_is_written(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DeviceUnavailable, match=r"wedepth\[vela\]"):
        place(Path("absent.tflite"), graph)
