"""What the machine computes INT8 with."""

import platform
from pathlib import Path

# From best to least, as Linux calls them; without the first ones, u8×s8 products saturate at 16 bits.
_SETS = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp", "avx512bw", "avx2", "asimd", "sse4_2")


def instruction_set() -> str:
    """The processor's architecture and the integer instruction sets it has, e.g. `x86_64: avx512_vnni, avx2`."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        words = set()
    return f"{platform.machine()}: {', '.join(name for name in _SETS if name in words) or 'not known'}"
