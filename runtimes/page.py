"""A report as one HTML page, for people: nothing is fetched from anywhere, so it can be kept and sent as a file."""

import functools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from runtimes.change import Interval
from runtimes.formats import NONE, number
from runtimes.gate import FRAMES, is_allowed, refusals
from runtimes.limits import Limit
from runtimes.panels import Panels
from runtimes.plots import change_of, change_plot, interval_of, is_stand_in, latency_plot, parts_plots
from runtimes.results import Origin, Report, Row

COLUMNS = (
    "Frames", "AbsRel", "δ1", "AbsRel's change", "δ1's change", "Max rel.", "Mean rel.", "p50 ms", "p99 ms", "MB",
)  # fmt: skip
CODES = frozenset({"Command", "Artifact's SHA-256", "Checkpoint's SHA-256", "VFM's SHA-256"})
"""Facts that are set in the fixed-width type."""
_MARKS = {"pass": "✓ pass", "fail": "✗ fail", "undecided": "? undecided", "not_run": "– not run"}
_INTERPRETED = (
    "A reference interpreter of the saved package: it proves the file's arithmetic, not Apple's GPU or Neural Engine, "
    "and no speed."
)
Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the page shows it: `cells` are (value, detail) by `COLUMNS`, `words` what there is to say of it."""

    status: str
    mark: str
    name: str
    bundle: str | None
    stand_in: bool
    untrained: bool
    cells: list[tuple[str, str]]
    words: list[str]


def to_html(report: Report, allowed: Collection[str], panels: Panels | None = None) -> str:
    """The page of a report, with pictures where there are `panels`; what was not run is let through if `allowed`."""
    plots = [latency_plot(report.rows), change_plot(report)]
    return _template().render(
        report=report,
        started=report.started.replace("T", " ").replace("+00:00", " UTC"),
        refused=refusals(report, allowed),
        let_through=_let_through(report, allowed),
        counts=_counts(report.rows),
        columns=COLUMNS,
        rows=[_line(row, allowed) for row in report.rows],
        panels=panels,
        plots=[plot for plot in plots if plot],
        parts=parts_plots(report.rows),
        made=_made(report),
        limits=_limits(report.limits),
        origin_facts=_origin_facts,
        codes=CODES,
        none_mark=NONE,
    )


@functools.cache
def _template() -> Template:
    loader = PackageLoader("runtimes")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")


def _let_through(report: Report, allowed: Collection[str]) -> list[str]:
    rows = [row for row in report.rows if row.status == "not_run" and is_allowed(row, allowed)]
    frames = report.unread if FRAMES in allowed else {}
    return [f"{row.name}: {row.reason}" for row in rows] + [f"{name}: {reason}" for name, reason in frames.items()]


def _counts(rows: Collection[Row]) -> str:
    words = {"pass": "passed", "fail": "failed", "undecided": "undecided", "not_run": "not run"}
    counts = {word: sum(row.status == status for row in rows) for status, word in words.items()}
    return f"Of {len(rows)} rows: {', '.join(f'{count} {word}' for word, count in counts.items() if count)}."


def _line(row: Row, allowed: Collection[str]) -> Line:
    metrics, torch, change, latency = row.metrics or {}, row.vs_torch or {}, row.change, row.latency
    let_through = row.status == "not_run" and is_allowed(row, allowed)
    stand_in = row.stand_in or (_INTERPRETED if is_stand_in(row) else None)
    placed = ", ".join(f"{count} on {device}" for device, count in (row.placed or {}).items())
    words = (row.reason, stand_in, f"Ops by device, as the runtime tells it: {placed}." if placed else None)
    return Line(
        row.status,
        _MARKS[row.status] + (", let through" if let_through else ""),
        row.name,
        row.bundle,
        stand_in is not None,
        row.trained is False,
        [
            (str(row.frames) if row.frames else NONE, ""),
            (number(metrics.get("abs_rel"), "{:.4f}"), ""),
            (number(metrics.get("delta1"), "{:.4f}"), ""),
            _interval(change.abs_rel if change else None),
            _interval(change.delta1 if change else None),
            (number(torch.get("max_rel"), "{:.1e}"), ""),
            (number(torch.get("mean_rel"), "{:.1e}"), ""),
            (number(latency.p50 if latency else None, "{:.1f}"), ""),
            (number(latency.p99 if latency else None, "{:.1f}"), ""),
            (number(row.peak_bytes / 1e6 if row.peak_bytes else None, "{:.0f}"), ""),
        ],
        [word for word in words if word],
    )


def _interval(found: Interval | None) -> tuple[str, str]:
    if found is None:
        return NONE, ""
    return change_of(found), interval_of(found)


def _made(report: Report) -> Facts:
    machine = report.machine
    threads = sorted({row.threads for row in report.rows if row.threads})
    timed = [row.latency for row in report.rows if row.latency]
    facts = [
        ("Command", report.command),
        ("Started", report.started),
        ("Frames", report.data),
        ("Processor", f"{machine['cpu']}, {machine['cores']} cores, {machine['instructions']}"),
        ("Clock's governor", machine["governor"]),
        ("System", f"{machine['system']}, Python {machine['python']}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items())),
        ("Threads", ", ".join(map(str, threads)) if threads else "each runtime's own choice"),
    ]
    if timed:
        runs = sorted({latency.runs for latency in timed})
        many = f"{runs[0]} runs" if len(runs) == 1 else f"{runs[0]} to {runs[-1]} runs"
        facts.append(("Timed", f"{many} of each, after as many as there are frames"))
    return [(name, value) for name, value in facts if value]


def _limits(limits: Mapping[str, Limit]) -> Facts:
    return [(precision, _limit(limit)) for precision, limit in limits.items()]


def _limit(limit: Limit) -> str:
    bounds = (
        str(limit),
        f"AbsRel ≤ {limit.abs_rel:g} of torch's" if math.isfinite(limit.abs_rel) else "",
        f"δ1 ≥ {limit.delta1:g} of torch's" if math.isfinite(limit.delta1) else "",
        f"{100 * limit.elsewhere:g} % of ops elsewhere at most" if limit.elsewhere else "no op elsewhere",
    )
    return "; ".join(bound for bound in bounds if bound)


def _origin_facts(origin: Origin) -> Facts:
    return [
        ("Artifact", f"{origin.artifact}, {origin.bytes / 1e6:.1f} MB"),
        ("Artifact's SHA-256", origin.sha256),
        ("Checkpoint", f"{origin.checkpoint}: {origin.weights}"),
        ("Checkpoint's SHA-256", origin.checkpoint_sha256),
        ("VFM", origin.vfm),
        ("VFM's SHA-256", origin.vfm_sha256),
        ("Exported with", ", ".join(f"{name} {version}" for name, version in origin.versions.items())),
    ]
