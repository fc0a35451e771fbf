"""What an export says while it works, and what it shows at the end."""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from export.embed import Embedded
    from export.pipeline import Exported
    from wedepth.network import Provenance


@contextlib.contextmanager
def steps(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the step at work and its time on stderr; yields the function to call with each step's words.

    Where stderr is no terminal, each step is a line, with the time since the start, when it begins: a log of a long
    run shows where it is.
    """
    console = Console(stderr=True)
    if quiet:
        yield lambda words: None
    elif console.is_terminal:
        with _shown(console) as step:
            yield step
    else:
        yield _printed()


def _printed() -> Callable[[str], None]:
    start, last = time.monotonic(), ""

    def step(words: str) -> None:
        nonlocal last
        kind = _kind(words)
        if kind != last:
            minutes, seconds = divmod(round(time.monotonic() - start), 60)
            print(f"{minutes}:{seconds:02} {words}", file=sys.stderr, flush=True)
        last = kind

    return step


@contextlib.contextmanager
def _shown(console: Console) -> Iterator[Callable[[str], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks: list[TaskID] = []
        last = ""

        def step(words: str) -> None:
            nonlocal last
            kind = _kind(words)
            if tasks and kind == last:  # the same step, further on
                bar.update(tasks[-1], description=words)
                return
            last = kind
            if tasks:
                bar.update(tasks[-1], total=1, completed=1)
            tasks.append(bar.add_task(words, total=None))

        yield step
        if tasks:
            bar.update(tasks[-1], total=1, completed=1)


def _kind(words: str) -> str:
    """A step's words without how far it is, "3 of 64": the same for one step all along."""
    return re.sub(r"\d+ of \d+.*", "", words)


def print_table(made: "Sequence[Exported]", provenance: "Provenance") -> None:
    """One line an artifact, and what its weights are."""
    table = Table()
    for name in ("target", "precision"):
        table.add_column(name, no_wrap=True)
    table.add_column("artifact", overflow="fold")
    for name in ("MB", "seconds", "max rel. diff."):
        table.add_column(name, justify="right", no_wrap=True)
    for item in made:
        size, seconds = f"{item.bytes / 1e6:.1f}", f"{item.seconds:.0f}"
        table.add_row(item.target, item.precision, item.path, size, seconds, f"{item.max_rel:.1e}")
    console = Console(width=max(120, Console().width))
    console.print(table)
    if any(item.int8 for item in made):
        console.print(_int8_table(made))
    console.print(f"Weights: {provenance.weights}; VFM: {provenance.vfm}.", highlight=False)


def print_embedded(embedded: "Sequence[Embedded]") -> None:
    """One line an embedded bundle, and what compressing the artifacts is worth."""
    if not embedded:
        return
    table = Table()
    for name in ("bundle", "for"):
        table.add_column(name, no_wrap=True)
    table.add_column("project", overflow="fold")
    for name in ("MB", "gzip", "brotli", "tolerance", "load s", "first s"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in embedded:
        whole = item.sizes[-1]
        sizes = [f"{count / 1e6:.1f}" if count else "–" for count in (whole.bytes, whole.gzip, whole.brotli)]
        seconds = f"{item.load_seconds:.1f}", f"{item.first_seconds:.2f}"
        table.add_row(item.bundle, item.platform, item.path, *sizes, f"{item.tolerance:.2g}", *seconds)
    console = Console(width=max(140, Console().width))
    console.print(table)
    console.print("Seconds are of the reference runtime, here and once.", highlight=False)


def _int8_table(made: "Sequence[Exported]") -> Table:
    """What INT8 costs, and what of it is int8."""
    whole = {item.target: item.bytes for item in made if item.precision == "fp32"}
    records = [(item, item.int8) for item in made if item.int8]
    table = Table(title=f"INT8 against fp32, on {records[0][1].evaluation}", title_justify="left")
    table.add_column("target", no_wrap=True)
    table.add_column("recipe", no_wrap=True)
    columns = (
        "δ1 of fp32's",
        "AbsRel of fp32's",
        "|bias| more",
        "MACs int8",
        "run int8",
        "weights int8",
        "size",
        "mean rel.",
    )
    for name in columns:
        table.add_column(name, justify="right")
    for item, record in records:
        size = f"{item.bytes / whole[item.target]:.3f}" if item.target in whole else "–"
        run = "not told" if record.executed_share is None else f"{record.executed_share:.1%}"
        cost = record.cost
        table.add_row(
            item.target, item.recipe, f"{cost['delta1']:.4f}", f"{cost['abs_rel']:.4f}", f"{cost['bias']:+.4f}",
            f"{record.int8_share:.1%}", run, f"{record.weight_share:.1%}", size, f"{record.errors['native']:.2%}",
        )  # fmt: skip
    return table
