"""A child process that holds something ready and answers questions: both ends of the line.

A process of its own, so that a runtime's crash is a sentence, its memory is told apart, and its threads and allocator
are not another's; started afresh, so that it has imported nothing but what it needs.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from runtimes.errors import DeviceUnavailable
from runtimes.memory import end_with_parent
from wedepth.errors import WedepthError

CLOSE_SECONDS = 5.0
LONGEST_LINE = 200
Answers = dict[str, Callable[..., Any]]


class ChildFailed(WedepthError):
    """The child could not open what it was to, or it died, or it gave no answer; the text is the reason."""


class ChildRefused(ChildFailed):
    """The child said in a sentence for the person at the keyboard why it cannot: nothing crashed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a child is started: the command of its Python, and what its environment has besides ours."""

    python: tuple[str, ...] = (sys.executable,)
    environment: dict[str, str] = field(default_factory=dict)


class Child:
    """A module's process. Closed by `close`, or as a context manager."""

    def __init__(self, module: str, opening: object, log: Path, limit: float, launch: Launch | None = None) -> None:
        """Start `python -m module` and wait, `limit` seconds at most, until it is ready: `ready` is what it says then.

        Raises DeviceUnavailable if that is what opening raised, else ChildFailed. It is in a session of its own, so
        that Ctrl-C reaches the parent alone, which then keeps what was measured.
        """
        self._log = log
        launch = launch or Launch()
        mine, its = multiprocessing.Pipe()
        try:
            with log.open("wb") as stream:
                self._process = subprocess.Popen(
                    [*launch.python, "-m", module, str(its.fileno())],
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env=os.environ | launch.environment,
                    start_new_session=True,
                )
        except OSError as error:
            mine.close()
            raise ChildFailed(f"its process could not be started: {error.strerror or error}") from None
        finally:
            its.close()
        self._connection = mine
        try:
            self._send(opening)
            self.ready = self._answer(limit)
        except BaseException:
            self._kill()
            raise

    def ask(self, *question: object, seconds: float) -> Any:
        """The answer to a question, which must come within so many seconds; ChildFailed where it does not."""
        self._send(question)
        return self._answer(seconds)

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):  # it may be at work for long
            self._kill()
        self.close()

    def _send(self, question: object) -> None:
        try:
            self._connection.send(question)
        except OSError:
            raise ChildFailed(self._ended()) from None

    def _answer(self, seconds: float) -> Any:
        if not self._connection.poll(seconds):
            self._kill()
            raise ChildFailed(f"it gave no answer within {seconds:.0f} s")
        try:
            how, answer = self._connection.recv()
        except (EOFError, OSError):
            raise ChildFailed(self._ended()) from None
        if how == "unavailable":
            raise DeviceUnavailable(answer)
        if how == "refused":
            raise ChildRefused(answer)
        if how == "failed":
            raise ChildFailed(answer)
        return answer

    def _ended(self) -> str:
        return f"its process ended: {how_it_ended(self._process.wait(30), self._log)}"

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def log_file() -> Iterator[Path]:
    """Where a child's output goes for as long as this lasts; nowhere where no temporary file can be written."""
    with contextlib.ExitStack() as stack:
        try:
            folder = tempfile.TemporaryDirectory(prefix="wedepth-", ignore_cleanup_errors=True)
            log = Path(stack.enter_context(folder)) / "log"
            log.write_bytes(b"\n")
        except OSError:
            log = Path(os.devnull)
        yield log


def how_it_ended(code: int, log: Path) -> str:
    """An exit code in words, with the last line of what the process wrote."""
    if code == -signal.SIGKILL:
        return "it was killed, most likely for want of memory"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return f"{how}, {lines[-1].strip()[:LONGEST_LINE]}" if lines else how


def answer(serve: Callable[[Any], tuple[Any, Answers]], arguments: list[str]) -> int:
    """The child's end, until the parent closes the line or is gone.

    `serve` opens what the parent names, and gives what to say then and what to answer by question. An exception is told
    instead of an answer, and the next question waited for.
    """
    end_with_parent()
    connection: Any = Connection(int(arguments[0]))
    try:
        opening = connection.recv()
        try:
            ready, answers = serve(opening)
        except Exception as error:
            connection.send(_failure(error))
            return 1
        connection.send(("answer", ready))
        while True:
            name, *rest = connection.recv()
            try:
                said = ("answer", answers[name](*rest))
            except Exception as error:
                said = _failure(error)
            connection.send(said)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0


def _failure(error: Exception) -> tuple[str, str]:
    """An exception as the parent is told it; its traceback goes into the log where nobody expected it."""
    if isinstance(error, DeviceUnavailable):
        return "unavailable", str(error)
    if isinstance(error, WedepthError):
        return "refused", str(error)
    with contextlib.suppress(OSError):  # a full disk
        traceback.print_exception(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "failed", f"{type(error).__name__}: {lines[-1] if lines else ''}".rstrip(": ")
