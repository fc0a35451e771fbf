"""A report as tables: for the terminal by rich, for the docs as Markdown; the same cells in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable

from export.bench.ratios import NAIVE, ratio, share_of_peak
from export.bench.results import Report, Row

NONE = "–"
# What each network's times are held against.
EAGER = {"wedepth": "torch-eager", "dav2": "torch-dav2"}


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a heading, and rows of cells; the first `texts` columns are text, the others numbers."""

    title: str
    heading: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    texts: int = 1

    def markdown(self) -> str:
        """As GitHub reads it."""
        aligned = [":--" if i < self.texts else "--:" for i in range(len(self.heading))]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.heading, aligned, *self.rows)]
        return f"### {self.title}\n\n" + "\n".join(lines) + "\n"

    def rich(self) -> RichTable:
        """As a terminal shows it."""
        table = RichTable(title=self.title, title_justify="left")
        for index, name in enumerate(self.heading):
            table.add_column(name, justify="left" if index < self.texts else "right", no_wrap=index == 0)
        for row in self.rows:
            table.add_row(*row)
        return table


def tables(report: Report) -> list[Table]:
    """All of a report that has something in it."""
    found = [times(report), costs(report), musts(report), missing(report)]
    return [table for table in found if table.rows]


def times(report: Report) -> Table:
    """What a run takes, by threads, and what that is of torch's and of the naive road's."""
    threads = _threads(report)
    heading = ["contender"]
    for count in threads:
        unit = f"{count} thread{'s' * (count != '1')}"
        heading += [f"ms, {unit}", "quartiles", "CPU ms", "of peak"]
    last = threads[-1] if threads else ""
    heading += [f"torch eager ÷ ({last})", f"naive ÷ ({last})", "max rel.", "mean rel."]
    rows = []
    for row in _measured(report):
        cells = [row.name if row.agrees is not False else f"{row.name} (disagrees)"]
        for count in threads:
            cells += _time_cells(report, row, count)
        naive = next((n for n in NAIVE.get(row.runtime, ()) if (r := report.row(n)) and r.wall(last)), "")
        cells += [_ratio(report, EAGER[row.network], row.name, last)]
        cells += [_ratio(report, naive, row.name, last) if row.road == "ours" and naive else NONE]
        cells += [NONE if v is None else f"{v:.1e}" for v in (row.max_rel, row.mean_rel)]
        rows.append(tuple(cells))
    return Table(f"Time of one image, {report.preset} at {_size(report)}", tuple(heading), rows)


def costs(report: Report) -> Table:
    """What comes before the first image, and what it takes of memory and disk."""
    heading = (
        "contender",
        "load s",
        "first run s",
        "peak MB",
        "file MB",
        "operators",
        "made in s",
        "making, peak MB",
        "",
    )
    rows = []
    for row in report.rows:
        if row.network == "matmul" or row.status == "not_run":
            continue
        timing = next(iter(reversed(row.timings.values())), None)
        made = row.made
        rows.append(
            (
                row.name,
                f"{timing.load:.2f}" if timing else NONE,
                f"{timing.first:.2f}" if timing else NONE,
                f"{timing.peak_bytes / 1e6:.0f}" if timing else NONE,
                f"{made.bytes / 1e6:.1f}" if made else NONE,
                str(made.ops) if made and made.ops is not None else NONE,
                f"{row.made_with:.0f}" if made else NONE,
                f"{made.peak_bytes / 1e6:.0f}" if made else NONE,
                "; ".join(filter(None, (row.note, row.reason))),
            )
        )
    return Table(f"Loading, memory and files, {report.preset} at {_size(report)}", heading, rows)


def musts(report: Report) -> Table:
    """What has to hold, met or not met, with the figure."""
    rows = []
    for must in report.musts:
        figure = must["figure"]
        words = NONE if figure is None else f"{figure:.0%}" if must["unit"] == "share" else f"{figure:.2f}×"
        rows.append((must["must"], must["threads"], must["limit"], words, must["verdict"], must["why"]))
    return Table("What has to hold", ("ratio", "threads", "limit", "measured", "", "remark"), rows, texts=6)


def missing(report: Report) -> Table:
    """What was not run, and why."""
    rows = [(row.name, row.reason) for row in report.rows if row.status == "not_run"]
    return Table("Not run", ("contender", "reason"), rows, texts=2)


def head(report: Report) -> list[str]:
    """What the tables are about: network, machine, peak; one sentence a line."""
    machine, weights = report.machine, report.weights
    macs = report.macs.get("wedepth")
    lines = [
        f"`{report.preset}` at {_size(report)}, {weights['parameters'] / 1e6:.1f} M parameters"
        + (f", {macs / 1e9:.2f} G multiply-accumulates an image as prepared" if macs else "")
        + f". Weights: {weights['weights']}; VFM: {weights['vfm']}.",
        f"{machine['cpu']}, {machine['cores']} cores ({machine['instructions']}); "
        + ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        + f"; Python {machine['python']}.",
    ]
    for threads, peak in sorted(report.peak.items()):
        lines.append(f"Matmul peak at {threads} threads: {peak['flops'] / 1e9:.0f} GFLOP/s ({peak['by']}).")
    lines.append(f"Load average at the start {machine['load']}.")
    if machine["busy"]:
        lines.append(f"Beside other work: {', '.join(machine['busy'][:3])} of a core. Trust ratios, not times.")
    if report.interrupted:
        lines.append("Interrupted: what had been measured until then.")
    return lines


EXPLAINED = (
    "Medians of wall time and of the whole process's CPU time; in each round every contender has its turn, in an order "
    "drawn anew, each in a process of its own. *torch eager ÷* and *naive ÷*: how many times quicker than those. "
    "*of peak*: multiply-accumulates of our prepared graph, for every contender of a network, against the best fp32 "
    "matrix product that torch, ONNX Runtime or OpenVINO reached in the same run. Differences are from torch eager, on "
    "one drawn room. *peak MB* is the process's, with its runtime's libraries."
)


def markdown(report: Report) -> str:
    """The report as a file of the docs."""
    parts = [f"# Benchmark: {report.preset}", *head(report), EXPLAINED, *(t.markdown() for t in tables(report))]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def show(report: Report, console: Console) -> None:
    """The report in the terminal."""
    for line in head(report):
        console.print(line.replace("`", ""), highlight=False)
    for table in tables(report):
        console.print(table.rich())


def _time_cells(report: Report, row: Row, threads: str) -> list[str]:
    timing = row.timings.get(threads)
    if timing is None:
        return [NONE] * 4
    wall, cpu = timing.wall, timing.cpu
    share = share_of_peak(report, row, threads)
    quartiles = f"{_ms(wall.p25)}–{_ms(wall.p75)}"
    return [_ms(wall.median), quartiles, _ms(cpu.median), NONE if share is None else f"{share:.0%}"]


def _ms(seconds: float) -> str:
    milliseconds = 1000 * seconds
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"


def _ratio(report: Report, over: str, under: str, threads: str) -> str:
    figure, _ = ratio(report, over, under, threads)
    return NONE if figure is None else f"{figure:.2f}×"


def _measured(report: Report) -> list[Row]:
    return [row for row in report.rows if row.network != "matmul" and row.timings]


def _threads(report: Report) -> list[str]:
    return sorted({count for row in report.rows for count in row.timings}, key=int)


def _size(report: Report) -> str:
    return f"{report.size[0]}×{report.size[1]}"
