"""A child process: what it answers, and what becomes of one that does not."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from runtimes.errors import DeviceUnavailable
from runtimes.process import Child, ChildFailed, ChildRefused, Launch, how_it_ended, log_file

CHILD = """
import os, sys, time
from runtimes.errors import DeviceUnavailable
from runtimes.process import answer
from wedepth.errors import WedepthError

def serve(opening):
    if opening == "absent":
        raise DeviceUnavailable("there is none")
    if opening == "broken":
        raise WedepthError("It is broken.")
    if opening == "slow":
        time.sleep(60)
    def crash():
        print("about to", flush=True)
        os.kill(os.getpid(), 11)
    return opening, {"double": lambda x: 2 * x, "fail": lambda: 1 / 0, "crash": crash, "sleep": time.sleep,
                     "pid": os.getpid}

if __name__ == "__main__":
    sys.exit(answer(serve, sys.argv[1:]))
"""


@pytest.fixture
def module(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "test_child.py").write_text(CHILD)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}


def start(tmp_path: Path, module: dict[str, str], opening: object = "ready", limit: float = 60) -> Child:
    return Child("test_child", opening, tmp_path / "log", limit, Launch(environment=module))


def test_it_answers_and_goes_on_after_a_question_that_failed(tmp_path: Path, module: dict[str, str]) -> None:
    with start(tmp_path, module) as child:
        assert child.ready == "ready"
        assert child.ask("double", 4, seconds=60) == 8
        with pytest.raises(ChildFailed, match="ZeroDivisionError: division by zero"):
            child.ask("fail", seconds=60)
        assert child.ask("double", 5, seconds=60) == 10
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


def test_opening_may_fail_or_find_nothing(tmp_path: Path, module: dict[str, str]) -> None:
    with pytest.raises(DeviceUnavailable, match="there is none"):
        start(tmp_path, module, "absent")
    with pytest.raises(ChildRefused, match=r"It is broken\."):
        start(tmp_path, module, "broken")


def test_a_process_that_cannot_be_started_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="could not be started: No such file or directory"):
        Child("test_child", "ready", tmp_path / "log", 60, Launch(python=(str(tmp_path / "python"),)))


def test_without_a_place_for_temporary_files_a_child_runs_all_the_same(
    tmp_path: Path, module: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with log_file() as log, Child("test_child", "ready", log, 60, Launch(environment=module)) as child:
        assert log == Path(os.devnull)
        with pytest.raises(ChildFailed, match=r"its process ended: signal SIGSEGV$"):
            child.ask("crash", seconds=60)


def test_a_crash_is_a_sentence(tmp_path: Path, module: dict[str, str]) -> None:
    with (
        start(tmp_path, module) as child,
        pytest.raises(ChildFailed, match="its process ended: signal SIGSEGV, about to"),
    ):
        child.ask("crash", seconds=60)


def test_no_answer_in_time_ends_it(tmp_path: Path, module: dict[str, str]) -> None:
    with pytest.raises(ChildFailed, match="no answer within 0 s"):
        start(tmp_path, module, "slow", limit=0.2)
    with start(tmp_path, module) as child:
        process = child.ask("pid", seconds=60)
        with pytest.raises(ChildFailed, match="no answer"):
            child.ask("sleep", 60, seconds=0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_person_who_wants_no_more_does_not_wait(tmp_path: Path, module: dict[str, str]) -> None:
    start_time = time.monotonic()
    with pytest.raises(KeyboardInterrupt), start(tmp_path, module) as child:
        child._send(("sleep", 60))
        raise KeyboardInterrupt
    assert time.monotonic() - start_time < 30


def test_how_a_process_ends(tmp_path: Path) -> None:
    assert how_it_ended(-signal.SIGKILL, tmp_path / "none") == "it was killed, most likely for want of memory"
    assert how_it_ended(3, tmp_path / "none") == "exit code 3"
