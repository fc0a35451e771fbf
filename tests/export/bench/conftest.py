"""Reports with made-up medians, for the tests of what is made of them."""

from collections.abc import Callable

import pytest

from export.bench.contenders import CONTENDERS
from export.bench.results import Made, Report, Row, Spread, Timing

MACHINE = {
    "cpu": "a processor", "cores": 2, "instructions": "x86_64: avx2", "system": "Linux", "python": "3.11",
    "versions": {"torch": "2.14.1"}, "load": 0.1, "busy": [],
}  # fmt: skip
WEIGHTS = {"weights": "untrained", "vfm": "random", "sha256": "0", "parameters": 31_200_000}


@pytest.fixture
def make_report() -> Callable[..., Report]:
    """A preset, and seconds by contender (`-` written as `_`), to a report of them at 2 threads."""
    return _report


@pytest.fixture
def make_timing() -> Callable[..., Timing]:
    """Seconds, and perhaps a group and bytes, to a timing."""
    return _timing


def _timing(seconds: float, group: int = 1, peak_bytes: int = 500_000_000) -> Timing:
    return Timing(Spread(seconds, seconds, seconds), Spread(seconds, seconds, seconds), 20, 0.1, 0.2, peak_bytes, group)


def _report(preset: str = "edge", **seconds: float) -> Report:
    rows = []
    for name, took in seconds.items():
        c = CONTENDERS[name.replace("_", "-")]
        made = Made(seconds=3.0, bytes=1_000_000, ops=10) if c.artifact else None
        row = Row(c.name, c.runtime, c.road, c.precision, c.network, "measured", made=made, agrees=True)
        row.timings["2"] = _timing(took)
        rows.append(row)
    return Report(preset, (288, 384), MACHINE, WEIGHTS, {"wedepth": 10_000_000_000}, rows)
