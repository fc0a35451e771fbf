"""Memory, as Linux counts it, and the processes that take it."""

import ctypes
import re
import signal
from pathlib import Path

from wedepth.errors import WedepthError

PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have this process killed when the one that started it is gone: a benchmark that was killed leaves nothing."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def peak_bytes(process: int | str = "self") -> int:
    """Most resident memory that a process ever had."""
    return _field(Path(f"/proc/{process}/status"), "VmHWM")


def available_bytes() -> int:
    """What processes may still take before the machine swaps or kills."""
    return _field(Path("/proc/meminfo"), "MemAvailable")


def _field(file: Path, name: str) -> int:
    try:
        text = file.read_text()
    except OSError as error:
        raise WedepthError(f"The benchmark reads memory from {file}, as Linux has it: {error.strerror}.") from None
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    if match is None:
        raise WedepthError(f"{file} has no {name}.")
    return 1024 * int(match[1])
