"""Memory of processes, as the system counts it."""

import ctypes
import re
import resource
import signal
import sys
from pathlib import Path

from wedepth.errors import WedepthError

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have this process killed when the one that started it is gone, so that none is left behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def peak_bytes() -> int:
    """Most resident memory that this process ever had."""
    if sys.platform == "linux":  # whose ru_maxrss begins with that of the process which started this one
        return _field(Path("/proc/self/status"), "VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def available_bytes() -> int:
    """What processes may still take before the machine swaps or kills (Linux)."""
    return _field(Path("/proc/meminfo"), "MemAvailable")


def _field(file: Path, name: str) -> int:
    try:
        text = file.read_text()
    except OSError as error:
        raise WedepthError(f"Memory is read from {file}, as Linux has it: {error.strerror}.") from None
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    if match is None:
        raise WedepthError(f"{file} has no {name}.")
    return 1024 * int(match[1])
