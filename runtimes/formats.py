"""A report as other programs read it: JUnit XML for continuous integration, Markdown for pull requests."""

from collections.abc import Collection
from xml.etree import ElementTree

from runtimes.change import Interval
from runtimes.gate import is_allowed, refusals
from runtimes.results import Report, Row

_MARKS = {"pass": "✅ pass", "fail": "❌ **fail**", "undecided": "❓ undecided", "not_run": "⚪ not run"}
_COLUMNS = (
    "", "runtime", "precision", "device", "AbsRel", "δ1", "AbsRel ÷ torch's", "δ1 ÷ torch's", "max rel.", "mean rel.",
    "p50 ms",
)  # fmt: skip
NONE = "–"


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


def number(value: float | None, form: str) -> str:
    """A number for a table, or a dash."""
    return NONE if value is None else form.format(value)


def interval(found: Interval | None) -> str:
    """A quotient and its 95 % interval."""
    return NONE if found is None else f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
