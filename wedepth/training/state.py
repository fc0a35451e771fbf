"""What a run leaves in its folder, so that it can go on where it was killed: the state file and the log."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from wedepth.errors import WedepthError
from wedepth.files import write_beside

SCHEMA = 1
STATE, FAILED, LOG = "state.pt", "failed.pt", "log.jsonl"
LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(slots=True)
class State:
    """Everything that the next step depends on. Weights are without the frozen VFM."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    setup: dict[str, Any]
    """What must be the same for a run to go on: configs, data hashes, VFM hash. Plain JSON types."""
    epoch: int = 0
    """Epochs that are done and validated."""
    step: int = 0
    """Steps that are done, of the whole run."""
    loss_sum: float = 0.0
    """Of the steps of the epoch under way."""
    best: dict[str, Any] | None = None
    """The epoch with the least mean AbsRel over the validation sources: its number, that value, all metrics."""


def save_state(state: State, path: Path) -> None:
    """Write it beside and put it in place, so that a kill leaves the old one or the new one."""
    fields = {name: getattr(state, name) for name in State.__slots__}
    # torch's writer raises RuntimeError on a full disk
    write_beside(path, lambda beside: torch.save({"schema": SCHEMA, **fields}, beside), (OSError, RuntimeError))


def load_state(path: Path) -> State:
    """A state that `save_state` wrote."""
    try:
        fields = torch.load(path, map_location="cpu", weights_only=True)
        if fields.pop("schema") != SCHEMA:
            raise WedepthError(f"{path} is of another version of wedepth; this one reads schema {SCHEMA}.")
        return State(**fields)
    except FileNotFoundError:
        raise WedepthError(f"There is no run to resume in {path.parent}: it holds no {path.name}.") from None
    except WedepthError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WedepthError(f"Cannot read the state {path}: {reason}.") from None


def check_setup(saved: dict[str, Any], now: dict[str, Any], where: str = "") -> None:
    """Refuse to go on with a run that was made otherwise, naming the first entry that differs."""
    for name in sorted(saved.keys() | now.keys()):
        old, new = saved.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            check_setup(old, new, f"{where}{name}.")
        elif old != new:
            raise WedepthError(
                f"This run cannot be resumed so: its {where}{name} is {_short(old)}, what was asked for is "
                f"{_short(new)}; repeat the run's own options, or start another with --init and another folder."
            )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


class Log:
    """`log.jsonl`: a line for every step and for every epoch, both counted from 1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def write(self, **entry: Any) -> None:
        """Add a line; it is in the file when this returns."""
        try:
            if self._file is None:
                self._file = self._path.open("a")
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        except OSError as error:
            raise WedepthError(f"Cannot write {self._path}: {error}.") from None

    def cut(self, step: int, epoch: int) -> None:
        """Drop what a killed run wrote after its last state: steps past `step`, epochs past `epoch`, both from 1."""
        kept = []
        if self._path.exists():
            for line in self._path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    break  # cut short by the kill
                if entry["epoch"] > epoch if entry["kind"] == "epoch" else entry["step"] > step:
                    continue
                kept.append(line + "\n")
        write_beside(self._path, lambda beside: beside.write_text("".join(kept)))


def open_folder(out: Path, resume: bool) -> None:
    """Make the output folder; refuse one that cannot be written, or that holds a run which is not to be resumed."""
    if not resume and any((out / name).exists() for name in (STATE, LOG, LAST)):
        raise WedepthError(f"{out} already holds a run: add --resume to go on with it, or name another folder with -o.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".{os.getpid()}.partial"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise WedepthError(f"Cannot write to {out}: {error}.") from None
