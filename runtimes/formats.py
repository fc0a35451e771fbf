"""A report as other programs read it: JUnit XML for continuous integration, Markdown for pull requests."""

from collections.abc import Collection, Sequence
from xml.etree import ElementTree

from runtimes.change import Interval
from runtimes.gate import is_allowed, refusals
from runtimes.results import Part, Report, Row

_MARKS = {"pass": "✅ pass", "fail": "❌ **fail**", "undecided": "❓ undecided", "not_run": "⚪ not run"}
_COLUMNS = (
    "", "runtime", "precision", "device", "AbsRel", "δ1", "AbsRel ratio", "δ1 ratio", "max rel.", "mean rel.",
    "p50 ms",
)  # fmt: skip
NONE = "–"
WHERE = (
    "Where: mean relative difference from torch by torch's depth and at depth edges (of how many pixels); below it, "
    "AbsRel as a multiple of torch's. Scale bias is the mean of log(depth / torch's)."
)


def to_junit(report: Report, allowed: Collection[str]) -> str:
    """A test case for each row and unread frame. What does not tell fails; what was not run is skipped if allowed."""
    suite = ElementTree.Element("testsuite", name="wedepth-parity", timestamp=report.started)
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for row in report.rows:
        case = ElementTree.SubElement(suite, "testcase", classname=row.bundle or row.target, name=row.name)
        counts["tests"] += 1
        if row.latency is not None:
            case.set("time", f"{row.latency.seconds:.3f}")
        if row.status in ("fail", "undecided"):
            counts["failures"] += 1
            ElementTree.SubElement(case, "failure", message=row.reason or "", type=row.status)
        elif row.status == "not_run" and is_allowed(row, allowed):
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=row.reason or "")
        elif row.status == "not_run":
            counts["errors"] += 1
            ElementTree.SubElement(case, "error", message=f"not run: {row.reason}", type="not_run")
    for name, reason in report.unread.items():
        case = ElementTree.SubElement(suite, "testcase", classname="frames", name=name)
        skipped = "frames" in allowed
        counts["tests"] += 1
        counts["skipped" if skipped else "errors"] += 1
        ElementTree.SubElement(case, "skipped" if skipped else "error", message=f"not read: {reason}")
    for name, count in counts.items():
        suite.set(name, str(count))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def to_markdown(report: Report, allowed: Collection[str]) -> str:
    """The verdict, a table, and what to know of single rows, for a comment on a pull request."""
    refused = refusals(report, allowed)
    lines = [
        f"### Parity: {'passed' if not refused else 'not passed'}",
        "",
        f"On {report.data}; differences are from torch, in unaligned metres.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"| {' | '.join(':--' if i < 4 else '--:' for i in range(len(_COLUMNS)))} |",
    ]
    lines += [f"| {' | '.join(_cells(row))} |" for row in report.rows]
    if refused:
        lines += ["", *(f"- {sentence}" for sentence in refused)]
    notes = [f"{row.name}: {row.reason}" for row in report.rows if row.reason]
    notes = [note for note in notes if not any(note in sentence for sentence in refused)]
    notes += [f"{row.name}: {row.stand_in}" for row in report.rows if row.stand_in]
    notes += report.notes
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    failed = [row for row in report.rows if row.status == "fail" and row.breakdown]
    if failed:
        columns, *rows = where(failed)
        lines += ["", WHERE, "", f"| {' | '.join(columns)} |", f"| :-- |{' --: |' * (len(columns) - 1)}"]
        lines += [f"| {' | '.join(cell.replace(chr(10), '<br>') for cell in cells)} |" for cells in rows]
    machine = report.machine
    lines += ["", f"<sub>{machine['cpu']}, {machine['cores']} cores, {machine['instructions']}.</sub>"]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    metrics, torch = row.metrics or {}, row.vs_torch or {}
    return [
        _MARKS[row.status],
        row.runtime,
        row.precision,
        row.device,
        number(metrics.get("abs_rel"), "{:.4f}"),
        number(metrics.get("delta1"), "{:.4f}"),
        interval(row.change.abs_rel if row.change else None),
        interval(row.change.delta1 if row.change else None),
        number(torch.get("max_rel"), "{:.1e}"),
        number(torch.get("mean_rel"), "{:.1e}"),
        number(row.latency.p50 if row.latency else None, "{:.0f}"),
    ]


def where(rows: Sequence[Row]) -> list[list[str]]:
    """Headings, then where each row that has a breakdown differs from torch; a cell has up to two lines."""
    found = [(row, row.breakdown) for row in rows if row.breakdown]
    names = [part.name for part in (*found[0][1].bands, *found[0][1].edges)]
    cells = [["", "scale bias", *names, "worst frame"]]
    for row, breakdown in found:
        parts = [*breakdown.bands, *breakdown.edges]
        pixels = sum(part.pixels for part in breakdown.edges)
        worst = breakdown.worst[0]
        bias = f"{breakdown.scale_bias:+.1e}"
        name = f"{row.name}\n{row.bundle or ''}"
        cells.append([name, bias, *(_part(part, pixels) for part in parts), f"{worst.name}\n{worst.mean_rel:.1e}"])
    return cells


def _part(part: Part, pixels: int) -> str:
    if not part.pixels:
        return NONE
    change = part.abs_rel / part.torch_abs_rel if part.abs_rel is not None and part.torch_abs_rel else None
    return f"{number(part.vs_torch, '{:.1e}')} ({part.pixels / pixels:.0%})\n{number(change, '×{:.3f}')}"


def number(value: float | None, form: str) -> str:
    """A number for a table, or a dash."""
    return NONE if value is None else form.format(value)


def interval(found: Interval | None) -> str:
    """A quotient and its 95 % interval."""
    return NONE if found is None else f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
