"""What an export says while it works, and what it shows at the end."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from export.pipeline import Exported
    from wedepth.network import Provenance


@contextlib.contextmanager
def steps(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the step at work and its time on stderr; yields the function to call with each step's words."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        tasks: list[TaskID] = []

        last = ""

        def step(words: str) -> None:
            nonlocal last
            kind = re.sub(r"\d+ of \d+.*", "", words)
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


def print_table(made: "Sequence[Exported]", provenance: "Provenance") -> None:
    """One line an artifact, and what its weights are."""
    table = Table()
    for name in ("target", "precision", "artifact"):
        table.add_column(name, no_wrap=True)
    for name in ("MB", "seconds", "max rel. diff."):
        table.add_column(name, justify="right")
    for item in made:
        size, seconds = f"{item.bytes / 1e6:.1f}", f"{item.seconds:.0f}"
        table.add_row(item.target, item.precision, item.path, size, seconds, f"{item.max_rel:.1e}")
    console = Console(width=max(120, Console().width))
    console.print(table)
    if any(item.int8 for item in made):
        console.print(_int8_table(made))
    console.print(f"Weights: {provenance.weights}; VFM: {provenance.vfm}.", highlight=False)


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
