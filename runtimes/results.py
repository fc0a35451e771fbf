"""What the harness finds, as data: a row for each runtime × device × bundle, and what is behind it."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from runtimes.change import Change
from runtimes.limits import Limit

SCHEMA = 2
Depth = NDArray[np.float32]
Status = Literal["pass", "fail", "undecided", "not_run"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of wall time.

    `load` is from the file to a session, its library imported before; `first` the first run, which allocates. Then
    `warmup` runs that are not counted, and the percentiles of `runs` runs on one frame, which took `seconds`. `whole`
    is from a JPEG's bytes to depth: decoded, resized, run (median).
    """

    load: float
    first: float
    warmup: int
    runs: int
    seconds: float
    p50: float
    p90: float
    p99: float
    whole: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """Pixels that have something in common (`name`), over all frames: how far the artifact is from torch there (mean
    relative difference), and AbsRel of both where the pixels have ground truth."""

    name: str
    pixels: int
    vs_torch: float | None
    abs_rel: float | None
    torch_abs_rel: float | None


@dataclass(frozen=True, slots=True)
class FrameErrors:
    """One frame: its name, mean and largest relative difference from torch, and AbsRel of both."""

    name: str
    mean_rel: float
    max_rel: float
    abs_rel: float | None
    torch_abs_rel: float | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Where an artifact differs from torch: by bands of torch's depth, at depth edges and off them, on the worst frames
    (worst first), and `scale_bias`, the mean of log(depth / torch's depth)."""

    bands: list[Part]
    edges: list[Part]
    worst: list[FrameErrors]
    scale_bias: float


@dataclass(frozen=True, slots=True)
class Row:
    """One runtime × device × bundle. Numbers are absent (null) where nothing was run.

    `metrics` are means over the frames with ground truth, `vs_torch` relative differences from torch over all pixels,
    `change` what the artifact changes in AbsRel and δ1 from what `base` gives (torch; for a stand-in the same artifact
    in its own runtime, where that runs here), `placed` how many ops ran on each device, where the runtime tells it.
    `stand_in` is what the row proves where something stood in for the hardware, which is never speed.
    `details` is what the runtime tells of itself.
    """

    runtime: str
    target: str
    device: str
    precision: str
    status: Status
    reason: str | None = None
    bundle: str | None = None
    trained: bool | None = None
    frames: int = 0
    metrics: dict[str, float | None] | None = None
    vs_torch: dict[str, float | None] | None = None
    change: Change | None = None
    base: str = "torch"
    breakdown: Breakdown | None = None
    latency: Latency | None = None
    threads: int | None = None
    peak_bytes: int | None = None
    placed: dict[str, int] | None = None
    stand_in: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`runtime precision device`, as people say it."""
        return f"{self.runtime} {self.precision} on {self.device}"


@dataclass(frozen=True, slots=True)
class Run:
    """A row, and depths [H,W] in metres behind it by frame: torch's of all, an artifact's of the first, and of the one
    that is farthest from torch's."""

    row: Row
    depths: dict[int, Depth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a bundle's manifest says of where its artifact comes from. Weights are hashed as tensors, not files."""

    bundle: str
    artifact: str
    bytes: int
    sha256: str
    checkpoint: str
    checkpoint_sha256: str
    weights: str
    vfm: str
    vfm_sha256: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one command on the frames of `data`, and each frame that could not be read, with the reason.

    `started` is in ISO 8601; `notes` are what else has to stand beside the numbers: what the weights are.
    `interrupted`: not all was run, be it that a person wanted no more, or that the command is still at work.
    `command` is the command line, `limits` are those of the precisions by name, `origins` those of the bundles.
    """

    data: str
    started: str
    machine: dict[str, Any]
    rows: list[Row]
    unread: dict[str, str]
    notes: list[str]
    interrupted: bool = False
    command: str = ""
    limits: dict[str, Limit] = field(default_factory=dict)
    origins: list[Origin] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; what is not finite is null."""
        return {"schema": SCHEMA, **_plain(dataclasses.asdict(self))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
