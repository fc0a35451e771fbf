"""Results for eyes: progress while things run, one table at the end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from runtimes.formats import NONE, WHERE, number, where
from runtimes.results import Report

if TYPE_CHECKING:
    from runtimes.devices import Device
    from runtimes.explain import Walk
    from runtimes.predict import Prediction
    from runtimes.split import Stage

_STATUS = {
    "pass": "[green]pass[/]",
    "fail": "[bold red]FAIL[/]",
    "not_run": "[yellow]not run[/]",
    "undecided": "[bold yellow]undecided[/]",
}


@contextlib.contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[str, int], None]]:
    """Count frames on stderr; yields the function to call with what runs and how many frames it has done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("opening", total=total)
        yield lambda name, done: bar.update(task, description=name, completed=done)


def print_table(report: Report) -> None:
    """The rows, and below them why each that was not run or failed was not, and what else to know."""
    table = Table(title=f"Parity on {report.data}", title_justify="left")
    for name in ("runtime", "bundle", "device", "precision"):
        table.add_column(name, no_wrap=True)
    for name in ("AbsRel", "δ1", "bias", "AbsRel ratio, 95 %", "max rel", "mean rel", "p50 ms", "p99 ms", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in report.rows:
        metrics, torch, latency = row.metrics or {}, row.vs_torch or {}, row.latency
        table.add_row(
            row.runtime,
            row.bundle or "",
            row.device,
            row.precision,
            *(number(metrics.get(name), "{:.3f}") for name in ("abs_rel", "delta1", "scale_bias")),
            f"[{row.change.abs_rel.low:.4f}, {row.change.abs_rel.high:.4f}]" if row.change else NONE,
            *(number(torch.get(name), "{:.1e}") for name in ("max_rel", "mean_rel")),
            number(latency.p50 if latency else None, "{:.0f}"),
            number(latency.p99 if latency else None, "{:.0f}"),
            number(row.peak_bytes / 1e6 if row.peak_bytes else None, "{:.0f}"),
            _STATUS[row.status],
        )
    console = Console(width=max(170, Console().width))
    console.print(table)
    _print_where(report, console)
    for row in report.rows:
        for words in filter(None, (row.reason, row.stand_in)):
            console.print(f"{row.name}: {words}", highlight=False, markup=False)
    for name, reason in report.unread.items():
        console.print(f"{name} was not read: {reason}", highlight=False, markup=False)
    timed = [row.latency.runs for row in report.rows if row.latency]
    if timed:
        words = f"Percentiles are of {min(timed)} to {max(timed)} runs; --full takes 1024 and 60 s at least."
        console.print(words, highlight=False)
    for note in report.notes:
        console.print(f"[yellow]{escape(note)}[/]", highlight=False)


def _print_where(report: Report, console: Console) -> None:
    """Where the rows differ from torch that did not pass, which is where to look; nothing where all did."""
    rows = [row for row in report.rows if row.status in ("fail", "undecided") and row.breakdown]
    if not rows:
        return
    (first, *headings), *cells = where(rows)
    table = Table(title=WHERE, title_justify="left")
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in cells:
        table.add_row(*map(escape, row))
    console.print(table)


def print_split(stages: "Sequence[Stage]", title: str) -> None:
    """A row for each step from the network as trained to an artifact; below them why some were not run."""
    table = Table(title=f"Step by step to {title}: relative difference of depth", title_justify="left")
    table.add_column("step", no_wrap=True)
    table.add_column("run", overflow="fold")
    for name in ("from torch,\nmean", "\nmax", "from before,\nmean", "\nmax"):
        table.add_column(name, justify="right", no_wrap=True)
    largest = max((one for one in stages if one.from_before), key=_mean_before, default=None)
    for one in stages:
        found = [
            number(value, "{:.1e}")
            for pair in (one.from_torch, one.from_before)
            for value in ((pair.mean_rel, pair.max_rel) if pair else (None, None))
        ]
        style = "bold" if one is largest else ""
        table.add_row(one.step, escape(one.bundle or one.recorded or "not run"), *found, style=style)
    console = Console(width=max(120, Console().width))
    console.print(table)
    if largest is not None:
        console.print(f"The largest step is that to {largest.step}.", highlight=False)
    for one in stages:
        if one.reason:
            console.print(f"{one.step} was not run: {one.reason}", highlight=False, markup=False)


def _mean_before(stage: "Stage") -> float:
    return -1.0 if stage.from_before is None else stage.from_before.mean_rel


WORST = 12


def print_walk(walk: "Walk", name: str, reference: str) -> None:
    """The modules with the largest errors of their own, in the order of computation, and the first that stands out."""
    table = Table(title=f"{name}, walked beside {reference}", title_justify="left")
    for heading in ("module", "tensor"):
        table.add_column(heading, overflow="fold")
    for heading in ("own error", "with all before"):
        table.add_column(heading, justify="right", no_wrap=True)
    worst = sorted(walk.steps, key=lambda one: one.own, reverse=True)[:WORST]
    for one in walk.steps:
        if one in worst or one == walk.first or one == walk.steps[-1]:
            style = "bold red" if one == walk.first else ""
            cells = one.module, one.tensor.rpartition("/")[2], f"{one.own:.1e}", f"{one.propagated:.1e}"
            table.add_row(*cells, style=style)
    console = Console(width=max(120, Console().width))
    console.print(table)
    found = "No module stands out." if walk.first is None else f"The first that stands out: {walk.first.module}."
    console.print(
        f"{found} Errors are RMS over RMS of the reference's tensor; a module's own is found with the reference's "
        f"inputs. {len(walk.steps)} tensors were walked; {len(walk.missing)} are fused away or lie otherwise.",
        highlight=False,
    )


def print_devices(found: "Sequence[Device]") -> None:
    """A row for each runtime × device: its name there, or why it is absent."""
    table = Table()
    for name in ("runtime", "device", "", "name there, or why it is absent"):
        table.add_column(name, overflow="fold")
    for one in found:
        mark = "[green]found[/]" if one.name else "[yellow]absent[/]"
        table.add_row(one.runtime, one.device, mark, escape(one.name or one.reason or ""))
    Console(width=max(120, Console().width)).print(table)


def print_predictions(made: "Sequence[Prediction]", title: str, notes: Sequence[str]) -> None:
    """A row for each image; below them what to know of single images, and of all."""
    table = Table(title=escape(title), title_justify="left")
    table.add_column("image", overflow="fold")
    for name in ("size", "min m", "median m", "max m", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("files", overflow="fold")
    for one in made:
        metres = (number(value, "{:.2f}") for value in (one.min_m, one.median_m, one.max_m))
        files = "\n".join(Path(file).name for file in one.files.values())
        size = f"{one.size[0]}x{one.size[1]}"
        table.add_row(escape(Path(one.image).name), size, *metres, f"{one.milliseconds:.0f}", escape(files))
    console = Console(width=max(100, Console().width))
    console.print(table)
    for one in made:
        for note in one.notes:
            console.print(f"{one.image}: {note}", highlight=False, markup=False)
    for note in notes:
        console.print(note, style="yellow", highlight=False, markup=False)
