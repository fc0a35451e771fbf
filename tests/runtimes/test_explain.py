"""A fault that is put into one module of an artifact is found there, in every runtime that can be walked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from runtimes.explain import Walk, walk
from runtimes.tracing import Reference, open_tracer
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from calib.plan import Plan

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 3, 64, 96)).astype(np.float32)
COMMAND = Path(sys.executable).with_name("wedepth-parity")
MODULE = "decoder.layers.0.attention.value_proj"


@pytest.fixture(scope="module")
def reference(exported: Path) -> Reference:
    return Reference(exported / "nano-onnx-fp32" / "model.onnx")


def walked(reference: Reference, target: str, artifact: Path, precision: str) -> Walk:
    tracer = open_tracer(target, artifact, reference.names)
    return walk(reference, tracer, precision, IMAGE, lambda words, done: None)


def broken(model: onnx.ModelProto, path: Path) -> Path:
    """The graph with one weight of one layer that has lost its sign."""
    layer = next(node for node in model.graph.node if node.name.startswith(f"{MODULE}/MatMul"))
    (weight,) = [tensor for tensor in model.graph.initializer if tensor.name == layer.input[1]]
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("target", "artifact", "precision"),
    [
        ("onnx", "nano-onnx-fp16/model.onnx", "fp16"),
        ("openvino", "nano-openvino-fp32/model.xml", "fp32"),
        ("coreml", "nano-coreml-fp16/model.mlpackage", "fp16"),
        ("tflite", "nano-tflite-fp32/model.tflite", "fp32"),
        ("tflite", "nano-tflite-fp16/model.tflite", "fp16"),
    ],
)
def test_nothing_stands_out_in_a_sound_artifact(
    reference: Reference, exported: Path, target: str, artifact: str, precision: str
) -> None:
    found = walked(reference, target, exported / artifact, precision)
    assert found.first is None
    assert len(found.steps) > 0.8 * len(reference.names)
    assert len(found.steps) + len(found.missing) == len(reference.names)
    assert found.steps[-1].tensor == "depth"
    assert 0 < found.steps[-1].propagated < {"fp32": 1e-5, "fp16": 5e-3}[precision]


def test_a_fault_is_found_in_its_module(reference: Reference, exported: Path, tmp_path: Path) -> None:
    model = onnx.load(exported / "nano-onnx-fp32" / "model.onnx")
    found = walked(reference, "onnx", broken(model, tmp_path / "model.onnx"), "fp32")
    assert found.first is not None
    assert found.first.module == MODULE
    # Those behind it get wrong values, and are not blamed for it.
    behind = found.steps[found.steps.index(found.first) + 1 :]
    assert max(step.own for step in behind) < 1e-5
    assert found.steps[-1].propagated > 1e-3


def test_a_fault_is_found_in_openvino_too(reference: Reference, exported: Path, tmp_path: Path) -> None:
    import openvino

    model = onnx.load(exported / "nano-onnx-fp32" / "model.onnx")
    converted = openvino.convert_model(str(broken(model, tmp_path / "model.onnx")))
    openvino.save_model(converted, tmp_path / "model.xml", compress_to_fp16=False)
    found = walked(reference, "openvino", tmp_path / "model.xml", "fp32")
    assert found.first is not None and found.first.module == MODULE


def test_a_fault_is_found_in_tflite_too(reference: Reference, nano_hub: Path, tmp_path: Path) -> None:
    from export.tflite import convert

    hub = broken(onnx.load(nano_hub), tmp_path / "hub.onnx")
    convert(hub, tmp_path / "model.tflite", precision="fp32", metadata={})
    found = walked(reference, "tflite", tmp_path / "model.tflite", "fp32")
    assert found.first is not None and found.first.module == MODULE
    behind = found.steps[found.steps.index(found.first) + 1 :]
    assert max(step.own for step in behind) < 1e-5
    assert found.steps[-1].propagated > 1e-3


@pytest.mark.parametrize("interface", ["float32", "int8"])
def test_tflite_in_int8_is_walked_in_the_steps_of_its_tensors(
    reference: Reference, nano_hub: Path, nano_plan: "Plan", tmp_path: Path, interface: str
) -> None:
    from export.tflite.int8 import convert

    sound, faulty = tmp_path / "sound.tflite", tmp_path / "faulty.tflite"
    convert(nano_hub, sound, plan=nano_plan, metadata={}, interface=interface)
    hub = broken(onnx.load(nano_hub), tmp_path / "hub.onnx")
    convert(hub, faulty, plan=nano_plan, metadata={}, interface=interface)
    found = walked(reference, "tflite", sound, "int8")
    assert found.first is None and len(found.steps) > 0.8 * len(reference.names)
    # Steps of int8 are coarse: that no tensor is exact shows that they were read, not the reference's.
    assert 1e-3 < max(step.own for step in found.steps) < 0.2
    found = walked(reference, "tflite", faulty, "int8")
    assert found.first is not None and found.first.module == MODULE


def test_blocks_of_tokens_are_walked_as_whole_tensors(
    reference: Reference, nano_hub: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import export.blocks
    import export.onnx
    import export.tflite

    monkeypatch.setattr(export.blocks, "TOKENS", 40)
    export.onnx.convert(nano_hub, tmp_path / "model.onnx", precision="fp32", metadata={})
    export.tflite.convert(nano_hub, tmp_path / "model.tflite", precision="fp32", metadata={})
    blocked = Reference(tmp_path / "model.onnx")
    assert any("~1" in name for name in blocked.modules) is False
    assert any(node.name.endswith("~1") for node in onnx.load(tmp_path / "model.onnx").graph.node)
    assert set(reference.names) >= set(blocked.names) and len(blocked.names) > 0.95 * len(reference.names)
    for known, target, artifact in (
        (blocked, "tflite", tmp_path / "model.tflite"),
        (blocked, "coreml", exported / "nano-coreml-fp32" / "model.mlpackage"),
        (reference, "onnx", tmp_path / "model.onnx"),
    ):
        found = walked(known, target, artifact, "fp32")
        assert found.first is None and len(found.steps) > 0.8 * len(known.names)
        assert max(step.own for step in found.steps) < 1e-4


def test_what_cannot_be_walked(reference: Reference, exported: Path, tmp_path: Path) -> None:
    from runtimes.tflite_file import pack, read_model

    model = read_model((exported / "nano-tflite-fp32" / "model.tflite").read_bytes())
    model.metadata = []
    (tmp_path / "model.tflite").write_bytes(pack(model))
    with pytest.raises(WedepthError, match="does not say where the graph's values lie"):
        open_tracer("tflite", tmp_path / "model.tflite", reference.names)
    with pytest.raises(WedepthError, match="none of the reference's tensors"):
        open_tracer("openvino", exported / "nano-openvino-fp32" / "model.xml", ["nothing"])


def test_the_command_names_the_module(exported: Path, tmp_path: Path) -> None:
    for name in ("nano-onnx-fp32", "nano-onnx-fp16"):
        shutil.copytree(exported / name, tmp_path / name)
    args = [COMMAND, "--explain", "--bundle", tmp_path / "nano-onnx-fp16", "--data", "rooms:1"]
    done = subprocess.run(args, capture_output=True, text=True, check=True)
    assert "No module stands out" in done.stdout and "nano-onnx-fp16, walked beside nano-onnx-fp32" in done.stdout
    assert "Step by step to nano-onnx-fp16 on room 0" in done.stdout
    told = json.loads(subprocess.run([*args, "--json"], capture_output=True, text=True, check=True).stdout)
    assert len(told["steps"]) > 100 and [stage["step"] for stage in told["split"]][-1] == "onnx fp16"
    shutil.rmtree(tmp_path / "nano-onnx-fp32")
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 1 and "no fp32 ONNX bundle of the same network" in done.stderr
    done = subprocess.run([*args[:3], exported, *args[4:]], capture_output=True, text=True)
    assert done.returncode == 1 and "walks one bundle" in done.stderr
