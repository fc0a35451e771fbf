"""One preset at one size: everything made, then measured in turns at each number of threads."""

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from export.bench import matmul
from export.bench.artifacts import Workshop
from export.bench.contenders import HUB, NETWORK, Contender
from export.bench.machine import describe
from export.bench.results import Made, Report, Row, Spread, Timing
from export.bench.rounds import LEAST, Effort, Times, take_turns
from export.bench.worker import Opening
from export.bench.workers import Worker
from runtimes.limits import limit_for
from runtimes.memory import available_bytes
from runtimes.process import ChildFailed

# Of what the workers of a family took on average, what the next ones may take at most, while they load.
ROOM_FOR_NEXT = 1.3


class Progress(Protocol):
    """Who is told what happens."""

    def step(self, words: str) -> None:
        """Something else is done from now on."""

    def expect(self, seconds: float, visits: int) -> None:
        """The rounds that begin take about so long."""

    def visit(self, name: str) -> None:
        """A contender had its turn."""


@dataclass(slots=True)
class Bench:
    """What one run is asked for."""

    workshop: Workshop
    contenders: Sequence[Contender]
    threads: Sequence[int]
    effort: Effort
    progress: Progress
    keep: Callable[[Report], None] = lambda report: None
    """Called with what there is whenever there is more."""
    shuffle: random.Random = field(default_factory=random.Random)


def run(bench: Bench) -> Report:
    """Make and measure. Ctrl-C ends it with what was measured so far, `interrupted` in the report."""
    report = begin(bench)
    try:
        _make(bench, report)
        _measure(bench, report)
    except KeyboardInterrupt:
        report.interrupted = True
    _conclude(report)
    bench.keep(report)
    return report


def begin(bench: Bench) -> Report:
    """A report with nothing measured. Raises WedepthError where the network itself cannot be loaded."""
    shop = bench.workshop
    bench.progress.step("loading the network, drawing a room")
    network = shop.begin()
    rows = [Row(c.name, c.runtime, c.road, c.precision, c.network, note=c.note) for c in bench.contenders]
    for row in rows:
        row.reason = "the run was interrupted before its turn"
    return Report(shop.preset, shop.size, describe(), network.facts, {}, rows)


def _make(bench: Bench, report: Report) -> None:
    shop = bench.workshop
    for contender, row in zip(bench.contenders, report.rows, strict=True):
        if not contender.artifact:
            continue
        first = report.row(contender.instead_of) if contender.instead_of else None
        if first and first.made and not first.made.reason:
            row.reason = f"not needed: {first.name}, the documented call, works"
            row.made = Made(row.reason)
            continue
        row.made = shop.ensure(contender.artifact)
        if row.made.reason:
            row.reason = row.made.reason
            continue
        row.made_with = shop.seconds(contender.artifact)
        notes = [row.note, row.made.facts.get("note", "")]
        if contender.road == "ours" and contender.precision == "int8":
            notes.append(shop.ensure("ranges").facts.get("note", ""))
        row.note = "; ".join(note for note in notes if note)
        if not contender.opener:
            row.status, row.reason = "made", "made, not timed: Core ML runs on Apple's systems only"
        if "macs" in row.made.facts and contender.network == "dav2":
            report.macs["dav2"] = row.made.facts["macs"]
    if (hub := shop.ensure(HUB)) and not hub.reason:
        report.macs["wedepth"] = hub.facts["macs"]
    bench.keep(report)


def _measure(bench: Bench, report: Report) -> None:
    ready = [
        c for c, row in zip(bench.contenders, report.rows, strict=True)
        if c.opener and not (row.made and row.made.reason)
    ]  # fmt: skip
    depths: dict[str, Any] = {}
    for threads in bench.threads:
        first, *families = _families(ready)
        number = 0
        while families or number == 0:
            number += 1
            with ExitStack() as stack:
                # Torch eager and the matmuls take part in the first group, torch eager in every other as well.
                opened = _open(bench, report, stack, first if number == 1 else first[:1], threads, depths)
                largest = 0.0
                while families and largest * len(families[0]) * ROOM_FOR_NEXT < available_bytes():
                    before, family = available_bytes(), families.pop(0)
                    opened += _open(bench, report, stack, family, threads, depths)
                    largest = max(largest, (before - available_bytes()) / len(family))
                    if bench.workshop.preset == "paper":
                        break
                _turns(bench, report, opened, threads, number)
            bench.keep(report)


