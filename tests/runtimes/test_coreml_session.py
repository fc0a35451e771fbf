"""Apple's runtime, of which only a stand-in can be here: what it is asked for, and what is read back from it."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runtimes import coreml
from runtimes.errors import DeviceUnavailable


class MLCPUComputeDevice: ...


class MLNeuralEngineComputeDevice: ...


class Model:
    def __init__(self, path: str, compute_units: str) -> None:
        self.units = compute_units

    def get_spec(self) -> Any:
        ends = SimpleNamespace(input=[SimpleNamespace(name="image")], output=[SimpleNamespace(name="depth")])
        return SimpleNamespace(description=ends)

    def predict(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"depth": np.asarray(inputs["image"], np.float64)[None, None, :, :, 0]}

    def get_compiled_model_path(self) -> str:
        return "model.mlmodelc"


class Plan:
    """Three operations that compute and one constant, which has no device."""

    devices = (MLNeuralEngineComputeDevice(), MLCPUComputeDevice(), MLNeuralEngineComputeDevice(), None)
    asked: tuple[str, str] = ("", "")

    @staticmethod
    def load_from_path(path: str, compute_units: str) -> "Plan":
        Plan.asked = path, compute_units
        return Plan()

    @property
    def model_structure(self) -> Any:
        block = SimpleNamespace(operations=range(len(self.devices)))
        return SimpleNamespace(program=SimpleNamespace(functions={"main": SimpleNamespace(block=block)}))

    def get_compute_device_usage_for_mlprogram_operation(self, operation: int) -> Any:
        device = self.devices[operation]
        return device and SimpleNamespace(preferred_compute_device=device)


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    units = SimpleNamespace(CPU_ONLY="cpu only", CPU_AND_GPU="cpu and gpu", CPU_AND_NE="cpu and ne")
    found = [MLCPUComputeDevice(), MLNeuralEngineComputeDevice()]
    modules: dict[str, dict[str, Any]] = {
        "coremltools": {"ComputeUnit": units, "models": SimpleNamespace(MLModel=Model)},
        "coremltools.models": {},
        "coremltools.models.compute_plan": {"MLComputePlan": Plan},
        "coremltools.models.compute_device": {
            "MLComputeDevice": SimpleNamespace(get_all_compute_devices=lambda: found)
        },
    }
    for name, content in modules.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "platform", "darwin")


@pytest.mark.usefixtures("mac")
def test_it_asks_for_the_units_of_the_device_and_reads_every_op_back() -> None:
    session = coreml.open_session(Path("model.mlpackage"), device="npu", threads=None)
    image = np.full((1, 3, 2, 4), 7, np.float32)
    assert (session.runtime, session.device) == ("coreml", "npu")
    assert session.run(image).tolist() == np.full((1, 1, 2, 4), 7.0).tolist()
    assert session.placed(image) == {"npu": 2, "cpu": 1}
    assert Plan.asked == ("model.mlmodelc", "cpu and ne")


@pytest.mark.usefixtures("mac")
def test_a_mac_without_the_device() -> None:
    assert coreml.find("cpu") == "Core ML, CPU_ONLY"
    with pytest.raises(DeviceUnavailable, match="finds no GPU on this Mac"):
        coreml.open_session(Path("model.mlpackage"), device="gpu", threads=None)
