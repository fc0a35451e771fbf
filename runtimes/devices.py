"""Which devices each runtime finds here, under its own names for them, and why each other one is absent."""

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from typing import Any

from runtimes.errors import DeviceUnavailable
from runtimes.process import Answers, Child, ChildFailed, answer, log_file
from runtimes.registry import DEVICES, RUNTIMES, TORCH

SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a runtime; `name` is what the runtime calls it, or `reason` says why it is absent."""

    runtime: str
    device: str
    name: str | None
    reason: str | None


def find_devices() -> list[Device]:
    """Every runtime × device, each runtime asked in a process of its own."""
    found = []
    for runtime in (TORCH, *RUNTIMES):
        with log_file() as log:
            try:
                with Child("runtimes.devices", runtime, log, SECONDS) as child:
                    found += [Device(runtime, *entry) for entry in child.ready]
            except (ChildFailed, DeviceUnavailable) as error:
                found += [Device(runtime, device, None, str(error)) for device in DEVICES]
    return found


def serve(runtime: str) -> tuple[list[tuple[str, str | None, str | None]], Answers]:
    """(device, name, reason) of one runtime; each module of a runtime has `find(device)` that gives the name."""
    info = RUNTIMES.get(runtime)
    needs, extra = (info.needs, info.extra) if info else (("torch",), TORCH)
    if not any(importlib.util.find_spec(name) for name in needs):
        raise DeviceUnavailable(f"{' or '.join(needs)} is not installed here (pip install 'wedepth[{extra}]')")
    module: Any = importlib.import_module(info.module if info else "runtimes.torch")
    found: list[tuple[str, str | None, str | None]] = []
    for device in DEVICES:
        try:
            found.append((device, module.find(device), None))
        except DeviceUnavailable as error:
            found.append((device, None, str(error)))
    return found, {}


if __name__ == "__main__":
    sys.exit(answer(serve, sys.argv[1:]))
