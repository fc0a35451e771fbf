"""What was measured: dataclasses that travel as JSON."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wedepth.errors import WedepthError
from wedepth.files import write_beside

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of a number of runs, in seconds."""

    median: float
    p25: float
    p75: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Of one run or more."""
        if len(values) == 1:
            return Spread(values[0], values[0], values[0])
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return Spread(statistics.median(values), low, high)


@dataclass(frozen=True, slots=True)
class Timing:
    """A contender at one number of threads. Wall and CPU time (of the whole process, all its threads) of a run."""

    wall: Spread
    cpu: Spread
    runs: int
    load: float
    """Seconds from a file to a session ready to run, its library imported before."""
    first: float
    """Seconds of the first run, which allocates, and in torch.compile's case compiles."""
    peak_bytes: int
    """Peak resident memory of a process that imports the library, loads the model and runs it."""
    group: int
    """Contenders of one group took turns; those of different groups ran one after the other."""


@dataclass(frozen=True, slots=True)
class Made:
    """How an artifact came to be; `reason` says why it did not."""

    reason: str = ""
    seconds: float = 0.0
    """Of its own making, without what it is made of."""
    peak_bytes: int = 0
    bytes: int = 0
    """Size of all its files."""
    ops: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What its maker found out besides: multiply-accumulates, a remark."""


@dataclass(slots=True)
class Row:
    """A line of the report. `status`: measured, made (a file that nothing here runs) or not_run, with its reason."""

    name: str
    runtime: str
    road: str
    precision: str
    network: str
    status: str = "not_run"
    reason: str = ""
    note: str = ""
    made: Made | None = None
    made_with: float = 0.0
    """Seconds of making it with all that it is made of."""
    timings: dict[str, Timing] = field(default_factory=dict)
    """By number of threads."""
    max_rel: float | None = None
    mean_rel: float | None = None
    """Difference of its depth of one drawn room from its reference's in torch."""
    agrees: bool | None = None

    def wall(self, threads: str) -> float | None:
        """Median seconds of a run, or None where it did not run."""
        return self.timings[threads].wall.median if threads in self.timings else None


@dataclass(slots=True)
class Report:
    """One preset at one size: everything that one run found."""

    preset: str
    size: tuple[int, int]
    machine: dict[str, Any]
    weights: dict[str, Any]
    """Provenance, SHA-256 and number of parameters."""
    macs: dict[str, int]
    """Multiply-accumulates of one image by network, `wedepth` counted in our prepared graph."""
    rows: list[Row]
    peak: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By number of threads: `flops` a second, and who reached it `by`."""
    musts: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False
    schema: int = SCHEMA

    def row(self, name: str) -> Row | None:
        """The row of a contender, if it is among them."""
        return next((row for row in self.rows if row.name == name), None)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"
        write_beside(path, lambda beside: beside.write_text(text))

    @staticmethod
    def read(path: Path) -> "Report":
        """What was written; a file of another schema is refused."""
        try:
            data = json.loads(path.read_text())
            if data["schema"] != SCHEMA:
                raise WedepthError(f"{path} has schema {data['schema']}, not {SCHEMA}: run the benchmark again.")
            data["rows"] = [_row(entry) for entry in data["rows"]]
            data["size"] = tuple(data["size"])
            return Report(**data)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WedepthError(f"Cannot read {path} as a report of the benchmark: {error}.") from None


def _row(entry: dict[str, Any]) -> Row:
    made = entry.pop("made")
    timings = entry.pop("timings")
    row = Row(**entry, made=Made(**made) if made else None)
    for threads, t in timings.items():
        row.timings[threads] = Timing(**{**t, "wall": Spread(**t["wall"]), "cpu": Spread(**t["cpu"])})
    return row
