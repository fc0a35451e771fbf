import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runtimes.bundle import open_bundle
from runtimes.limits import LIMITS, limit_for
from runtimes.parity import Row, run_bundle, verdict
from runtimes.registry import RUNTIMES
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

COMMAND = Path(sys.executable).with_name("wedepth-parity")
KEYS = {"runtime", "target", "device", "precision", "status", "reason", "frames", "metrics", "vs_torch", "latency_ms"}


def parity(*args: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == expect, done.stderr + done.stdout
    return done


def rows(*args: object, expect: int = 0) -> list[dict]:
    report = json.loads(parity(*args, "--json", expect=expect).stdout)
    assert report["schema"] == 1
    return report["rows"]


def row(status: str, runtime: str = "openvino") -> Row:
    return Row(runtime, "openvino", "cpu", "fp32", status)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["pass"], 0),
        (["pass", "not_run"], 0),
        (["pass", "fail"], 1),
        (["not_run", "not_run"], 1),
        ([], 1),
    ],
)
def test_the_verdict(statuses: list[str], code: int) -> None:
    assert verdict([row(status) for status in statuses]) == code


def test_the_reference_alone_proves_nothing_about_what_was_not_run() -> None:
    assert verdict([row("pass", "torch"), row("not_run")]) == 1
    assert verdict([row("pass", "torch")]) == 0


def test_limits_are_not_met_by_what_is_not_a_number() -> None:
    assert LIMITS["fp32"].holds(1e-3, 1e-4) and not LIMITS["fp32"].holds(2e-3, 1e-4)
    assert LIMITS["fp16"].holds(0.5, 0.007) and not LIMITS["fp16"].holds(0.5, 0.008)
    assert not LIMITS["fp32"].holds(float("nan"), 0.0)
    with pytest.raises(WedepthError, match="no limit for precision 'int3'"):
        limit_for("int3")


def test_an_artifact_that_computes_something_else_fails_with_the_numbers(exported: Path) -> None:
    frames = rooms(2, (48, 64))
    bundle = open_bundle(exported / "nano-onnx-fp32")
    wrong = [np.full((64, 96), 3.0, np.float32)] * 2
    run = run_bundle(RUNTIMES["onnxruntime"], bundle, "cpu", frames, lambda: wrong, lambda _: None)
    assert run.row.status == "fail" and "is not met" in (run.row.reason or "")
    assert run.row.vs_torch is not None and run.row.vs_torch["max_rel"] > 1e-3


def test_all_runtimes_in_one_report(exported: Path, tmp_path: Path) -> None:
    picture = tmp_path / "parity.png"
    found = rows("--bundle", exported, "--data", "rooms:2", "--picture", picture)
    assert len(found) == 9
    for entry in found:
        assert entry.keys() >= KEYS
        assert entry["status"] == "pass" and entry["frames"] == 2 and entry["trained"] is False
        assert entry["metrics"]["abs_rel"] > 0 and entry["latency_ms"]["p50"] <= entry["latency_ms"]["p90"]
    by_name = {(entry["runtime"], entry["precision"]): entry for entry in found}
    reference = by_name["torch", "fp32"]
    assert reference["vs_torch"] is None
    for (runtime, precision), entry in by_name.items():
        if runtime != "torch" and precision == "fp32":
            assert entry["vs_torch"]["max_rel"] <= 1e-3
            assert entry["metrics"]["abs_rel"] == pytest.approx(reference["metrics"]["abs_rel"], rel=1e-4)
    assert Image.open(picture).size[0] > 1000


def test_the_table_names_untrained_weights_and_what_was_not_run(exported: Path) -> None:
    done = parity("--bundle", exported / "nano-onnx-fp32", "--data", "rooms:1")
    for words in ("onnxruntime", "pass", "not run", "no tflite bundle was given", "untrained"):
        assert words in done.stdout


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
    (entry,) = rows("--artifact", artifact, "--runtime", "onnxruntime", "--data", "rooms:1")
    assert entry["status"] == "pass"


def test_without_torch_the_golden_sample_stands_in_and_the_row_says_so(exported: Path) -> None:
    # A person who embeds the model has no training stack: torch and timm must not be needed, nor imported.
    script = (
        "import sys\n"
        "for name in ('torch', 'timm', 'onnx', 'coremltools'): sys.modules[name] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n in ('torch', 'timm') else find(n, *a)\n"
        "from runtimes.cli import main; main()\n"
    )
    args = ["--bundle", str(exported / "nano-onnx-fp32"), "--data", "rooms:1", "--runtime", "onnxruntime", "--json"]
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["rows"]
    assert entry["status"] == "pass" and "golden sample" in entry["reason"]


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
    from wedepth.checkpoint import save_whole
    from wedepth.config import preset
    from wedepth.network import build

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
