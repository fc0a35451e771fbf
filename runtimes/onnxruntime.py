"""ONNX artifacts in ONNX Runtime."""

import json
import tempfile
from collections import Counter
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


KERNEL = "_kernel_time"  # what a profile calls the run of an op, after its name


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
        self.device, self._artifact, self._provider = device, artifact, provider
        self._input = self._session.get_inputs()[0].name

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], 0…255 → [1,1,H,W] in metres."""
        return self._session.run(None, {self._input: image})[0]

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """Ops by device, from a profile of one run in a session of its own: profiling costs time. None where the disk
        is too full for a profile."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.enable_profiling = True
        try:
            with tempfile.TemporaryDirectory(prefix="wedepth-") as folder:
                options.profile_file_prefix = str(Path(folder) / "profile")
                session = onnxruntime.InferenceSession(str(self._artifact), options, providers=[self._provider])
                session.run(None, {self._input: image})
                events = json.loads(Path(session.end_profiling()).read_text())
        except (OSError, ValueError):
            return None
        providers = {e["name"]: e["args"]["provider"] for e in events if e["name"].endswith(KERNEL)}
        return dict(Counter(_device(provider) for provider in providers.values()))


def _device(provider: str) -> str:
    """Which device an execution provider is of; its own name where it is none that is asked for."""
    return next((device for device, known in PROVIDERS.items() if provider in known), provider)


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
