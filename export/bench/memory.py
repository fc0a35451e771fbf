"""Memory, as Linux counts it."""

import re
from pathlib import Path

from wedepth.errors import WedepthError


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
