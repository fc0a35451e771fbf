"""ONNX artifacts in ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

# Execution providers in order of preference for each device.
PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "gpu": ("CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider", "WebGpuExecutionProvider"),
    "npu": ("QNNExecutionProvider", "VitisAIExecutionProvider"),
}


class ONNXRuntimeSession:
    """One model on one execution provider, which is read back: ONNX Runtime goes on with the CPU when it fails."""

    runtime = "onnxruntime"

    def __init__(self, artifact: Path, device: str, threads: int | None) -> None:
        provider = find(device)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        try:
            self._session = onnxruntime.InferenceSession(str(artifact), options, providers=[provider])
        except Exception as error:
            raise WedepthError(f"ONNX Runtime cannot load {artifact.name}: {str(error).splitlines()[0]}.") from None
        used = self._session.get_providers()[0]
        if used != provider:
            raise DeviceUnavailable(f"ONNX Runtime fell back from {provider} to {used}")
        self.device = device
        self._input = self._session.get_inputs()[0].name

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], 0…255 → [1,1,H,W] in metres."""
        return self._session.run(None, {self._input: image})[0]


def find(device: str) -> str:
    """The execution provider for a device; DeviceUnavailable where this build has none."""
    available = onnxruntime.get_available_providers()
    provider = next((p for p in PROVIDERS[device] if p in available), None)
    if provider is None:
        raise DeviceUnavailable(
            f"this onnxruntime has no {device.upper()} execution provider (it has {', '.join(available)})"
        )
    return provider


def open_session(artifact: Path, *, device: str, threads: int | None) -> ONNXRuntimeSession:
    """The session; DeviceUnavailable where the device is absent."""
    return ONNXRuntimeSession(artifact, device, threads)
