"""The parity contract: every artifact on the same frames, in unaligned metres, held against the network in torch."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, Manifest
from runtimes.errors import DeviceUnavailable
from runtimes.limits import limit_for
from runtimes.registry import Runtime, Session, open_session, run_timed, to_depth, to_input
from wedepth.data import Frame, resize_depth, resize_image
from wedepth.errors import WedepthError
from wedepth.metrics import depth_metrics, mean_metrics, relative_difference

SCHEMA = 1
Depth = NDArray[np.float32]
Image = NDArray[np.uint8]
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One runtime × device × bundle. Numbers are absent (null) where nothing was run."""

    runtime: str
    target: str
    device: str
    precision: str
    status: str
    reason: str | None = None
    bundle: str | None = None
    trained: bool | None = None
    frames: int = 0
    metrics: dict[str, float | None] | None = None
    vs_torch: dict[str, float | None] | None = None
    latency_ms: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A row, and depths [H,W] behind it: torch's of every frame, an artifact's of the first; none where nothing ran."""

    row: Row
    depths: list[Depth] | None


def run_bundle(
    runtime: Runtime,
    bundle: Bundle,
    device: str,
    frames: Sequence[Frame],
    reference: Callable[[], list[Depth] | None],
    step: Step,
) -> Run:
    """One bundle on one device. `reference` gives torch's depth of every frame; it is asked only if the artifact ran.

    Without torch's depths the artifact is held against its bundle's golden sample instead, and the row says so.
    """
    manifest = bundle.manifest
    row = Row(
        runtime.name,
        runtime.target,
        device,
        manifest.precision.name,
        "fail",
        bundle=manifest.name,
        trained=manifest.checkpoint.trained,
    )
    try:
        session = open_session(runtime, bundle.artifact, device)
        row = dataclasses.replace(row, runtime=session.runtime, device=session.device)
        images = (resize_image(frame.image, manifest.size) for frame in frames)
        depths, times = _run(session, manifest, images, step)
        reason = None
        expected_depths = reference()
        if expected_depths is None:
            image, expected = bundle.sample()
            sample, _ = _run(session, manifest, [image], lambda _: None)
            differences = compare(sample, [expected])
            reason = "held against the bundle's golden sample: torch did not run here"
        else:
            differences = compare(depths, expected_depths)
    except DeviceUnavailable as error:
        return Run(dataclasses.replace(row, status="not_run", reason=str(error)), None)
    except WedepthError as error:
        return Run(dataclasses.replace(row, reason=str(error)), None)
    limit = limit_for(manifest.precision.name)
    passed = limit.holds(*differences)
    if not passed:
        reason = f"the {limit} is not met" + (f" ({reason})" if reason else "")
    row = dataclasses.replace(
        row,
        status="pass" if passed else "fail",
        reason=reason,
        vs_torch={"max_rel": _finite(differences[0]), "mean_rel": _finite(differences[1])},
        **measure(depths, times, frames),
    )
    return Run(row, depths[:1])


def measure(depths: list[Depth], times: list[float], frames: Sequence[Frame]) -> dict[str, Any]:
    """The columns that need no reference: frames, depth metrics over those with valid depth, latency."""
    scored = [
        depth_metrics(
            resize_depth(depth, frame.depth.shape),
            frame.depth,
            frame.valid,
            frame.min_depth,
            frame.max_depth,
        )
        for depth, frame in zip(depths, frames, strict=True)
        if frame.valid.any()
    ]
    metrics = {name: _finite(value) for name, value in mean_metrics(scored).items()} if scored else None
    p50, p90 = np.percentile(times, (50, 90))
    return {"frames": len(depths), "metrics": metrics, "latency_ms": {"p50": float(p50), "p90": float(p90)}}


def compare(depths: list[Depth], reference: list[Depth]) -> tuple[float, float]:
    """Largest and mean relative difference over every pixel of every frame; NaN where a depth is not a number."""
    pairs = [relative_difference(depth, expected) for depth, expected in zip(depths, reference, strict=True)]
    largest, mean = np.array(pairs, dtype=np.float64).T
    return float(largest.max()), float(mean.mean())


def _run(session: Session, manifest: Manifest, images: Iterable[Image], step: Step) -> tuple[list[Depth], list[float]]:
    outputs, times = run_timed(session, (to_input(image, manifest) for image in images), step)
    return [to_depth(output, manifest) for output in outputs], times


def verdict(rows: Sequence[Row]) -> int:
    """The exit code: 1 when a row failed or when nothing but the reference was run, else 0."""
    ran = [row for row in rows if row.status != "not_run"]
    judged = [row for row in ran if row.runtime != "torch"] or (ran if len(ran) == len(rows) else [])
    return int(not judged or any(row.status == "fail" for row in judged))


def to_json(rows: Sequence[Row], data: str) -> dict[str, Any]:
    """The report as plain JSON types."""
    return {"schema": SCHEMA, "data": data, "rows": [dataclasses.asdict(row) for row in rows]}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
