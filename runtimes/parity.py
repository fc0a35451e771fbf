"""The parity contract: every artifact on the same frames, in unaligned metres, held against the network in torch."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from runtimes.breakdown import break_down
from runtimes.bundle import Bundle
from runtimes.change import Change, change
from runtimes.errors import DeviceUnavailable
from runtimes.gate import judge, ran_elsewhere
from runtimes.limits import Limit, limit_for
from runtimes.process import Child, ChildFailed, ChildRefused, Launch, log_file
from runtimes.registry import TORCH, launch_of, runtime_for, runtime_named
from runtimes.results import Depth, Latency, Row, Run
from runtimes.stopwatch import QUICK, Effort, measure_latency
from runtimes.worker import Opening
from wedepth.data import Frame, resize_depth, resize_image
from wedepth.errors import WedepthError
from wedepth.metrics import depth_metrics, mean_metrics, relative_difference

# Seconds that opening an artifact, or the network in torch, may take, and running it once.
OPEN_SECONDS, RUN_SECONDS = 1800.0, 600.0
INTERRUPTED = "the run was interrupted"
NOT_YET = "the run had not come to it"
GOLDEN = "held against the bundle's golden sample: torch did not run here"
Metrics = dict[str, float]
Step = Callable[[str, int], None]
"""Told what runs, and how many frames it has done."""


@dataclass(slots=True)
class Frames:
    """Frames, read again for each artifact; one that cannot be read is left out, and `unread` has its reason."""

    dataset: Sequence[Frame]
    unread: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.dataset)

    def told(self) -> dict[str, str]:
        """Which frames could not be read, in words, with the reason."""
        return {f"frame {index + 1} of {len(self)}": reason for index, reason in sorted(self.unread.items())}

    def __iter__(self) -> Iterator[tuple[int, Frame]]:
        for index in range(len(self.dataset)):
            if index in self.unread:
                continue
            try:
                frame = self.dataset[index]
            except WedepthError as error:
                self.unread[index] = str(error)
                continue
            yield index, frame
        if len(self.unread) == len(self.dataset):
            raise WedepthError(f"No frame can be read. {next(iter(self.unread.values()))}")


@dataclass(slots=True)
class Taken:
    """What came of a session: its depth of the golden sample, then by frame, as far as it got.

    `stopped` says why it got no further, `refused` that this is a sentence of its own and no crash; `interrupted` that
    a person wanted no more.
    """

    sample: Depth | None = None
    depths: dict[int, Depth] = field(default_factory=dict)
    metrics: dict[int, Metrics] = field(default_factory=dict)
    latency: Latency | None = None
    peak_bytes: int | None = None
    placed: dict[str, int] | None = None
    stopped: str | None = None
    refused: bool = False
    interrupted: bool = False

    def columns(self) -> dict[str, Any]:
        """A row's columns that need no reference."""
        return {
            "frames": len(self.depths),
            "metrics": _means(list(self.metrics.values())),
            "latency": self.latency,
            "peak_bytes": self.peak_bytes,
            "placed": self.placed,
        }


