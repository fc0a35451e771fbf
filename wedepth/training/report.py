"""What a person sees of a run: progress, the table after each epoch. Everything goes to stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

# What fits beside a source in 80 columns; the log has them all.
COLUMNS = ("abs_rel", "rmse", "log10", "silog", "delta1", "scale_bias")
# Where there is no terminal to draw a bar on, a line this often.
LINE_SECONDS = 60.0


class Report:
    """Prints for the first process of a run; the others' are quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._progress: Progress | None = None
        self._said = 0.0

    def say(self, line: str) -> None:
        """One line, above the bar where there is one."""
        self._console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, what: str, total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
        """A progress bar; the function it gives counts one more and sets the words beside it."""
        terminal = self._console.is_terminal
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}"),
        )
        with Progress(*columns, console=self._console, disable=not terminal, transient=True) as progress:
            task = progress.add_task(what, total=total, completed=done, words="")
            count = done
            self._said = time.monotonic()

            def advance(words: str) -> None:
                nonlocal count
                count += 1
                progress.update(task, advance=1, words=words)
                if not terminal and time.monotonic() - self._said >= LINE_SECONDS:
                    self._said = time.monotonic()
                    self.say(f"{what}: {count} of {total}  {words}".rstrip())

            yield advance

    def epoch(self, title: str, metrics: dict[str, dict[str, float]], floors: dict[str, Any]) -> None:
        """Validation metrics of each source, and under them what predicting without looking gets."""
        if not metrics:
            self.say(title)
            return
        table = Table(title=title, title_justify="left", title_style="", box=None, pad_edge=False)
        table.add_column("", overflow="fold")
        for name in COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        for source, values in metrics.items():
            table.add_row(source, *(f"{values[name]:.4g}" for name in COLUMNS))
            for floor, words in (
                ("constant", f"  always {floors['constant_metres']:.2f} m"),
                ("mean", "  mean depth map"),
            ):
                table.add_row(words, *(f"{floors[floor][source][name]:.4g}" for name in COLUMNS), style="dim")
        self._console.print(table)


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min, 3.4 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
