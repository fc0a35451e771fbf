"""What stands beside every figure: the processor and what it computes INT8 with, who governs its clock, versions."""

import importlib.metadata
import os
import platform
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

# From best to least, as Linux calls them; without the first ones, u8×s8 products saturate at 16 bits.
_SETS = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp", "avx512bw", "avx2", "asimd", "sse4_2")


def instruction_set() -> str:
    """The processor's architecture and the integer instruction sets it has, e.g. `x86_64: avx512_vnni, avx2`."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        words = set()
    return f"{platform.machine()}: {', '.join(name for name in _SETS if name in words) or 'not known'}"


# Packages whose versions decide what comes out.
PACKAGES = (
    "wedepth", "torch", "onnxruntime", "openvino", "ai-edge-litert", "tflite-runtime", "coremltools", "numpy", "pillow",
)  # fmt: skip
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def describe(packages: tuple[str, ...] = PACKAGES) -> dict[str, Any]:
    """The machine and the versions of `packages` that are installed, as plain JSON types."""
    versions = {}
    for package in packages:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "instructions": instruction_set(),
        "governor": _governor(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": versions,
    }


def _governor() -> str:
    try:
        return _GOVERNOR.read_text().strip()
    except OSError:
        return "not told"


def _cpu() -> str:
    with suppress(OSError):
        if match := re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return match[1].strip()
    return platform.processor() or "unknown"