@dataclass(slots=True)
class Harness:
    """Runs what it is asked to on frames, each in a process of its own.

    `threads` of CPU kernels are the runtimes' own choice where none are given; `checkpoint` and `vfm` are the network
    that was exported, where it is not where the bundles say.
    """

    frames: Frames
    step: Step
    limits: Mapping[str, Limit] | None = None
    effort: Effort = QUICK
    threads: int | None = None
    checkpoint: str | None = None
    vfm: str | None = None
    interrupted: bool = False
    _references: dict[Hashable, tuple[Run, Taken]] = field(default_factory=dict)
    _own: dict[Path, tuple[Row, Taken]] = field(default_factory=dict)

    def run(self, bundle: Bundle, runtime: str, device: str) -> Run:
        """One bundle on one device. Torch is asked for its depths only if the artifact ran.

        Without torch's depths the artifact is held against its bundle's golden sample instead, and the row says so.
        """
        row = dataclasses.replace(artifact_row(bundle, runtime, device), reason=None)
        row, taken = self._take(row, Opening(runtime, str(bundle.folder), device, self.threads), bundle)
        if row.reason and not taken.depths:
            return Run(row)
        row = dataclasses.replace(row, **taken.columns())
        # Of each artifact's depths two are kept, to be drawn: those of all frames of all artifacts fill the memory.
        first = dict(itertools.islice(taken.depths.items(), 1))
        if taken.interrupted:
            return Run(row, first)
        reference = self.reference(bundle, "cpu")[1]
        if reference.interrupted:  # nothing to hold it against, or not all: no verdict
            return Run(dataclasses.replace(row, status="not_run", reason=f"{INTERRUPTED} before torch was done"), first)
        row, base = self._based(row, taken, reference, bundle) if row.stand_in else (row, reference)
        if base.interrupted:
            reason = f"{INTERRUPTED} before its own runtime was done"
            return Run(dataclasses.replace(row, status="not_run", reason=reason), first)
        first |= _farthest(taken.depths, reference.depths)
        return Run(self._broken_down(self._judged(row, taken, reference, base, bundle), taken, reference), first)

    def reference(self, bundle: Bundle, device: str) -> tuple[Run, Taken]:
        """Torch on the network of this bundle at its size: run once for all bundles of it.

        Raises WedepthError where a checkpoint that was named is not the bundle's network, or is not to be had.
        """
        key = network_key(bundle, device)
        if key not in self._references:
            row = dataclasses.replace(torch_row(bundle, device), status="pass", reason=None)
            opening = Opening(TORCH, str(bundle.folder), device, self.threads, self.checkpoint, self.vfm)
            row, taken = self._take(row, opening, bundle)
            if taken.refused and not taken.depths:
                raise WedepthError(str(row.reason))
            self._references[key] = Run(dataclasses.replace(row, **taken.columns()), taken.depths), taken
        return self._references[key]

    def _based(self, row: Row, taken: Taken, reference: Taken, bundle: Bundle) -> tuple[Row, Taken]:
        """A stand-in's row, with how far it is from the same artifact in its own runtime in words, and that run; the
        reference where that runtime does not run here.

        What the artifact itself changes from torch takes many frames to tell, and is told by its own runtime's row. A
        stand-in is asked whether it computes the same: its depth has to be within the limit of its precision from that
        run's, too, and AbsRel and δ1 must not be outside theirs for certain.
        """
        info = runtime_for(bundle.manifest.target)
        if bundle.folder not in self._own:
            opening = Opening(info.name, str(bundle.folder), "cpu", self.threads)
            self._own[bundle.folder] = self._take(artifact_row(bundle, info.name, "cpu"), opening, bundle, timed=False)
        own_row, own = self._own[bundle.folder]
        if own.interrupted:
            return row, own
        if not taken.depths.keys() & own.depths.keys():
            words = f"not held against {info.name}, which did not run here: {own_row.reason}"
            return dataclasses.replace(row, stand_in=f"{row.stand_in}; {words}"), reference
        largest, mean = _differences(taken, own)
        words = f"AbsRel and δ1 are held against the same artifact in {info.name}, from which depth differs by "
        words += f"{largest:.1e} at most, {mean:.1e} on average"
        return dataclasses.replace(row, base=info.name, stand_in=f"{row.stand_in}; {words}"), own

    def known_reference(self, bundle: Bundle, device: str) -> Run | None:
        """Torch's run on the network of this bundle, if there was one."""
        found = self._references.get(network_key(bundle, device))
        return found[0] if found else None

    def _take(self, row: Row, opening: Opening, bundle: Bundle, timed: bool = True) -> tuple[Row, Taken]:
        """Open and run all frames; the row as far as opening fills it, `fail` or `not_run` where it came to nothing.

        Nobody's time and an emulator's memory are not taken: a stand-in's, or of what is not `timed`.
        """
        taken = Taken()
        if self.interrupted:
            taken.interrupted = True
            return dataclasses.replace(row, status="not_run", reason=INTERRUPTED), taken
        with log_file() as log:
            try:
                launch = Launch() if opening.runtime == TORCH else launch_of(runtime_named(opening.runtime))
                with Child("runtimes.worker", opening, log, OPEN_SECONDS, launch) as child:
                    ready = child.ready
                    row = dataclasses.replace(
                        row, runtime=ready["runtime"], device=ready["device"], details=ready["details"],
                        threads=self.threads,
                    )  # fmt: skip
                    self._fill(taken, child, bundle, row, timed and not row.stand_in)
            except DeviceUnavailable as error:
                return dataclasses.replace(row, status="not_run", reason=str(error)), taken
            except ChildFailed as error:
                taken.stopped, taken.refused = str(error), isinstance(error, ChildRefused)
                return dataclasses.replace(row, status="fail", reason=str(error)), taken
            except KeyboardInterrupt:
                self.interrupted = taken.interrupted = True
                reason = f"{INTERRUPTED} after {len(taken.depths)} of {len(self.frames)} frames"
                return dataclasses.replace(row, status="not_run", reason=reason), taken
        return row, taken

    def _fill(self, taken: Taken, child: Child, bundle: Bundle, row: Row, timed: bool) -> None:
        sample, _ = bundle.sample()
        taken.sample, first = child.ask("run", sample, seconds=RUN_SECONDS)
        size, encoded = bundle.manifest.size, None
        for index, frame in self.frames:
            depth, _ = child.ask("run", resize_image(frame.image, size), seconds=RUN_SECONDS)
            taken.depths[index] = depth
            if frame.valid.any():
                taken.metrics[index] = frame_metrics(depth, frame)
            encoded = frame.image if encoded is None else encoded
            self.step(row.runtime, len(taken.depths))
        if encoded is not None and timed:
            load = child.ready["load_ms"]
            taken.latency = measure_latency(child, load, first, encoded, len(taken.depths), self.effort, self.step)
        if timed:
            taken.peak_bytes = child.ask("memory", seconds=RUN_SECONDS)
        taken.placed = child.ask("placed", seconds=OPEN_SECONDS)

    def _judged(self, row: Row, taken: Taken, reference: Taken, base: Taken, bundle: Bundle) -> Row:
        common = sorted(taken.depths.keys() & reference.depths.keys())
        if common:
            differences = _differences(taken, reference)
        else:
            assert taken.sample is not None
            differences = compare([taken.sample], [bundle.sample()[1]])
        changed = _change(taken, base)
        limit = limit_for(row.precision, self.limits)
        status, reason = judge(limit, differences, changed, row.base)
        whole = row.base != TORCH and taken.depths.keys() <= base.depths.keys()
        if status == "undecided" and whole and limit.holds(*_differences(taken, base)):
            status, reason = "pass", None  # kernels round differently: few frames tell depth is the same, not AbsRel
        too_many, elsewhere = ran_elsewhere(limit, row.device, taken.placed)
        if elsewhere and status != "fail":
            status = "fail" if too_many else status
            reason = "; ".join(filter(None, (elsewhere, row.details.get("elsewhere"), None if too_many else reason)))
        if reference.stopped and status == "pass":
            status, reason = "fail", f"torch stopped after {len(common)} of these frames: {reference.stopped}"
        if taken.stopped:
            status, reason = "fail", f"{taken.stopped}, after {len(taken.depths)} of {len(self.frames)} frames"
        return dataclasses.replace(
            row,
            status=status,
            reason="; ".join(filter(None, (reason, None if common else GOLDEN))) or None,
            vs_torch=dict(zip(("max_rel", "mean_rel"), map(_finite, differences), strict=True)),
            change=changed,
        )

    def _broken_down(self, row: Row, taken: Taken, reference: Taken) -> Row:
        """The row with where it differs from torch, unless there is nothing to compare, or a person wants no more."""
        if not taken.depths.keys() & reference.depths.keys():
            return row
        try:
            return dataclasses.replace(row, breakdown=break_down(taken.depths, reference.depths, self.frames))
        except KeyboardInterrupt:
            self.interrupted = True
            return row


