"""Taking turns: whatever else the machine does meets all contenders alike."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runtimes.process import ChildFailed

LEAST = 3


class Runner(Protocol):
    """What can be run several times and gives seconds of wall and CPU time of each."""

    name: str

    def run(self, times: int) -> list[tuple[float, float]]:
        """Run, one after the other."""
        ...


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each contender runs: `runs`, `at_once` before the next has its turn; fewer, but LEAST, when they have
    taken `seconds`."""

    runs: int = 20
    at_once: int = 2
    seconds: float = 60.0


@dataclass(slots=True)
class Times:
    """Seconds that one contender's runs took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    failed: str = ""

    def enough(self, effort: Effort) -> bool:
        """Whether it needs no more turns."""
        slow = sum(self.wall) >= effort.seconds and len(self.wall) >= min(LEAST, effort.runs)
        return bool(self.failed) or len(self.wall) >= effort.runs or slow


def take_turns(
    runners: Sequence[Runner],
    effort: Effort,
    times: dict[str, Times],
    shuffle: random.Random,
    step: Callable[[str], None],
) -> None:
    """In each round every contender that has not enough runs yet has one turn, in an order that is drawn anew.

    Fills `times` as it goes, so that what was measured is there when it is interrupted.
    """
    for runner in runners:
        times.setdefault(runner.name, Times())
    while pending := [r for r in runners if not times[r.name].enough(effort)]:
        shuffle.shuffle(pending)
        for runner in pending:
            mine = times[runner.name]
            count = max(1, min(effort.at_once, effort.runs - len(mine.wall)))
            try:
                measured = runner.run(count)
            except ChildFailed as failure:
                mine.failed = str(failure)
                continue
            for wall, cpu in measured:
                mine.wall.append(wall)
                mine.cpu.append(cpu)
            step(runner.name)
