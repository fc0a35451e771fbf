"""The parent's end of a contender's process."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any

from export.bench.worker import Opening
from runtimes.process import Child, Launch

# torch.compile builds some hundred C++ files before its first run.
READY_SECONDS = 1800.0
RUN_SECONDS = 600.0
# After a run a runtime's threads spin for a moment in case there is more; the next one's time should not have it.
SETTLE = 0.02


class Worker:
    """A contender in a process of its own, ready to run. Closed by `close`, or as a context manager."""

    def __init__(self, opening: Opening, log: Path, limit: float = READY_SECONDS) -> None:
        """Start the process and wait until it is warm; ChildFailed where it does not come to that."""
        self.name = opening.contender
        environment = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": str(opening.threads)}
        self._child = Child("export.bench.worker", opening, log, limit, Launch(environment=environment))
        ready = self._child.ready
        self.load: float = ready["load"]
        self.first: float = ready["first"]
        self.warm: float = ready["warm"]
        self.depth: Any = ready["depth"]

    def run(self, times: int) -> list[tuple[float, float]]:
        """Seconds of wall and CPU time of each of so many runs."""
        time.sleep(SETTLE)
        return self._child.ask("run", times, seconds=RUN_SECONDS * times)

    def peak_bytes(self) -> int:
        """Its peak resident memory so far."""
        return self._child.ask("memory", seconds=RUN_SECONDS)

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