def artifact_row(bundle: Bundle, runtime: str, device: str) -> Row:
    """The row of a bundle on a device before anything was run."""
    manifest, info = bundle.manifest, runtime_named(runtime)
    return Row(
        runtime, info.target, device, manifest.precision.name, "not_run", NOT_YET,
        bundle=manifest.name, trained=manifest.checkpoint.trained, stand_in=info.proves or None,
    )  # fmt: skip


def torch_row(bundle: Bundle, device: str) -> Row:
    """The row of torch on the network of a bundle before anything was run."""
    record = bundle.manifest.checkpoint
    return Row(TORCH, "-", device, "fp32", "not_run", NOT_YET, bundle=record.source, trained=record.trained)


def network_key(bundle: Bundle, device: str) -> Hashable:
    """What bundles share that share one run of torch."""
    return bundle.manifest.checkpoint.sha256, bundle.manifest.size, device


def frame_metrics(depth: Depth, frame: Frame) -> Metrics:
    """The metrics of a depth [h,w] against a frame's ground truth, at the ground truth's size."""
    found = resize_depth(depth, (frame.depth.shape[0], frame.depth.shape[1]))
    return depth_metrics(found, frame.depth, frame.valid, frame.min_depth, frame.max_depth)


def measure(depths: Sequence[Depth], frames: Sequence[Frame]) -> dict[str, float | None] | None:
    """Mean metrics of depths [h,w] over those of the frames that have ground truth; none where none has."""
    scored = [frame_metrics(d, frame) for d, frame in zip(depths, frames, strict=True) if frame.valid.any()]
    return _means(scored)


def compare(depths: Sequence[Depth], reference: Sequence[Depth]) -> tuple[float, float]:
    """Largest and mean relative difference over every pixel of every frame; NaN where a depth is not a number."""
    pairs = [relative_difference(depth, expected) for depth, expected in zip(depths, reference, strict=True)]
    largest, mean = np.array(pairs, dtype=np.float64).T
    return float(largest.max()), float(mean.mean())


def _differences(taken: Taken, other: Taken) -> tuple[float, float]:
    """Largest and mean relative difference on the frames that both have."""
    common = sorted(taken.depths.keys() & other.depths.keys())
    return compare([taken.depths[i] for i in common], [other.depths[i] for i in common])


def _farthest(depths: Mapping[int, Depth], reference: Mapping[int, Depth]) -> dict[int, Depth]:
    """The depth that is on average farthest from the reference's of the same frame; none where they share none."""
    means = {i: relative_difference(depths[i], reference[i])[1] for i in sorted(depths.keys() & reference.keys())}
    worst = max(means, key=lambda i: np.nan_to_num(means[i], nan=math.inf), default=None)
    return {} if worst is None else {worst: depths[worst]}


def _change(taken: Taken, reference: Taken) -> Change | None:
    common = sorted(taken.metrics.keys() & reference.metrics.keys())
    if not common:
        return None
    return change([taken.metrics[i] for i in common], [reference.metrics[i] for i in common])


def _means(scored: Sequence[Metrics]) -> dict[str, float | None] | None:
    return {name: _finite(value) for name, value in mean_metrics(scored).items()} if scored else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
