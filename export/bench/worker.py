"""What the child process of one contender does: hold it ready and run it when it is told to."""

import importlib
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.bench.contenders import CONTENDERS, Contender
from export.bench.making import function
from runtimes.memory import peak_bytes
from runtimes.process import Answers, answer

# A contender that is slower than this is not run once more before it counts.
SLOW = 5.0
Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a worker opens: a contender, its artifact's path, the preset's network, and the file of the input image."""

    contender: str
    artifact: str
    preset: str
    vfm: str | None
    image: str
    """A .npy of the drawn room, RGB uint8 [H,W,3]."""
    threads: int

    @property
    def spec(self) -> Contender:
        """The contender as data."""
        return CONTENDERS[self.contender]


def input_of(contender: Contender, image: NDArray[np.uint8]) -> Values:
    """The image [H,W,3] as the contender takes it."""
    if contender.network == "dav2":
        from export.bench.dav2 import size_for

        height, width = size_for((image.shape[0], image.shape[1]))
        image = image[:height, :width]
    pixels = image.astype(np.float32)
    if contender.normalised:
        # ImageNet's statistics, as in wedepth.network, which would import torch.
        mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
        pixels = ((pixels / 255 - mean) / std).astype(np.float32)
    if contender.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels[None])


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall time and of CPU time of all the process's threads."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def serve(opening: Opening) -> tuple[dict[str, Any], Answers]:
    """Open and warm up; then `run` times so often, `memory` tells peak bytes."""
    warnings.filterwarnings("ignore")
    contender = opening.spec
    for name in contender.imports:
        importlib.import_module(name)
    if "torch" in contender.imports:
        import torch

        torch.set_num_threads(opening.threads)
    if contender.network == "matmul":
        from export.bench.matmul import factor, size_of

        pixels = factor(size_of(contender.name), 0)
    else:
        pixels = input_of(contender, np.load(opening.image))
    opener = function(contender.opener)
    start = time.perf_counter()
    run = opener(opening)
    load = time.perf_counter() - start
    results: list[Values] = []
    first, _ = timed(lambda: results.append(run(pixels)))
    # torch.compile's first run says nothing of how slow it is.
    warm = timed(lambda: run(pixels))[0] if first < SLOW or not contender.artifact else first
    depth = None if contender.network == "matmul" else np.array(results[0])
    ready = {"load": load, "first": first, "warm": warm, "depth": depth}
    return ready, {"run": lambda times: [timed(lambda: run(pixels)) for _ in range(times)], "memory": peak_bytes}


if __name__ == "__main__":
    sys.exit(answer(serve, sys.argv[1:]))
