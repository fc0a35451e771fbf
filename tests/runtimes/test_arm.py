"""Arm kernels under QEMU: what is pinned, what is said where it is not set up, and the nano network through both."""

from pathlib import Path

import pytest

from runtimes import arm
from runtimes.arm_root import describe_processors
from runtimes.bundle import open_bundle
from runtimes.errors import DeviceUnavailable
from runtimes.parity import Frames, Harness
from runtimes.registry import STAND_INS, Runtime, launch_of, runtime_for
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
ARM = [runtime for runtime in STAND_INS.values() if runtime.stand_in == "arm"]


def test_wheels_are_those_of_the_tested_set() -> None:
    pinned = [line.split(" --hash=sha256:") for line in arm.WHEELS.read_text().splitlines() if line[0] != "#"]
    assert len(pinned) == 3
    assert {name for name, _ in pinned} <= set(CONSTRAINTS.read_text().splitlines())
    assert all(len(sha256) == 64 for _, sha256 in pinned)


@pytest.mark.parametrize("runtime", ARM, ids=[runtime.name for runtime in ARM])
def test_where_nothing_is_set_up_it_says_how(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "DONE", tmp_path / "complete")
    monkeypatch.setattr(arm.platform, "machine", lambda: "x86_64")
    with pytest.raises(DeviceUnavailable, match="make arm64"):
        launch_of(runtime)


def test_a_root_of_other_versions_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = tmp_path / "complete"
    monkeypatch.setattr(arm, "DONE", done)
    done.write_text(arm.WHEELS.read_text())
    assert arm.is_complete()
    done.write_text(arm.WHEELS.read_text().replace("numpy==", "numpy==0."))
    assert not arm.is_complete()


def test_on_an_arm_machine_there_is_nothing_to_emulate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm.platform, "machine", lambda: "aarch64")
    with pytest.raises(DeviceUnavailable, match="this is an Arm machine"):
        arm.launch()


def test_kernels_of_another_processor_are_refused(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm.platform, "machine", lambda: "x86_64")
    with pytest.raises(WedepthError, match="These are no Arm kernels: onnxruntime"):
        arm.open_session(open_bundle(exported / "nano-onnx-fp32").artifact, device="cpu", threads=1)


def test_processors_are_as_many_in_proc_as_in_sys(tmp_path: Path) -> None:
    describe_processors(tmp_path, 3)
    assert (tmp_path / "proc/cpuinfo").read_text().count("CPU part\t: 0xd0b") == 3
    assert (tmp_path / "sys/devices/system/cpu/present").read_text() == "0-2\n"


@pytest.mark.skipif(not arm.is_complete(), reason="no Arm Python is set up here (make arm64)")
@pytest.mark.parametrize("runtime", ARM, ids=[runtime.name for runtime in ARM])
def test_nano_runs_on_arm_kernels_and_says_so(exported: Path, runtime: Runtime) -> None:
    harness = Harness(Frames(rooms(2, (48, 64))), lambda name, done: None, threads=1)
    row = harness.run(open_bundle(exported / f"nano-{runtime.target}-fp32"), runtime.name, "cpu").row
    assert row.status == "pass", row.reason
    assert (row.runtime, row.frames, row.base) == (runtime.name, 2, runtime_for(runtime.target).name)
    assert row.vs_torch is not None and (row.vs_torch["max_rel"] or 1) < 1e-5
    assert row.details["machine"] == "aarch64" and "asimddp" in row.details["instructions"]
    assert row.details["wheel"].endswith("aarch64") and "qemu-aarch64 version" in row.details["emulator"]
    assert row.latency is None and row.stand_in and row.stand_in.startswith(runtime.proves)
