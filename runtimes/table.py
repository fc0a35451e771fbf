"""Results for eyes: progress while things run, one table at the end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from runtimes.bundle import Bundle
from runtimes.parity import Row

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


def _untrained(bundle: Bundle) -> str:
    record = bundle.manifest.checkpoint
    if record.trained:
        return ""
    return (
        f"{record.source}: {record.weights}; VFM: {record.vfm}. Its depth metrics say nothing of WEDepth; "
        "the differences from torch do."
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
