"""The plots of a report as data: lines with marks at per cents of the width, which the page draws as inline SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from runtimes.change import Interval
from runtimes.registry import TORCH
from runtimes.results import Breakdown, Part, Report, Row
from wedepth.picture import scale_marks

Kind = Literal["bar", "whisker", "tick", "dot", "limit", "zero"]
LEAST = 1e-7
"""Relative differences below this are drawn at the left edge of a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something drawn from `start` to `end`, in per cent of the width; of a dot or tick the two are the same."""

    kind: Kind
    start: float
    end: float

    @property
    def width(self) -> float:
        """Per cent of the plot's width."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name, its numbers in words, and its marks."""

    name: str
    words: str
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one axis, whose ticks are labels at per cents of the width; `legend` says what the marks are."""

    title: str
    legend: str
    ticks: list[tuple[float, str]]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)


def latency_plot(rows: Sequence[Row]) -> Plot | None:
    """A bar to p50 with whiskers to p90 and p99, for each row that was timed on what it would ship on."""
    timed = [(row, row.latency) for row in rows if row.latency and not is_stand_in(row)]
    if not timed:
        return None
    most = 1.04 * max(latency.p99 for _, latency in timed)
    lines = [
        Line(
            row.name,
            f"p50 {latency.p50:.1f}, p90 {latency.p90:.1f}, p99 {latency.p99:.1f} ms of {latency.runs} runs",
            [
                Mark("bar", 0, 100 * latency.p50 / most),
                Mark("whisker", 100 * latency.p50 / most, 100 * latency.p99 / most),
                *(Mark("tick", 100 * v / most, 100 * v / most) for v in (latency.p90, latency.p99)),
            ],
        )
        for row, latency in timed
    ]
    notes = [f"{row.name} is left out: a stand-in, whose time says nothing." for row in rows if _untimed(row)]
    ticks = _ticks(0, most, "ms")
    return Plot("Latency", "Bar: p50. Whisker: up to p99, with a tick at p90. Milliseconds a run.", ticks, lines, notes)


def change_plot(report: Report) -> Plot | None:
    """AbsRel of each artifact against torch's, in per cent, with its 95 % interval and its limit."""
    changed = [(row, row.change.abs_rel) for row in report.rows if row.change]
    if not changed:
        return None
    limits = {name: 100 * (limit.abs_rel - 1) for name, limit in report.limits.items()}
    ends = [limits.get(row.precision, math.inf) for row, _ in changed]
    ends += [100 * (value - 1) for _, one in changed for value in (one.low, one.value, one.high)]
    ends = [value for value in ends if math.isfinite(value)] or [1.0]
    low, high = min(0.0, *ends), max(0.0, *ends)
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return min(100.0, max(0.0, 100 * (value - low) / (high - low)))

    lines = []
    for row, one in changed:
        marks = [Mark("zero", place(0), place(0))]
        limit = limits.get(row.precision, math.inf)
        if math.isfinite(limit):
            marks.append(Mark("limit", place(limit), place(limit)))
        start, end = (place(100 * (bound - 1)) for bound in (one.low, one.high))
        marks.append(Mark("whisker", start, end))
        if math.isfinite(one.value):
            middle = place(100 * (one.value - 1))
            marks.append(Mark("dot", middle, middle))
        bound = f"limit {limit:+.3g} %" if math.isfinite(limit) else "no limit"
        base = f" against {row.base}'s" if row.base != TORCH else ""
        lines.append(Line(row.name, f"{change_of(one)}{base} ({interval_of(one)}); {bound}", marks))
    legend = "Dot: AbsRel against torch's where nothing else is said. "
    legend += "Line: its 95 % interval, which has to end before the limit (red)."
    return Plot("Change in AbsRel", legend, _ticks(low, high, "%", sign="+"), lines)


def parts_plots(rows: Sequence[Row]) -> list[Plot]:
    """Where each artifact differs from torch, by bands of depth and at depth edges: all on one logarithmic axis."""
    broken_down = [(row.name, row.breakdown) for row in rows if row.breakdown]
    known = [part.vs_torch for _, one in broken_down for part in (*one.bands, *one.edges) if part.vs_torch]
    if not known:
        return []
    low = math.floor(math.log10(max(LEAST, min(known))))
    high = max(low + 1, math.ceil(math.log10(max(LEAST, *known))))
    return [_parts_plot(name, breakdown, low, high) for name, breakdown in broken_down]


def _parts_plot(name: str, breakdown: Breakdown, low: int, high: int) -> Plot:
    parts = [part for part in (*breakdown.bands, *breakdown.edges) if part.pixels]
    ticks = [(100 * (power - low) / (high - low), f"{100 * 10.0**power:.3g} %") for power in range(low, high + 1, 2)]
    notes = [
        f"Farthest from torch: {one.name} ({one.mean_rel:.1e} on average, {one.max_rel:.1e} at most)."
        for one in breakdown.worst[:1]
    ]
    notes.append(f"Scale bias against torch: {breakdown.scale_bias:+.1e} (mean of log of the quotient).")
    return Plot(
        name,
        "Dot: mean relative difference from torch in that part of all frames; the axis counts in powers of ten.",
        ticks,
        [Line(part.name, _part_words(part), _part_marks(part, low, high)) for part in parts],
        notes,
    )


def change_of(found: Interval) -> str:
    """What a quotient changes, in per cent."""
    return f"{100 * (found.value - 1):+.2g} %" if math.isfinite(found.value) else "not a number"


def interval_of(found: Interval) -> str:
    """The 95 % interval of a quotient's change, in per cent."""
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "no interval: one frame"
    return f"{100 * (found.low - 1):+.2g} to {100 * (found.high - 1):+.2g} %"


def is_stand_in(row: Row) -> bool:
    """Whether something else ran in the place of what the artifact is made for."""
    return bool(row.stand_in) or row.runtime.endswith("-reference")


def _untimed(row: Row) -> bool:
    return row.latency is not None and is_stand_in(row)


def _part_marks(part: Part, low: float, high: float) -> list[Mark]:
    if not part.vs_torch:
        return []
    place = 100 * (math.log10(max(LEAST, part.vs_torch)) - low) / (high - low)
    return [Mark("whisker", 0, place), Mark("dot", place, place)]


def _part_words(part: Part) -> str:
    words = "not a number" if part.vs_torch is None else f"{part.vs_torch:.1e}"
    if part.abs_rel is not None and part.torch_abs_rel is not None:
        words += f"; AbsRel {part.abs_rel:.4f}, torch's {part.torch_abs_rel:.4f}"
    return f"{words}; {part.pixels} pixels"


def _ticks(low: float, high: float, unit: str, sign: str = "") -> list[tuple[float, str]]:
    """About four round values; the labels have their unit."""
    marks = (round(value, 12) + 0.0 for value in scale_marks(low, high, most=4))
    return [(100 * (value - low) / (high - low), f"{value:{sign if value else ''}g} {unit}") for value in marks]
