"""Every runtime × device is there with its name, or absent with its reason."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtimes.devices import find_devices
from runtimes.errors import DeviceUnavailable
from runtimes.registry import DEVICES, RUNTIMES

COMMAND = Path(sys.executable).with_name("wedepth-parity")


def test_all_are_listed_for_eyes_and_for_machines() -> None:
    done = subprocess.run([COMMAND, "--list-devices", "--json"], capture_output=True, text=True, check=True)
    found = {(entry["runtime"], entry["device"]): entry for entry in json.loads(done.stdout)}
    assert found.keys() == {(runtime, device) for runtime in ("torch", *RUNTIMES) for device in DEVICES}
    for entry in found.values():
        assert bool(entry["name"]) != bool(entry["reason"])
    assert found["onnxruntime", "cpu"]["name"] == "CPUExecutionProvider"
    assert found["openvino", "cpu"]["name"].startswith("CPU: ")
    table = subprocess.run([COMMAND, "--list-devices"], capture_output=True, text=True, check=True).stdout
    assert "found" in table and "absent" in table and "LiteRT's NPU" in table


def test_a_runtime_that_is_not_installed_is_absent_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'openvino' else find(n, *a)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    reasons = {one.device: one.reason for one in find_devices() if one.runtime == "openvino"}
    assert set(reasons.values()) == {"openvino is not installed here (pip install 'wedepth[openvino]')"}


def test_openvino_says_what_it_finds_instead() -> None:
    openvino_runtime = pytest.importorskip("runtimes.openvino")
    with pytest.raises(DeviceUnavailable, match=r"finds no NPU here \(it finds CPU"):
        openvino_runtime.find("npu")
