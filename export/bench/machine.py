"""Where the benchmark runs: the processor, the versions, and who else is at work."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from runtimes import machine

PACKAGES = (
    "torch",
    "onnxruntime",
    "openvino",
    "ai-edge-litert",
    "litert-torch",
    "coremltools",
    "transformers",
    "numpy",
)
# A process that takes more than this part of one core disturbs what is measured.
BUSY = 0.2
LOOK_SECONDS = 0.5


def describe() -> dict[str, Any]:
    """What stands beside every figure, as plain JSON types."""
    return machine.describe(PACKAGES) | {"load": round(os.getloadavg()[0], 2), "busy": others_at_work()}


def others_at_work(seconds: float = LOOK_SECONDS) -> list[str]:
    """Processes that used the CPU just now, as `name 87 %`."""
    before = _ticks()
    time.sleep(seconds)
    hertz = os.sysconf("SC_CLK_TCK")
    found = []
    for process, (name, ticks) in _ticks().items():
        part = (ticks - before.get(process, (name, ticks))[1]) / hertz / seconds
        if part > BUSY and process != os.getpid():
            found.append((part, f"{name} {part:.0%}"))
    return [words for _, words in sorted(found, reverse=True)]


def _ticks() -> dict[int, tuple[str, int]]:
    """Name and CPU ticks so far of every process."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            head, _, tail = file.read_text().rpartition(") ")
            fields = tail.split()
            found[int(file.parent.name)] = (head.partition("(")[2], int(fields[11]) + int(fields[12]))
    return found
