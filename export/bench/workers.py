"""The parent's end of a worker: start it, ask it, close it; whatever goes wrong in it is a sentence."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from export.bench.worker import Opening

# torch.compile builds some hundred C++ files before its first run.
READY_SECONDS = 1800.0
RUN_SECONDS = 600.0
# After a run a runtime's threads spin for a moment in case there is more; the next one's time should not have it.
SETTLE = 0.02


class WorkerFailed(Exception):
    """A contender that cannot be opened, or that died; its text is the reason."""


class Worker:
    """A contender in a process of its own, ready to run. Closed by `close`, or as a context manager."""

    def __init__(self, opening: Opening, log: Path, limit: float = READY_SECONDS) -> None:
        """Start the process and wait until it is warm; WorkerFailed where it does not come to that.

        It is in a session of its own, so that Ctrl-C reaches the parent alone, which then keeps what was measured.
        """
        self.name = opening.contender
        self._limit = RUN_SECONDS
        self._log = log
        mine, its = multiprocessing.Pipe()
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": str(opening.threads)}
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "export.bench.worker", str(its.fileno())],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        its.close()
        self._connection = mine
        try:
            mine.send(replace(opening))
            ready = self._answer("ready", limit)
        except BaseException:
            self._kill()
            raise
        self.load: float = ready["load"]
        self.first: float = ready["first"]
        self.warm: float = ready["warm"]
        self.depth: Any = ready["depth"]

    def run(self, times: int) -> list[tuple[float, float]]:
        """Seconds of wall and CPU time of each of so many runs."""
        time.sleep(SETTLE)
        self._send("run", times)
        return self._answer("times", self._limit * times)

    def peak_bytes(self) -> int:
        """Its peak resident memory so far."""
        self._send("memory")
        return self._answer("bytes", self._limit)

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self._connection.send(("close",))
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._kill()
        self._connection.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, *command: object) -> None:
        try:
            self._connection.send(command)
        except OSError:
            raise WorkerFailed(self._ended()) from None

    def _answer(self, kind: str, seconds: float) -> Any:
        if not self._connection.poll(seconds):
            self._kill()
            raise WorkerFailed(f"it gave no answer within {seconds:.0f} s")
        try:
            said, answer = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerFailed(self._ended()) from None
        if said != kind:
            raise WorkerFailed(answer)
        return answer

    def _ended(self) -> str:
        code = self._process.wait(30)
        return f"its process ended: {how_it_ended(code, self._log)}"

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def how_it_ended(code: int, log: Path) -> str:
    """An exit code in words, with the last line of what the process wrote."""
    if code == -signal.SIGKILL:
        return "it was killed, most likely for want of memory"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return f"{how}, {lines[-1].strip()[:200]}" if lines else how