def _families(contenders: Sequence[Contender]) -> list[list[Contender]]:
    """Those that all are held against, then the others by runtime: a naive road and ours are always together."""
    first = [c for c in contenders if c.network == "matmul" or c.name == "torch-eager"]
    first.sort(key=lambda c: c.name != "torch-eager")
    others: dict[str, list[Contender]] = {}
    for contender in contenders:
        if contender not in first:
            others.setdefault(contender.runtime, []).append(contender)
    return [first, *others.values()]


def _open(
    bench: Bench,
    report: Report,
    stack: ExitStack,
    contenders: Sequence[Contender],
    threads: int,
    depths: dict[str, Any],
) -> list[Worker]:
    shop, opened = bench.workshop, []
    for contender in contenders:
        bench.progress.step(f"opening {contender.name}, {threads} threads")
        row = report.row(contender.name)
        assert row is not None
        artifact = str(shop.path(contender.artifact)) if contender.artifact else ""
        opening = Opening(contender.name, artifact, shop.preset, shop.vfm, str(shop.path(NETWORK)), threads)
        try:
            worker = Worker(opening, shop.folder / f"{contender.name}.log")
        except ChildFailed as failure:
            row.status, row.reason = "not_run", str(failure)
            continue
        stack.callback(worker.close)
        opened.append(worker)
        depths.setdefault(contender.name, worker.depth)
        _compare(row, worker.depth, depths.get(contender.reference))
    return opened


def _compare(row: Row, depth: Any, expected: Any) -> None:
    """Relative difference from the reference's depth; it is a fast wrong answer that is worth nothing."""
    if depth is None or expected is None:
        return
    depth, expected = depth.reshape(-1), expected.reshape(-1)
    if depth.shape != expected.shape:
        row.agrees = False
        return
    # A relative depth (Depth Anything's) may be zero somewhere: its own scale is what it is measured by.
    scale = expected if row.network == "wedepth" else np.abs(expected).mean()
    difference = np.abs((depth - expected) / scale)
    row.max_rel, row.mean_rel = float(difference.max()), float(difference.mean())
    row.agrees = limit_for(row.precision).holds(row.max_rel, row.mean_rel)


def _turns(bench: Bench, report: Report, workers: Sequence[Worker], threads: int, group: int) -> None:
    effort = bench.effort
    expected = sum(min(max(effort.seconds, LEAST * w.warm), effort.runs * w.warm) for w in workers)
    visits = sum(min(effort.runs, max(LEAST, int(effort.seconds / w.warm))) for w in workers)
    bench.progress.expect(expected, visits // effort.at_once)
    times: dict[str, Times] = {}
    try:
        take_turns(workers, effort, times, bench.shuffle, bench.progress.visit)
    finally:
        for worker in workers:
            _record(report, worker, times.get(worker.name, Times()), str(threads), group)


def _record(report: Report, worker: Worker, times: Times, threads: str, group: int) -> None:
    row = report.row(worker.name)
    assert row is not None
    if times.failed:
        row.reason = f"failed at {threads} threads after {len(times.wall)} runs: {times.failed}"
        row.status = "not_run" if not row.timings else row.status
        return
    if not times.wall or threads in row.timings:
        return
    try:
        peak = worker.peak_bytes()
    except ChildFailed:
        peak = 0
    wall, cpu = Spread.of(times.wall), Spread.of(times.cpu)
    row.timings[threads] = Timing(wall, cpu, len(times.wall), worker.load, worker.first, peak, group)
    row.status, row.reason = "measured", ""


def _conclude(report: Report) -> None:
    from export.bench.ratios import judge

    for threads in sorted({t for row in report.rows for t in row.timings}):
        rates = {
            row.name: 2 * matmul.macs_of(row.name) / row.timings[threads].wall.median
            for row in report.rows
            if row.network == "matmul" and threads in row.timings
        }
        if rates:
            best = max(rates, key=lambda name: rates[name])
            report.peak[threads] = {"flops": rates[best], "by": best}
    report.musts = judge(report)
