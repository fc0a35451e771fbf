"""Core ML packages: Apple's runtime on a Mac, our reference interpreter of the saved package elsewhere."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.registry import Session


NOT_READ_BACK = "which ops Core ML ran on the {} is not read back yet"


class CoreMLSession:
    """Apple's runtime on the CPU: elsewhere Core ML itself decides op by op where each runs."""

    runtime = "coreml"

    def __init__(self, artifact: Path, device: str) -> None:
        if device != "cpu":
            raise DeviceUnavailable(NOT_READ_BACK.format(device.upper()))
        import coremltools as ct
        from PIL import Image

        try:
            self._model = ct.models.MLModel(str(artifact), compute_units=ct.ComputeUnit.CPU_ONLY)
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


def find(device: str) -> str:
    """What runs Core ML packages on a device; DeviceUnavailable where nothing does."""
    if sys.platform == "darwin":
        if device != "cpu":
            raise DeviceUnavailable(NOT_READ_BACK.format(device.upper()))
        return "Core ML, CPU_ONLY"
    if device != "cpu":
        raise DeviceUnavailable(f"Core ML needs a Mac for the {device.upper()}; the reference interpreter has none")
    return "no Mac: the reference interpreter stands in"


def open_session(artifact: Path, *, device: str, threads: int | None) -> "Session":
    """Apple's runtime on macOS, the reference interpreter elsewhere, labelled as such."""
    return CoreMLSession(artifact, device) if sys.platform == "darwin" else ReferenceSession(artifact, device)
