"""ONNX and TFLite artifacts on the Arm 64-bit kernels that phones' CPUs run, under QEMU on an x86-64 machine.

The worker and the sessions are the ordinary ones; their Python, ONNX Runtime and LiteRT are Arm's. `runtimes.arm_root`
sets these up.
"""

import ctypes
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from runtimes.process import Launch
from runtimes.registry import Session
from wedepth.errors import WedepthError

ROOT = Path(sys.prefix) / "arm64"
QEMU, PYTHON, SITE = ROOT / "usr/bin/qemu-aarch64-static", ROOT / "usr/bin/python3.11", ROOT / "site-packages"
WHEELS, DONE = Path(__file__).with_name("arm64.txt"), ROOT / "complete"
"""What is pinned, and a copy of it that says what was set up."""
CPU, MACHINE = "cortex-a76", "aarch64"
"""The core that is emulated: with int8 dot products and half precision, without int8 matrix products."""
EMULATOR = "WEDEPTH_EMULATOR"
_RUNTIMES = {".onnx": ("runtimes.onnxruntime", "onnxruntime"), ".tflite": ("runtimes.tflite", "ai-edge-litert")}
# Bits of Linux' AT_HWCAP and AT_HWCAP2 on Arm, by which the kernels choose themselves.
_HWCAP, _HWCAP2 = 16, 26
_FEATURES = {"asimd": (_HWCAP, 1), "asimdhp": (_HWCAP, 10), "asimddp": (_HWCAP, 20), "i8mm": (_HWCAP2, 13)}


class ArmSession:
    """A session of ONNX Runtime or LiteRT in an Arm process, which is read back. `details` says what emulates it."""

    device = "cpu"

    def __init__(self, session: Session, package: str) -> None:
        self._session = session
        self.runtime = f"{session.runtime}-arm64"
        self.details = {**getattr(session, "details", {}), **_read_back(package)}

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the session of the same runtime on this machine."""
        return self._session.run(image)

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """None: these wheels have CPU kernels alone, and ONNX Runtime tells after one more run only, minutes here."""
        return None


def launch() -> Launch:
    """The Arm Python under QEMU; DeviceUnavailable where it is not set up."""
    if platform.machine() == MACHINE:
        raise DeviceUnavailable(
            "this is an Arm machine, whose own runtimes run these kernels: leave out --stand-in arm"
        )
    if not is_complete():
        raise DeviceUnavailable(f"no Arm Python is set up in {ROOT} (`make arm64`, or `python -m runtimes.arm_root`)")
    version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    ours = Path(__file__).parents[1]
    return Launch(
        (str(QEMU), "-cpu", CPU, "-L", str(ROOT), str(PYTHON)),
        {"PYTHONPATH": f"{SITE}{os.pathsep}{ours}", EMULATOR: f"{version}, {CPU}"},
    )


def is_complete() -> bool:
    """Whether the root is there, with the wheels that this version of wedepth pins."""
    return DONE.is_file() and DONE.read_text() == WHEELS.read_text()


def open_session(artifact: Path, *, device: str, threads: int | None) -> ArmSession:
    """The session; WedepthError where this is no Arm process."""
    module, package = _RUNTIMES[artifact.suffix]
    runtime: Any = importlib.import_module(module)
    return ArmSession(runtime.open_session(artifact, device=device, threads=threads), package)


def _read_back(package: str) -> dict[str, str]:
    """The process's architecture, what its kernels find in the CPU, its wheel; refused where one is not Arm's."""
    found = importlib.metadata.distribution(package)
    tags = [line.removeprefix("Tag: ") for line in (found.read_text("WHEEL") or "").splitlines() if "Tag: " in line]
    machine = platform.machine()
    if machine != MACHINE or not all(tag.endswith(MACHINE) for tag in tags) or not tags:
        raise WedepthError(f"These are no Arm kernels: {package} is of {', '.join(tags)}, on {machine}.")
    return {
        "machine": machine,
        "instructions": ", ".join(_instructions()),
        "wheel": f"{package} {found.version} {tags[0]}",
        "numpy": np.__version__,
        "python": platform.python_version(),
        "emulator": os.environ.get(EMULATOR, "not told"),
    }


def _instructions() -> list[str]:
    library = ctypes.CDLL(None)
    library.getauxval.restype = ctypes.c_ulong
    return [name for name, (word, bit) in _FEATURES.items() if library.getauxval(word) >> bit & 1]
