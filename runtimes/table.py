"""Results for eyes: progress while things run, one table at the end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from runtimes.bundle import Bundle
from runtimes.parity import Row

if TYPE_CHECKING:
    from runtimes.predict import Prediction

_STATUS = {"pass": "[green]pass[/]", "fail": "[bold red]FAIL[/]", "not_run": "[yellow]not run[/]"}


@contextlib.contextmanager
def progress(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Count frames on stderr; yields the function to call, with the runtime's name, after each. `total` is per row."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("opening", total=total)
        seen = 0

        def step(name: str) -> None:
            nonlocal seen
            seen += 1
            done = (seen - 1) % total + 1
            bar.update(task, description=name, completed=done)

        yield step


def print_table(rows: Sequence[Row], title: str, bundles: Sequence[Bundle]) -> None:
    """The rows, and below them why each that was not run or failed was not."""
    table = Table(title=title, title_justify="left")
    for name in ("runtime", "bundle", "device", "precision"):
        table.add_column(name, no_wrap=True)
    for name in ("AbsRel", "RMSE", "δ1", "bias", "max rel", "mean rel", "p50 ms", "p90 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in rows:
        metrics, torch, latency = row.metrics or {}, row.vs_torch or {}, row.latency_ms or {}
        table.add_row(
            row.runtime,
            row.bundle or "",
            row.device,
            row.precision,
            *(_number(metrics.get(name), "{:.3f}") for name in ("abs_rel", "rmse", "delta1", "scale_bias")),
            *(_number(torch.get(name), "{:.1e}") for name in ("max_rel", "mean_rel")),
            *(_number(latency.get(name), "{:.0f}") for name in ("p50", "p90")),
            _STATUS[row.status],
        )
    console = Console(width=max(150, Console().width))
    console.print(table)
    for row in rows:
        if row.reason:
            console.print(f"{row.runtime} {row.precision}: {row.reason}", highlight=False, markup=False)
    for words in dict.fromkeys(_untrained(bundle) for bundle in bundles):
        if words:
            console.print(f"[yellow]{words}[/]", highlight=False)


def print_predictions(made: "Sequence[Prediction]", title: str, notes: Sequence[str]) -> None:
    """A row for each image; below them what to know of single images, and of all."""
    table = Table(title=escape(title), title_justify="left")
    table.add_column("image", overflow="fold")
    for name in ("size", "min m", "median m", "max m", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("files", overflow="fold")
    for one in made:
        metres = (_number(value, "{:.2f}") for value in (one.min_m, one.median_m, one.max_m))
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


def _untrained(bundle: Bundle) -> str:
    record = bundle.manifest.checkpoint
    if record.trained:
        return ""
    return f"{record} Its depth metrics say nothing of WEDepth; the differences from torch do."


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
