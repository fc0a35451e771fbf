"""What the child process of one artifact, or of torch, does: hold it ready, run it, time it."""

import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, Manifest, read_manifest
from runtimes.memory import peak_bytes
from runtimes.process import Answers, answer
from runtimes.registry import TORCH, Session, open_session, runtime_named, to_depth, to_input
from wedepth.data import resize_image


@dataclass(frozen=True, slots=True)
class Opening:
    """What to open: a bundle's artifact in a runtime, or the network that it was made from in torch."""

    runtime: str
    folder: str
    device: str
    threads: int | None = None
    checkpoint: str | None = None
    vfm: str | None = None


class Held:
    """A session, and what the parent may ask of it. Times are milliseconds of wall time."""

    def __init__(self, session: Session, manifest: Manifest) -> None:
        self._session, self._manifest = session, manifest
        self._torch = session.runtime == TORCH
        self._last: NDArray[np.float32] | None = None

    def run(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Depth [H,W] in metres of an RGB image [H,W,3] of the network's size, and what the run took."""
        self._last = self._input(image)
        start = time.perf_counter()
        output = self._session.run(self._last)
        took = 1000 * (time.perf_counter() - start)
        return self._depth(output), took

    def repeat(self, runs: int, seconds: float) -> list[float]:
        """The last image again, so many runs, or fewer where they have taken so many seconds."""
        assert self._last is not None, "nothing was run yet"
        times: list[float] = []
        start = time.perf_counter()
        while len(times) < runs and time.perf_counter() - start < seconds:
            before = time.perf_counter()
            self._session.run(self._last)
            times.append(1000 * (time.perf_counter() - before))
        return times

    def whole(self, encoded: bytes, runs: int) -> list[float]:
        """From a file's bytes (JPEG, PNG) to depth in metres: decoded, resized, run."""
        from PIL import Image

        times = []
        for _ in range(runs):
            start = time.perf_counter()
            image = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
            self._depth(self._session.run(self._input(resize_image(image, self._manifest.size))))
            times.append(1000 * (time.perf_counter() - start))
        return times

    def placed(self) -> dict[str, int] | None:
        """On which device each op ran, as the runtime tells it."""
        assert self._last is not None, "nothing was run yet"
        return self._session.placed(self._last)

    def answers(self) -> Answers:
        """By question."""
        return {
            "run": self.run,
            "repeat": self.repeat,
            "whole": self.whole,
            "placed": self.placed,
            "memory": peak_bytes,
        }

    def _input(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._torch:
            return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        return to_input(image, self._manifest)

    def _depth(self, output: NDArray[np.float32]) -> NDArray[np.float32]:
        return output[0, 0] if self._torch else to_depth(output, self._manifest)


def serve(opening: Opening) -> tuple[dict[str, Any], Answers]:
    """Open the session; ready with its runtime's name, its device, what it tells of itself, and milliseconds of it."""
    manifest = read_manifest(Path(opening.folder))
    opener = _torch if opening.runtime == TORCH else _artifact
    start = time.perf_counter()
    session = opener(opening, manifest)()
    load = 1000 * (time.perf_counter() - start)
    details = dict(getattr(session, "details", {}))
    ready = {"runtime": session.runtime, "device": session.device, "details": details, "load_ms": load}
    return ready, Held(session, manifest).answers()


def _artifact(opening: Opening, manifest: Manifest) -> Callable[[], Session]:
    bundle = Bundle(Path(opening.folder), manifest)
    runtime = runtime_named(opening.runtime)
    return lambda: open_session(runtime, bundle.artifact, opening.device, opening.threads)


def _torch(opening: Opening, manifest: Manifest) -> Callable[[], Session]:
    from runtimes.reference import open_reference

    return lambda: open_reference(manifest, opening.checkpoint, opening.vfm, opening.device, opening.threads)


if __name__ == "__main__":
    sys.exit(answer(serve, sys.argv[1:]))
