"""What an export says while it works, and what it shows at the end."""

import contextlib
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

        def step(words: str) -> None:
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
    console.print(f"Weights: {provenance.weights}; VFM: {provenance.vfm}.", highlight=False)
