"""Core ML packages: Apple's runtime on a Mac, our reference interpreter of the saved package elsewhere."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.registry import Session


UNITS = {"cpu": "CPU_ONLY", "gpu": "CPU_AND_GPU", "npu": "CPU_AND_NE"}
# By what is in the names of coremltools' classes of devices.
COMPUTE_DEVICES = {"CPU": "cpu", "GPU": "gpu", "NeuralEngine": "npu"}


class CoreMLSession:
    """Apple's runtime, which decides op by op where each runs: on the CPU alone, or on it and the device asked for."""

    runtime = "coreml"

    def __init__(self, artifact: Path, device: str) -> None:
        import coremltools as ct
        from PIL import Image

        find(device)
        self._units = getattr(ct.ComputeUnit, UNITS[device])
        try:
            self._model = ct.models.MLModel(str(artifact), compute_units=self._units)
        except Exception as error:
            raise WedepthError(f"Core ML cannot load {artifact.name}: {error}.") from None
        self.device = device
        self._image = Image.fromarray
        description = self._model.get_spec().description
        self._input, self._output = description.input[0].name, description.output[0].name

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], whole numbers 0…255 → [1,1,H,W] in metres."""
        pixels = self._image(image[0].transpose(1, 2, 0).astype(np.uint8))
        return np.asarray(self._model.predict({self._input: pixels})[self._output], np.float32)

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """Ops by the device that Core ML prefers for each: `MLComputePlan` of the compiled model (macOS 14.4)."""
        from coremltools.models.compute_plan import MLComputePlan

        plan = MLComputePlan.load_from_path(path=self._model.get_compiled_model_path(), compute_units=self._units)
        program = plan.model_structure.program
        if program is None:
            return None
        usages = [
            plan.get_compute_device_usage_for_mlprogram_operation(operation)
            for function in program.functions.values()
            for operation in function.block.operations
        ]
        kinds = (type(usage.preferred_compute_device).__name__ for usage in usages if usage is not None)
        return dict(Counter(next((d for word, d in COMPUTE_DEVICES.items() if word in kind), kind) for kind in kinds))


class ReferenceSession:
    """Our interpreter: the arithmetic of the saved file in torch, each value rounded to its declared type."""

    runtime = "coreml-reference"
    device = "cpu"

    def __init__(self, artifact: Path, device: str) -> None:
        find(device)
        try:
            from runtimes.coreml_reference import CoreMLReference
        except ModuleNotFoundError as error:
            needed = f"the reference interpreter needs {error.name} (pip install 'wedepth[coreml]')"
            raise DeviceUnavailable(needed) from None
        self._package = CoreMLReference(artifact)

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], whole numbers 0…255 → [1,1,H,W] in metres."""
        return self._package.run(image)

    def placed(self, image: NDArray[np.float32]) -> None:
        """The interpreter is torch on the CPU; Apple's devices have no part in it."""


def find(device: str) -> str:
    """What runs Core ML packages on a device; DeviceUnavailable where nothing does."""
    if sys.platform == "darwin":
        from coremltools.models.compute_device import MLComputeDevice

        words = {known: word for word, known in COMPUTE_DEVICES.items()}[device]
        if not any(words in type(own).__name__ for own in MLComputeDevice.get_all_compute_devices()):
            raise DeviceUnavailable(f"Core ML finds no {device.upper()} on this Mac")
        return f"Core ML, {UNITS[device]}"
    if device != "cpu":
        raise DeviceUnavailable(f"Core ML needs a Mac for the {device.upper()}; the reference interpreter has none")
    return "no Mac: the reference interpreter stands in"


def open_session(artifact: Path, *, device: str, threads: int | None) -> "Session":
    """Apple's runtime on macOS, the reference interpreter elsewhere, labelled as such."""
    return CoreMLSession(artifact, device) if sys.platform == "darwin" else ReferenceSession(artifact, device)
