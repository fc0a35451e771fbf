"""What a run says while it works."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Shown:
    """Steps with a spinner and rounds with a bar, on stderr."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._step = bar.add_task("", total=None)
        self._rounds = bar.add_task("", total=1, visible=False)

    def step(self, words: str) -> None:
        """Something else is done from now on."""
        self._bar.update(self._rounds, visible=False)
        self._bar.reset(self._step, description=words, total=None, visible=True)

    def expect(self, seconds: float, visits: int) -> None:
        """The rounds that begin take about so long."""
        words = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
        self._bar.console.print(f"measuring in turns, about {words}", highlight=False)
        self._bar.update(self._step, visible=False)
        self._bar.reset(self._rounds, total=max(visits, 1), visible=True, description="measuring")

    def visit(self, name: str) -> None:
        """A contender had its turn."""
        self._bar.update(self._rounds, advance=1, description=name)

    def say(self, words: str) -> None:
        """A line that stays."""
        self._bar.console.print(words, highlight=False)


@contextlib.contextmanager
def shown(quiet: bool) -> Iterator[Shown]:
    """The display while a run lasts; none where only JSON is wanted."""
    console = Console(stderr=True, quiet=quiet)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Shown(bar)
