"""What is on the disk while a command runs, when it is killed, and when the disk is full."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runtimes.outputs import Outputs, Wanted
from runtimes.results import Report, Row
from wedepth.errors import WedepthError

COMMAND = Path(sys.executable).with_name("wedepth-parity")
MACHINE = {"cpu": "c", "cores": 1, "instructions": "i", "governor": "g", "system": "s", "python": "3", "versions": {}}
REPORT = Report("frames", "2026-01-01", MACHINE, [Row("openvino", "openvino", "cpu", "fp32", "pass")], {}, [])


def run(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True, **options)  # type: ignore[call-overload]


def no_frame(index: int) -> None:
    raise AssertionError("nothing is to be drawn")


def written(folder: Path, report: Report = REPORT) -> tuple[Outputs, list[str]]:
    said: list[str] = []
    wanted = Wanted(folder / "k.json", folder / "j.xml", folder / "m.md", folder / "h.html", folder / "p.png")
    outputs = Outputs(wanted.forms([], [], no_frame), said.append)  # type: ignore[arg-type]
    outputs.write(report, [])
    return outputs, said


def test_every_file_is_there_but_a_picture_of_nothing(tmp_path: Path) -> None:
    outputs, said = written(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["h.html", "j.xml", "k.json", "m.md"] and not said and not outputs.failed
    assert json.loads((tmp_path / "k.json").read_text())["rows"][0]["status"] == "pass"


def test_what_cannot_be_written_is_said_once_and_keeps_nothing_from_the_rest(tmp_path: Path) -> None:
    (tmp_path / "j.xml").mkdir()
    outputs, said = written(tmp_path)
    outputs.write(REPORT, [])
    assert said == [f"Cannot write {tmp_path / 'j.xml'}: Is a directory."] and list(outputs.failed) == [
        tmp_path / "j.xml"
    ]
    assert (tmp_path / "h.html").is_file() and (tmp_path / "m.md").is_file()
    (tmp_path / "j.xml").rmdir()
    outputs.write(REPORT, [])
    assert not outputs.failed and (tmp_path / "j.xml").is_file()


def test_files_that_are_sure_to_fail_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="there is no folder"):
        Wanted(tmp_path / "k.json", html=tmp_path / "nowhere" / "h.html").forms([], [], no_frame)  # type: ignore[arg-type]
    with pytest.raises(WedepthError, match=r"same\.md is named twice"):
        Wanted(tmp_path / "k.json", tmp_path / "same.md", tmp_path / "same.md").forms([], [], no_frame)  # type: ignore[arg-type]


def fill(folder: Path) -> None:
    """Leave no byte on the disk of `folder`."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own that is full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no disk of our own can be mounted here: {mount.stderr.strip()}")
    try:
        fill(folder)
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_a_sentence_for_each_file_and_leaves_nothing_half_written(full_disk: Path) -> None:
    _, said = written(full_disk)
    assert len(said) == 4 and all(s.endswith(": No space left on device.") for s in said)
    assert os.listdir(full_disk) == ["filler"]


def test_a_full_disk_leaves_the_last_whole_state(full_disk: Path) -> None:
    (full_disk / "filler").unlink()
    written(full_disk)
    before = (full_disk / "k.json").read_text()
    fill(full_disk)
    many = Report("frames", "2026-01-01", MACHINE, REPORT.rows * 999, {}, [])
    _, said = written(full_disk, many)
    assert len(said) == 4 and (full_disk / "k.json").read_text() == before


# Bytes that a file may have: with none there is no place for temporary files, and torch may not be imported.
@pytest.mark.parametrize("left", [64, 0])
def test_a_run_on_a_full_disk_measures_and_prints_all_the_same(exported: Path, tmp_path: Path, left: int) -> None:
    def no_file_grows() -> None:  # for the process and its children, where Python ignores SIGXFSZ
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, left))

    files = ("--junit", tmp_path / "j.xml", "--html", tmp_path / "h.html", "--keep", tmp_path / "k.json")
    options = ("--bundle", exported / "nano-openvino-fp32", "--data", "rooms:2", *files)
    done = run(*options, preexec_fn=no_file_grows)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert [error.split(":")[1].split("/")[-1] for error in errors] == ["k.json", "j.xml", "h.html"]
    assert all(error.endswith(": File too large.") for error in errors)
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("│ openvino"))
    assert re.search(r"\d\.\d{3} ", row), row
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_table_that_cannot_be_printed_is_a_sentence(exported: Path, tmp_path: Path, form: list[str]) -> None:
    keep = tmp_path / "k.json"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, "--bundle", exported / "nano-openvino-fp32", "--data", "rooms:2", "--keep", keep, *form],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    what = "JSON" if form else "table"
    assert (done.returncode, done.stderr.strip()) == (1, f"Error: Cannot print the {what}: No space left on device.")
    assert json.loads(keep.read_text())["rows"][1]["status"] == "pass"


def wait_for(found: Callable[[], bool], seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_a_run_that_is_killed_leaves_what_it_measured(exported: Path, tmp_path: Path) -> None:
    keep, page = tmp_path / "k.json", tmp_path / "h.html"

    def rows() -> list[dict]:
        return json.loads(keep.read_text())["rows"] if keep.is_file() else []

    command = [COMMAND, "--bundle", exported, "--data", "rooms:2", "--keep", keep, "--html", page]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(rows()) == 9)
        assert {row["status"] for row in rows()} == {"not_run"}
        wait_for(lambda: page.is_file() and "✓ pass" in page.read_text())  # the last of the files
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = rows()
    assert [row["status"] for row in found] == ["pass", "pass", *["not_run"] * 7]
    assert found[1]["latency"]["runs"] > 0 and found[1]["metrics"]["abs_rel"] > 0
    assert {row["reason"] for row in found[2:]} == {"the run had not come to it"}
    assert "the run did not come to its end" in page.read_text()
    assert sorted(os.listdir(tmp_path)) == ["h.html", "k.json"]
