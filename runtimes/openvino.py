"""OpenVINO IR in OpenVINO."""

from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

# Kinds of a compiled model's nodes that compute nothing.
SILENT = ("Const", "Input", "Output")


class OpenVINOSession:
    """One model on one device. `EXECUTION_DEVICES` is read back: OpenVINO falls back to the CPU without a word.

    `details` says in which type it computes what is float.
    """

    runtime = "openvino"

    def __init__(self, artifact: Path, device: str, threads: int | None) -> None:
        core, name = openvino.Core(), device.upper()
        find(device, core)
        settings: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads and device == "cpu":
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(str(artifact))
            # Left to itself OpenVINO computes what is float in bfloat16 where the CPU has AMX, and says nothing: 1.2 %
            # from torch on average in fp32 and fp16, and half as much again as INT8's own error.
            if device == "cpu":
                settings["INFERENCE_PRECISION_HINT"] = "f32"
            elif _precision(model) == "fp32":
                settings["EXECUTION_MODE_HINT"] = "ACCURACY"
            compiled = core.compile_model(model, name, settings)
        except RuntimeError as error:
            raise WedepthError(f"OpenVINO cannot compile {artifact.name}: {_last_line(error)}.") from None
        used = [d.split(".")[0] for d in compiled.get_property("EXECUTION_DEVICES")]
        if set(used) != {name}:
            raise DeviceUnavailable(f"OpenVINO ran on {', '.join(used)} instead of {name}")
        self.details = {"float ops in": compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()}
        self.device, self._compiled = device, compiled
        self._request = compiled.create_infer_request()

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], 0…255 → [1,1,H,W] in metres."""
        return self._request.infer([image], share_inputs=True)[0].copy()

    def placed(self, image: NDArray[np.float32]) -> dict[str, int]:
        """Executed ops: all on the one device that was compiled for, as `EXECUTION_DEVICES` has it."""
        kinds = [node.get_rt_info()["layerType"].astype(str) for node in self._compiled.get_runtime_model().get_ops()]
        return {self.device: sum(kind not in SILENT for kind in kinds)}


def find(device: str, core: openvino.Core | None = None) -> str:
    """OpenVINO's names of a device, `CPU: AMD EPYC`; DeviceUnavailable where it finds none."""
    core, name = core or openvino.Core(), device.upper()
    found = [own for own in core.available_devices if own.split(".")[0] == name]
    if not found:
        raise DeviceUnavailable(f"OpenVINO finds no {name} here (it finds {', '.join(core.available_devices)})")
    return f"{', '.join(found)}: {core.get_property(found[0], 'FULL_DEVICE_NAME')}"


def _precision(model: openvino.Model) -> str:
    key = ["wedepth", "precision"]
    return model.get_rt_info(key).astype(str) if model.has_rt_info(key) else ""


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["unknown"])[-1].rstrip(".")


def open_session(artifact: Path, *, device: str, threads: int | None) -> OpenVINOSession:
    """The session; DeviceUnavailable where the device is absent."""
    return OpenVINOSession(artifact, device, threads)
