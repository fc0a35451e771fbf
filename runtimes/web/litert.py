"""TFLite artifacts in LiteRT.js."""

from collections.abc import Sequence
from pathlib import Path

from runtimes.litert_log import delegated, failure, refused
from runtimes.tflite import count_ops
from runtimes.web.session import Engine, Placement, WebSession


def placement(log: Sequence[str], device: str, artifact: Path) -> Placement:
    """What LiteRT's log says of WebGPU; in WebAssembly nothing runs elsewhere."""
    if device == "cpu":
        return Placement(None)
    text = "\n".join(log)
    return Placement(delegated(text, device, count_ops(artifact)), refused(text))


NAMES = {"cpu": "litert-js", "gpu": "litert-js-webgpu"}
ENGINE = Engine("@litertjs/core", "litert.js", 2 << 30, NAMES, placement, lambda log: failure("\n".join(log)))


def open_session(artifact: Path, *, device: str, threads: int | None) -> WebSession:
    """The session: on the CPU in WebAssembly, on the GPU by WebGPU; DeviceUnavailable where either is absent."""
    return WebSession(ENGINE, artifact, device, threads)
