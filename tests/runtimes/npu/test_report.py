"""What NPUs refuse of our own artifacts, pinned: a change here is a change of what phones run."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from runtimes.npu.graph import Graph, Op, Tensor, read_graph
from runtimes.npu.report import Readiness, readiness
from runtimes.npu.rules import read_npus

COMMAND = Path(sys.executable).with_name("wedepth-parity")
NPUS = {npu.name: npu for npu in read_npus()}
# What computes depth from its logarithm, in float32 on purpose: half precision's exp ends at 65504.
EPILOGUE = {"exp", "resize_bilinear", "concat", "reduce_mean"}


def of(exported: Path, npu: str, bundle: str) -> Readiness:
    (artifact,) = (path for path in (exported / bundle).glob("model.*") if path.suffix != ".bin")
    return readiness(read_graph(artifact), NPUS[npu])


@pytest.mark.parametrize(
    ("npu", "bundle"),
    [
        ("qualcomm-hexagon-onnx", "nano-onnx-fp32"),
        ("qualcomm-hexagon-onnx", "nano-onnx-fp16"),
        ("qualcomm-hexagon-tflite", "nano-tflite-fp32"),
        ("qualcomm-hexagon-tflite", "nano-tflite-fp16"),
        ("intel-npu", "nano-openvino-fp32"),
        ("intel-npu", "nano-openvino-fp16"),
    ],
)
def test_nothing_is_refused_by_a_list_of_ops(exported: Path, npu: str, bundle: str) -> None:
    found = of(exported, npu, bundle)
    assert found.blockers == []
    assert found.amounts["ready"].share == 1.0 and found.stretches == 1


def test_the_neural_engine_refuses_sampling_and_the_float32_end_only(exported: Path) -> None:
    found = of(exported, "apple-neural-engine", "nano-coreml-fp16")
    refused = [blocker for blocker in found.blockers if blocker.verdict.outcome == "refused"]
    assert {kind for blocker in refused for kind in blocker.kinds} == {"resample", *EPILOGUE}
    for blocker in refused:
        sampling = "resample" in blocker.kinds
        for module in blocker.modules:
            assert module.name.endswith("_attention") if sampling else module.name == "heads"
    assert found.amounts["refused"].macs == found.amounts["unknown"].macs == 0


def test_float32_never_reaches_the_neural_engine(exported: Path) -> None:
    found = of(exported, "apple-neural-engine", "nano-coreml-fp32")
    assert found.amounts["refused"].share == 1.0 and found.amounts["ready"].ops == 0


def test_floats_never_reach_ethos(exported: Path) -> None:
    found = of(exported, "arm-ethos-u85", "nano-tflite-fp16")
    assert found.amounts["refused"].share == 1.0


def value(name: str) -> Tensor:
    return Tensor(name, "float16", (1, 4))


def test_shares_modules_and_stretches() -> None:
    kinds = {"a/1": ("conv", 60), "a/2": ("resample", 0), "b/1": ("conv", 20), "b/2": ("erf", 0), "c/1": ("gather", 20)}
    ops = [Op(n, kind, n[0], macs, (value("x"),), (value(n),)) for n, (kind, macs) in kinds.items()]
    found = readiness(Graph("coreml", tuple(ops)), NPUS["apple-neural-engine"])
    assert {outcome: (amount.ops, amount.share) for outcome, amount in found.amounts.items()} == {
        "ready": (2, 0.8),
        "refused": (2, 0.2),
        "unknown": (1, 0.0),
    }
    assert found.stretches == 2
    assert [blocker.nodes for blocker in found.blockers] == [["c/1"], ["a/2"], ["b/2"]]
    assert [blocker.modules[0].name for blocker in found.blockers] == ["c", "a", "b"]
    assert set(found.sources) == {blocker.verdict.source for blocker in found.blockers} | {"transformers"}


def test_the_command_reads_an_artifact_for_eyes_and_for_machines(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["" : 20]> g (float[2,4] image) => (float[2,4] depth) {
        r = Relu(image) depth = Det2(r) }""".replace("Det2", "Hardmax")
    onnx.save(onnx.parser.parse_model(text), tmp_path / "model.onnx")
    command = [COMMAND, "--npu-report", "--artifact", tmp_path / "model.onnx"]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    (found,) = json.loads(told)["reports"]
    assert (found["format"], found["ops"], found["macs"], found["static"]) == ("onnx", 2, 0, True)
    (npu,) = found["npus"]
    assert npu["amounts"]["refused"] == {"ops": 1, "macs": 0, "share": None}
    assert npu["blockers"][0]["kinds"] == {"Hardmax": 1}
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Hardmax 1" in table and "QNN-ExecutionProvider.md" in table and "Nothing was run on an NPU" in table


def test_an_unknown_artifact_is_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    command = [COMMAND, "--npu-report", "--artifact", tmp_path / "model.pt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: model.pt is none of .onnx") and len(done.stderr.splitlines()) == 1
