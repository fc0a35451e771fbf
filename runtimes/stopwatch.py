"""How long an artifact takes: load, first run, then as many runs as the percentiles are worth."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtimes.process import Child
from runtimes.results import Latency

# Seconds between two signs of life, and those that one run may take on top.
CHUNK, SLOWEST = 2.0, 600.0
QUALITY = 92


@dataclass(frozen=True, slots=True)
class Effort:
    """So many timed runs at least, and so many seconds; where one is enough, whichever comes first."""

    runs: int
    seconds: float
    both: bool
    whole: int
    """Runs from a file's bytes to depth."""

    def enough(self, runs: int, seconds: float) -> bool:
        """Whether so many runs, which took so many seconds, are."""
        reached = runs >= self.runs, seconds >= self.seconds
        return all(reached) if self.both else any(reached)


QUICK = Effort(20, 3.0, both=False, whole=3)
# As MLPerf Mobile has it: single stream, at least 1024 runs and 60 seconds.
FULL = Effort(1024, 60.0, both=True, whole=20)


def measure_latency(
    child: Child,
    load: float,
    first: float,
    image: NDArray[np.uint8],
    warmup: int,
    effort: Effort,
    step: Callable[[str, int], None],
) -> Latency:
    """Time the last image that a child ran, again and again, and `image` [H,W,3] from a JPEG's bytes."""
    times: list[float] = []
    name = child.ready["runtime"]
    while not times or not effort.enough(len(times), sum(times) / 1000):
        left = max(1, effort.runs - len(times)) if not effort.both else 1_000_000
        times += child.ask("repeat", left, CHUNK, seconds=SLOWEST)
        step(f"{name}: {len(times)} timed runs", warmup)
    whole = child.ask("whole", encode(image), effort.whole, seconds=SLOWEST * effort.whole)
    p50, p90, p99 = (float(value) for value in np.percentile(times, (50, 90, 99)))
    return Latency(load, first, warmup, len(times), sum(times) / 1000, p50, p90, p99, float(np.median(whole)))


def encode(image: NDArray[np.uint8]) -> bytes:
    """An RGB image [H,W,3] as the JPEG that a camera would give."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
