"""The runtimes as data: what each runs, what it needs, how it is opened. Imports nothing heavy."""

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, Manifest
from runtimes.errors import DeviceUnavailable
from runtimes.process import Launch
from wedepth.errors import WedepthError

DEVICES = ("cpu", "gpu", "npu")
TORCH = "torch"
"""The reference, which is no runtime of an artifact."""


class Session(Protocol):
    """An artifact ready to run."""

    runtime: str
    """What runs it: the runtime's name, or `coreml-reference` where our interpreter stands in for Apple's."""
    device: str
    """Where it runs, read back from the runtime."""

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The artifact's output for an input in the artifact's own layout, values 0…255."""
        ...

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """How many of the ops that compute ran on each device, as the runtime tells it; None where it does not."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime: the target it runs, the modules it needs (any one of them) and the pip extra that brings it.

    One that stands in for hardware says what it `proves` and for which `device`, and is asked for by the name
    `stand_in`. Its module may have `launch()`, which gives the `Launch` of its process.
    """

    name: str
    target: str
    module: str
    needs: tuple[str, ...]
    extra: str
    stand_in: str = ""
    proves: str = ""
    device: str = "cpu"


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnxruntime", "onnx", "runtimes.onnxruntime", ("onnxruntime",), "onnx"),
        Runtime("openvino", "openvino", "runtimes.openvino", ("openvino",), "openvino"),
        Runtime("tflite", "tflite", "runtimes.tflite", ("ai_edge_litert", "tflite_runtime"), "tflite"),
        Runtime("coreml", "coreml", "runtimes.coreml", ("coremltools",), "coreml"),
    )
}

_ARM = "stands in for a phone's CPU (Cortex-A76, emulated): the numbers of its kernels, not their speed"
_HTP = "stands in for Qualcomm's NPU (Hexagon v75, emulated): the ops that it takes and their numbers, not their speed"
_BROWSER = "a page in headless Chromium, end to end"
_SWIFTSHADER = "on SwiftShader, which is Chromium's GPU in software: what its numbers are, and which ops it takes"

STAND_INS = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnxruntime-arm64", "onnx", "runtimes.arm", ("onnxruntime",), "onnx", "arm", _ARM),
        Runtime("tflite-arm64", "tflite", "runtimes.arm", ("ai_edge_litert",), "tflite", "arm", _ARM),
        Runtime("onnxruntime-htp", "onnx", "runtimes.htp", ("onnxruntime_qnn",), "htp", "htp", _HTP, "npu"),
        Runtime(
            "onnxruntime-web", "onnx", "runtimes.web.onnxruntime", ("playwright",), "web",
            "web", f"{_BROWSER}: ONNX Runtime's WebAssembly kernels",
        ),
        Runtime(
            "onnxruntime-webgpu", "onnx", "runtimes.web.onnxruntime", ("playwright",), "web",
            "web", f"{_BROWSER}: ONNX Runtime's WebGPU kernels {_SWIFTSHADER}", "gpu",
        ),
        Runtime(
            "litert-js", "tflite", "runtimes.web.litert", ("playwright",), "web",
            "web", f"{_BROWSER}: LiteRT's WebAssembly kernels",
        ),
        Runtime(
            "litert-js-webgpu", "tflite", "runtimes.web.litert", ("playwright",), "web",
            "web", f"{_BROWSER}: LiteRT's WebGPU delegate {_SWIFTSHADER}", "gpu",
        ),
        Runtime(
            "tflite-swiftshader", "tflite", "runtimes.swiftshader", ("ai_edge_litert",), "tflite",
            "gpu", f"LiteRT's GPU delegate {_SWIFTSHADER}", "gpu",
        ),
    )
}  # fmt: skip
"""Runtimes on machines without the hardware: run when asked for, and never timed."""


def runtime_named(name: str) -> Runtime:
    """A runtime, or a stand-in, by its name."""
    return RUNTIMES.get(name) or STAND_INS[name]


def runtime_for(target: str) -> Runtime:
    """The runtime that runs a target."""
    return next(runtime for runtime in RUNTIMES.values() if runtime.target == target)


def launch_of(runtime: Runtime) -> Launch:
    """How the runtime's process is started; DeviceUnavailable where what it needs for that is absent."""
    module: Any = importlib.import_module(runtime.module) if runtime.stand_in else None
    return module.launch() if hasattr(module, "launch") else Launch()


def open_session(runtime: Runtime, artifact: Path, device: str, threads: int | None = None) -> Session:
    """Open an artifact on a device; DeviceUnavailable where the package or hardware is absent."""
    if not any(importlib.util.find_spec(name) for name in runtime.needs):
        raise DeviceUnavailable(
            f"{' or '.join(runtime.needs)} is not installed here (pip install 'wedepth[{runtime.extra}]')"
        )
    module: Any = importlib.import_module(runtime.module)
    return module.open_session(artifact, device=device, threads=threads)


def to_input(image: NDArray[np.uint8], manifest: Manifest) -> NDArray[np.float32]:
    """An RGB image [H,W,3] of the bundle's size as the artifact's input."""
    if image.shape != (*manifest.size, 3):
        raise WedepthError(f"The network takes {manifest.size[0]}x{manifest.size[1]} images, not {image.shape}.")
    pixels = image.astype(np.float32)
    if manifest.input.layout == "NCHW":
        pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return pixels[None]


def to_depth(output: NDArray[np.float32], manifest: Manifest) -> NDArray[np.float32]:
    """The artifact's output as depth [H,W] in metres."""
    if list(output.shape) != manifest.output.shape:
        raise WedepthError(f"The artifact gave {list(output.shape)}; its manifest says {manifest.output.shape}.")
    return output.reshape(manifest.size)


def predict(session: Session, bundle: Bundle, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Depth [H,W] in metres of an RGB image [H,W,3] of the bundle's size."""
    return to_depth(session.run(to_input(image, bundle.manifest)), bundle.manifest)
