"""The runtimes behind their common interface, on the nano bundles."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from runtimes.bundle import open_bundle
from runtimes.errors import DeviceUnavailable
from runtimes.registry import RUNTIMES, Runtime, open_session, predict
from wedepth.errors import WedepthError

LABELS = {name: name for name in RUNTIMES} | ({} if sys.platform == "darwin" else {"coreml": "coreml-reference"})


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
@pytest.mark.parametrize(("precision", "limit"), [("fp32", 1e-3), ("fp16", 7e-3)])
def test_every_runtime_gives_torchs_depth_for_the_golden_sample(
    exported: Path, runtime: Runtime, precision: str, limit: float
) -> None:
    bundle = open_bundle(exported / f"nano-{runtime.target}-{precision}")
    session = open_session(runtime, bundle.artifact, "cpu", threads=1)
    assert (session.runtime, session.device) == (LABELS[runtime.name], "cpu")
    image, expected = bundle.sample()
    difference = np.abs(predict(session, bundle, image) - expected) / expected
    assert difference.max() <= limit


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)
@pytest.mark.parametrize("device", ["gpu", "npu"])
def test_a_device_that_is_absent_is_said_and_never_replaced(exported: Path, runtime: Runtime, device: str) -> None:
    bundle = open_bundle(exported / f"nano-{runtime.target}-fp32")
    try:
        session = open_session(runtime, bundle.artifact, device)
    except DeviceUnavailable as error:
        assert str(error)
    else:
        assert session.device == device


def test_a_package_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DeviceUnavailable, match=r"pip install 'wedepth\[openvino\]'"):
        open_session(RUNTIMES["openvino"], tmp_path, "cpu")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_openvino_is_told_to_compute_in_float32_on_a_cpu(
    exported: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino

    from runtimes.openvino import OpenVINOSession

    asked: dict[str, object] = {}  # a CPU without AMX takes float32 unasked
    compile_model = openvino.Core.compile_model

    def spy(core: openvino.Core, model: openvino.Model, device: str, settings: dict[str, object]) -> object:
        asked.update(settings)
        return compile_model(core, model, device, settings)

    monkeypatch.setattr(openvino.Core, "compile_model", spy)
    session = OpenVINOSession(open_bundle(exported / f"nano-openvino-{precision}").artifact, "cpu", 1)
    assert asked["INFERENCE_PRECISION_HINT"] == "f32" and session.details == {"float ops in": "f32"}


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "tflite"])
def test_a_broken_artifact_is_a_sentence(name: str, tmp_path: Path) -> None:
    broken = tmp_path / {"onnxruntime": "m.onnx", "openvino": "m.xml", "tflite": "m.tflite"}[name]
    broken.write_bytes(b"not a model at all")
    with pytest.raises(WedepthError):
        open_session(RUNTIMES[name], broken, "cpu")
