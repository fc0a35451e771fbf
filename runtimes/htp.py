"""ONNX artifacts on Qualcomm's Hexagon NPU (HTP), emulated on x86-64 by the libraries in `onnxruntime-qnn`.

These are under Qualcomm's AI Stack License, which binds who downloads them: nothing here installs them unasked.
"""

import importlib.metadata
import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from runtimes.process import Launch
from wedepth.errors import WedepthError

PROVIDER, PACKAGE = "QNNExecutionProvider", "onnxruntime_qnn"
ARCHITECTURE = "75"
"""Hexagon v75, of the Snapdragon 8 Gen 3."""
_DEVICES = {PROVIDER: "npu", "CPUExecutionProvider": "cpu"}


class HTPSession:
    """One model, compiled for the NPU as far as Qualcomm's compiler takes it; the rest runs in ONNX Runtime's CPU
    kernels, and `placed` tells how much."""

    runtime, device = "onnxruntime-htp", "npu"

    def __init__(self, artifact: Path, threads: int | None) -> None:
        import onnxruntime_qnn

        found = _devices()
        if not found:
            onnxruntime.register_execution_provider_library(PROVIDER, onnxruntime_qnn.get_library_path())
            found = _devices()
        if not found:
            raise DeviceUnavailable(f"ONNX Runtime takes {PACKAGE} but finds no device of it here")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        backend = {"backend_path": onnxruntime_qnn.get_qnn_htp_path(), "htp_arch": ARCHITECTURE}
        # What quantises the image and reads the depth is the NPU's too.
        options.add_provider_for_devices(found[:1], backend | {"offload_graph_io_quantization": "0"})
        try:
            self._session = onnxruntime.InferenceSession(str(artifact), options)
        except Exception as error:
            reason = str(error).splitlines()[0].rsplit(" : ", 1)[-1].rstrip(".")
            raise WedepthError(f"Qualcomm's compiler does not take {artifact.name}: {reason}.") from None
        self._input = self._session.get_inputs()[0].name
        versions = (f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "onnxruntime-qnn"))
        self.details = {
            "emulator": f"{', '.join(versions)}, Hexagon v{ARCHITECTURE}",
            "on the CPU": dict(Counter(kind for provider, kind in self._ops() if provider != PROVIDER)),
        }

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], 0…255 → [1,1,H,W] in metres."""
        return self._session.run(None, {self._input: image})[0]

    def placed(self, image: NDArray[np.float32]) -> dict[str, int]:
        """Ops by device, as ONNX Runtime assigned them."""
        return dict(Counter(_DEVICES.get(provider, provider) for provider, _ in self._ops()))

    def _ops(self) -> list[tuple[str, str]]:
        """(execution provider, kind) of each op."""
        graphs = self._session.get_provider_graph_assignment_info()
        return [(graph.ep_name, node.op_type) for graph in graphs for node in graph.get_nodes()]


def _devices() -> list[Any]:
    return [device for device in onnxruntime.get_ep_devices() if device.ep_name == PROVIDER]


def launch() -> Launch:
    """An ordinary child; DeviceUnavailable where Qualcomm's package is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise DeviceUnavailable(
            "onnxruntime-qnn is not installed here; Qualcomm's AI Stack License binds who downloads it "
            "(`make parity-htp` says how, or pip install 'wedepth[htp]')"
        )
    return Launch()


def open_session(artifact: Path, *, device: str, threads: int | None) -> HTPSession:
    """The session; WedepthError where Qualcomm's compiler does not take the model."""
    if device != "npu":
        raise DeviceUnavailable(f"it stands in for an NPU, not for a {device.upper()}")
    return HTPSession(artifact, threads)
