import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from runtimes.bundle import Bundle, open_bundle, read_manifest, write_manifest
from runtimes.limits import Limit
from runtimes.parity import Frames, Harness, Taken, _farthest, frame_metrics
from runtimes.results import Row
from runtimes.stopwatch import Effort
from runtimes.worker import Opening
from wedepth.checkpoint import network_hash, save_whole
from wedepth.config import preset
from wedepth.data import Frame
from wedepth.errors import WedepthError
from wedepth.network import build
from wedepth.rooms import rooms

COMMAND = Path(sys.executable).with_name("wedepth-parity")
KEYS = {"runtime", "target", "device", "precision", "status", "reason", "frames", "metrics", "vs_torch", "latency"}


def parity(*args: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == expect, done.stderr + done.stdout
    return done


def rows(*args: object, expect: int = 0) -> list[dict]:
    report = json.loads(parity(*args, "--json", expect=expect).stdout)
    assert report["schema"] == 2
    return report["rows"]


class Named(Sequence[Frame]):
    """Frames of which one cannot be read, or at which a person presses Ctrl-C."""

    def __init__(self, frames: Sequence[Frame], broken: int = -1, pressed: int = -1) -> None:
        self.frames, self.broken, self.pressed = frames, broken, pressed

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Frame:
        if index == self.pressed:
            raise KeyboardInterrupt
        if index == self.broken:
            raise WedepthError("It is torn.")
        return self.frames[index]


def harness(frames: Sequence[Frame]) -> Harness:
    return Harness(Frames(frames), lambda name, done: None, effort=Effort(1, 0.0, both=False, whole=1))


def test_an_artifact_that_computes_something_else_fails_with_the_numbers(exported: Path, tmp_path: Path) -> None:
    network = build(preset("nano"), seed=5)
    save_whole(network, tmp_path / "other.safetensors")
    folder = Path(shutil.copytree(exported / "nano-onnx-fp32", tmp_path / "b"))
    manifest = read_manifest(folder)
    record = replace(manifest.checkpoint, source=str(tmp_path / "other.safetensors"), sha256=network_hash(network))
    write_manifest(folder, replace(manifest, checkpoint=record))
    row = harness(rooms(2, (48, 64))).run(open_bundle(folder), "onnxruntime", "cpu").row
    assert row.status == "fail" and "is not met" in (row.reason or "")
    assert row.vs_torch is not None and (row.vs_torch["max_rel"] or 0) > 1e-3


def test_ops_that_ran_elsewhere_are_named_where_the_runtime_names_them(exported: Path) -> None:
    bundle, depth = open_bundle(exported / "nano-onnx-fp32"), np.ones((2, 2), np.float32)
    row = Row("onnxruntime-webgpu", "onnx", "gpu", "fp32", "not_run", details={"elsewhere": "2 Gather"})
    taken, same = Taken(depth, {0: depth}, placed={"gpu": 98, "cpu": 2}), Taken(depths={0: depth})
    row = harness(rooms(1, (48, 64)))._judged(row, taken, same, same, bundle)
    assert row.status == "fail"
    assert row.reason == "2.0% of 100 ops ran elsewhere than on the gpu (2 on cpu); 0.0% may; 2 Gather"


def test_ops_that_may_run_elsewhere_are_said_where_they_did(exported: Path) -> None:
    bundle, depth = open_bundle(exported / "nano-onnx-fp32"), np.ones((2, 2), np.float32)
    row = Row("onnxruntime-webgpu", "onnx", "gpu", "fp32", "not_run", details={"elsewhere": "2 Gather"})
    taken, same = Taken(depth, {0: depth}, placed={"gpu": 98, "cpu": 2}), Taken(depths={0: depth})
    checked = harness(rooms(1, (48, 64)))
    checked.limits = {"fp32": Limit(elsewhere=0.02)}
    row = checked._judged(row, taken, same, same, bundle)
    assert row.status == "pass"
    assert row.reason == "2.0% of 100 ops ran elsewhere than on the gpu (2 on cpu); 2.0% may; 2 Gather"


def test_a_bad_frame_in_the_middle_is_left_out_and_said(exported: Path) -> None:
    checked = harness(Named(rooms(3, (48, 64)), broken=1))
    run = checked.run(open_bundle(exported / "nano-onnx-fp32"), "onnxruntime", "cpu")
    assert (run.row.status, run.row.frames) == ("pass", 2)
    assert sorted(run.depths) in ([0], [0, 2])
    assert sorted(checked.reference(open_bundle(exported / "nano-onnx-fp32"), "cpu")[1].depths) == [0, 2]
    assert checked.frames.unread == {1: "It is torn."}
    with pytest.raises(WedepthError, match=r"No frame can be read\. It is torn\."):
        list(Frames(Named(rooms(1, (48, 64)), broken=0)))


def test_ctrl_c_keeps_what_was_measured_and_runs_no_more(exported: Path) -> None:
    checked = harness(Named(rooms(3, (48, 64)), pressed=2))
    bundle = open_bundle(exported / "nano-onnx-fp32")
    first, second = (checked.run(bundle, "onnxruntime", "cpu").row for _ in range(2))
    assert first.status == second.status == "not_run"
    assert first.reason == "the run was interrupted after 2 of 3 frames"
    assert first.frames == 2 and first.metrics and first.metrics["abs_rel"]
    assert second.reason == "the run was interrupted" and second.frames == 0


def test_an_interrupted_reference_passes_nothing(exported: Path) -> None:
    frames = Named(rooms(2, (48, 64)))
    checked = harness(frames)
    step = checked.step

    def press(name: str, done: int) -> None:
        if name == "onnxruntime: 1 timed runs":  # the artifact is done, torch comes next
            frames.pressed = 0
        step(name, done)

    checked.step = press
    row = checked.run(open_bundle(exported / "nano-onnx-fp32"), "onnxruntime", "cpu").row
    assert (row.status, row.frames) == ("not_run", 2)
    assert row.reason == "the run was interrupted before torch was done"


def test_a_runtime_that_crashes_is_a_row_and_the_next_one_runs(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "import runtimes.onnxruntime as o\n"
        "run, count = o.ONNXRuntimeSession.run, []\n"
        "def crash(self, image):\n"
        "    count.append(1)\n"
        "    if len(count) == 3: os.kill(os.getpid(), 11)\n"
        "    return run(self, image)\n"
        "o.ONNXRuntimeSession.run = crash\n"
    )
    checked = harness(rooms(3, (48, 64)))
    bundle = open_bundle(exported / "nano-onnx-fp32")
    with monkeypatch.context() as context:
        context.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
        crashed = checked.run(bundle, "onnxruntime", "cpu").row
    assert crashed.status == "fail"
    assert "signal SIGSEGV" in (crashed.reason or "") and "after 1 of 3 frames" in (crashed.reason or "")
    assert crashed.frames == 1 and crashed.metrics is not None
    assert checked.run(bundle, "onnxruntime", "cpu").row.status == "pass"


def test_torch_that_crashes_is_a_row_and_what_was_measured_stays(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "import runtimes.reference as r\n"
        "def crash(*arguments): os.kill(os.getpid(), 9)\n"
        "r.open_reference = crash\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    checked = harness(rooms(2, (48, 64)))
    bundle = open_bundle(exported / "nano-onnx-fp32")
    row = checked.run(bundle, "onnxruntime", "cpu").row
    assert row.status == "fail" and "torch stopped after 0 of these frames: its process ended" in (row.reason or "")
    assert row.metrics is not None and row.latency is not None
    torch = checked.known_reference(bundle, "cpu")
    assert torch is not None and torch.row.status == "fail" and "want of memory" in (torch.row.reason or "")


def test_the_depths_that_are_kept_are_of_the_first_frame_and_the_farthest() -> None:
    reference = {i: np.ones((2, 2), np.float32) for i in range(4)}
    depths = {0: reference[0], 2: 1.2 * reference[2], 3: 1.1 * reference[3]}
    assert list(_farthest(depths, reference)) == [2]
    assert _farthest(depths, {}) == {}
    assert list(_farthest({0: depths[2], 1: np.full((2, 2), np.nan, np.float32)}, reference)) == [1]


def test_a_stand_in_is_held_against_the_artifacts_own_runtime(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two frames cannot tell what INT8 changes, but they tell whether two runtimes compute the same."""
    frames = rooms(2, (48, 64))
    truth = [np.where(frame.valid, frame.depth, 1.0).astype(np.float32) for frame in frames]

    def taken(*factors: float) -> Taken:
        depths = {i: factor * truth[i] for i, factor in enumerate(factors)}
        return Taken(depths=depths, metrics={i: frame_metrics(depth, frames[i]) for i, depth in depths.items()})

    gave = {"torch": taken(1.1, 1.1), "onnxruntime": taken(1.105, 1.11), "onnxruntime-web": taken(1.10501, 1.11001)}

    def take(self: Harness, row: Row, opening: Opening, *_: object, **__: object) -> tuple[Row, Taken]:
        if opening.runtime in gave:
            return row, gave[opening.runtime]
        return replace(row, status="not_run", reason="it is away"), Taken()

    monkeypatch.setattr(Harness, "_take", take)
    bundle = _as_int8(exported / "nano-onnx-fp32")
    assert harness(frames).run(bundle, "onnxruntime", "cpu").row.status == "undecided"
    row = harness(frames).run(bundle, "onnxruntime-web", "cpu").row
    assert (row.status, row.base) == ("pass", "onnxruntime")
    assert row.stand_in and "the same artifact in onnxruntime, from which depth differs by 9.2e-06" in row.stand_in

    gave["onnxruntime-web"] = taken(1.11, 1.105)  # another rounding: near in depth, AbsRel up here and down there
    assert harness(frames).run(bundle, "onnxruntime-web", "cpu").row.status == "pass"

    gave["onnxruntime"] = taken(1.105)  # it stopped after one frame: then there is nothing to pass by
    assert harness(frames).run(bundle, "onnxruntime-web", "cpu").row.status == "undecided"

    gave["onnxruntime"], gave["onnxruntime-web"] = taken(1.105, 1.11), taken(1.126, 1.132)
    row = harness(frames).run(bundle, "onnxruntime-web", "cpu").row
    assert row.status == "fail" and row.reason and "of onnxruntime's" in row.reason

    del gave["onnxruntime"]
    gave["onnxruntime-web"] = taken(1.105, 1.11)
    row = harness(frames).run(bundle, "onnxruntime-web", "cpu").row
    assert (row.status, row.base) == ("undecided", "torch")
    assert row.stand_in and row.stand_in.endswith("not held against onnxruntime, which did not run here: it is away")


def _as_int8(folder: Path) -> Bundle:
    bundle = open_bundle(folder)
    manifest = bundle.manifest
    return replace(bundle, manifest=replace(manifest, precision=replace(manifest.precision, name="int8")))


def test_several_bundles_by_name(exported: Path) -> None:
    names = ["nano-tflite-fp32", "nano-onnx-fp32"]
    found = rows(*(part for name in names for part in ("--bundle", exported / name)), "--data", "rooms:2")
    assert sorted(entry["bundle"] for entry in found if entry["runtime"] != "torch") == sorted(names)


def test_all_runtimes_in_one_report(exported: Path, tmp_path: Path) -> None:
    picture = tmp_path / "parity.png"
    found = rows("--bundle", exported, "--data", "rooms:2", "--picture", picture)
    assert len(found) == 9
    for entry in found:
        assert entry.keys() >= KEYS
        assert entry["status"] == "pass" and entry["frames"] == 2 and entry["trained"] is False
        latency = entry["latency"]
        assert entry["metrics"]["abs_rel"] > 0 and latency["p50"] <= latency["p90"] <= latency["p99"]
        assert min(latency["load"], latency["first"], latency["whole"], latency["runs"], latency["warmup"]) > 0
        assert entry["peak_bytes"] > 10e6
        told = entry["runtime"] in ("onnxruntime", "openvino")
        assert (set(entry["placed"] or {}) == {"cpu"}) == told
    by_name = {(entry["runtime"], entry["precision"]): entry for entry in found}
    reference = by_name["torch", "fp32"]
    assert reference["vs_torch"] is None
    for (runtime, precision), entry in by_name.items():
        if runtime != "torch" and precision == "fp32":
            assert entry["vs_torch"]["max_rel"] <= 1e-3
            assert entry["metrics"]["abs_rel"] == pytest.approx(reference["metrics"]["abs_rel"], rel=1e-4)
            assert entry["change"]["abs_rel"]["low"] <= 1.0001 and entry["change"]["frames"] == 2
    assert Image.open(picture).size[0] > 1000


def test_the_table_names_untrained_weights_and_what_was_not_run(exported: Path) -> None:
    bundle, allowed = exported / "nano-onnx-fp32", ("openvino", "coreml", "tflite")
    done = parity("--bundle", bundle, "--data", "rooms:2", "--runtime", "all", expect=1)
    for words in ("onnxruntime", "pass", "not run", "no tflite bundle was given", "untrained", "Percentiles are of"):
        assert words in done.stdout
    assert "Not passed: tflite - on cpu was not run: no tflite bundle was given" in done.stderr
    named = [f"--allow-not-run={name}" for name in allowed]
    assert parity("--bundle", bundle, "--data", "rooms:2", "--runtime", "all", *named).stderr.strip() == ""


def test_what_continuous_integration_and_pull_requests_read(exported: Path, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "parity.xml", tmp_path / "parity.md"
    bundle, args = exported / "nano-openvino-fp32", ("--device", "cpu", "--device", "npu", "--data", "rooms:2")
    parity("--bundle", bundle, *args, "--junit", junit, "--markdown", markdown, expect=1)
    suite = ElementTree.parse(junit).getroot()
    assert {n: suite.get(n) for n in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "0", "errors": "1", "skipped": "0",
    }  # fmt: skip
    case = suite.find("testcase[@name='openvino fp32 on npu']/error")
    assert case is not None and "OpenVINO finds no NPU here" in case.get("message", "")
    text = markdown.read_text()
    assert text.startswith("### Parity: not passed") and "| ✅ pass | openvino | fp32 | cpu |" in text
    parity("--bundle", bundle, *args, "--junit", junit, "--markdown", markdown, "--allow-not-run", "openvino:npu")
    assert ElementTree.parse(junit).getroot().get("skipped") == "1"
    assert markdown.read_text().startswith("### Parity: passed")


def test_one_frame_is_too_few_to_tell(exported: Path) -> None:
    done = parity("--bundle", exported / "nano-onnx-fp32", "--data", "rooms:1", expect=1)
    assert "one frame, which says nothing of others" in done.stderr


def test_limits_of_ones_own(exported: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("[fp32]\nmax_rel = 1e-9\n")
    done = parity("--bundle", exported / "nano-onnx-fp32", "--data", "rooms:2", "--limits", limits, expect=1)
    assert "max relative difference ≤ 1e-09 is not met" in done.stderr


def test_a_command_of_which_nothing_was_run_fails(exported: Path) -> None:
    (entry,) = rows("--bundle", exported / "nano-onnx-fp32", "--runtime", "openvino", "--data", "rooms:1", expect=1)
    assert entry["status"] == "not_run" and entry["reason"] == "no openvino bundle was given"


def test_absent_hardware_is_not_run(exported: Path) -> None:
    bundle = exported / "nano-openvino-fp32"
    (entry,) = rows("--bundle", bundle, "--runtime", "openvino", "--device", "npu", "--data", "rooms:1", expect=1)
    assert entry["status"] == "not_run" and "OpenVINO finds no NPU here" in entry["reason"]
    assert entry["metrics"] is None and entry["frames"] == 0


def test_an_artifact_is_run_from_its_bundle(exported: Path) -> None:
    artifact = exported / "nano-onnx-fp32" / "model.onnx"
    (entry,) = rows("--artifact", artifact, "--runtime", "onnxruntime", "--data", "rooms:2")
    assert entry["status"] == "pass"


def test_without_torch_the_golden_sample_stands_in_and_the_row_says_so(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A person who embeds the model has no training stack: torch and timm must not be needed, nor imported.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "for name in ('torch', 'timm', 'onnx', 'coremltools'): sys.modules[name] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n in ('torch', 'timm') else find(n, *a)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    (entry,) = rows("--bundle", exported / "nano-onnx-fp32", "--data", "rooms:1", "--runtime", "onnxruntime")
    assert entry["status"] == "pass" and "golden sample" in entry["reason"]
    assert entry["change"] is None and entry["metrics"]["abs_rel"] > 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--data", "nowhere"], "There is no nowhere"),
        (["--data", "rooms", "--checkpoint", "other.safetensors"], "There is no checkpoint other.safetensors"),
        (["--data", "rooms:1", "--checkpoint", "nano", "--vfm", "missing.pth"], "There is no file missing.pth"),
    ],
)
def test_bad_input_is_one_sentence(exported: Path, args: list[str], said: str) -> None:
    done = parity("--bundle", exported / "nano-onnx-fp32", *args, expect=1)
    assert said in done.stderr and "Traceback" not in done.stderr


def test_another_network_is_refused_as_reference(exported: Path, tmp_path: Path) -> None:
    save_whole(build(preset("nano"), seed=5), tmp_path / "other.safetensors")
    other = tmp_path / "other.safetensors"
    done = parity("--bundle", exported / "nano-onnx-fp32", "--data", "rooms:1", "--checkpoint", other, expect=1)
    assert "is not the network that nano-onnx-fp32 was exported from" in done.stderr


def test_a_damaged_bundle_is_refused(exported: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(exported / "nano-onnx-fp32", tmp_path / "b"))
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"x")
    done = parity("--bundle", bundle, "--data", "rooms:1", expect=1)
    assert "is not the file its manifest describes" in done.stderr


def test_bundle_and_artifact_exclude_each_other() -> None:
    assert "not both" in parity("--bundle", "a", "--artifact", "b", "--data", "rooms", expect=1).stderr
