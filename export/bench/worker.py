"""The child process that holds one contender ready and runs it when it is told to.

`python -m export.bench.worker FD`: commands come over the connection with that file descriptor. A process of its own
for each, so that memory is told apart and one's threads and allocator are not the other's; started afresh, so that it
has imported nothing but what its runtime needs.
"""

import importlib
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.bench.contenders import CONTENDERS, Contender
from export.bench.making import function, in_words
from export.bench.memory import end_with_parent, peak_bytes

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


def serve(opening: Opening, connection: Connection) -> None:
    """Open, warm up, then answer: ("run", n) → n times; ("memory",) → bytes; ("close",) ends."""
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
    del results[:]
    connection.send(("ready", {"load": load, "first": first, "warm": warm, "depth": depth}))
    while True:
        command, *arguments = connection.recv()
        if command == "close":
            return
        if command == "run":
            connection.send(("times", [timed(lambda: run(pixels)) for _ in range(arguments[0])]))
        elif command == "memory":
            connection.send(("bytes", peak_bytes()))


def main(arguments: list[str]) -> int:
    """Serve until the parent closes the connection or is gone."""
    end_with_parent()
    connection: Any = Connection(int(arguments[0]))
    warnings.filterwarnings("ignore")
    try:
        serve(connection.recv(), connection)
    except (EOFError, BrokenPipeError):
        return 0
    except Exception as error:
        traceback.print_exc()
        connection.send(("failed", in_words(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
