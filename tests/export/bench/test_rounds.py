"""Taking turns."""

import random

import pytest

from export.bench.rounds import Effort, Times, take_turns
from runtimes.process import ChildFailed


class Runner:
    """Takes `seconds` a run; fails or interrupts at a turn if told to."""

    def __init__(self, name: str, log: list[str], seconds: float = 0.1, raises: BaseException | None = None) -> None:
        self.name, self._log, self._seconds, self._raises = name, log, seconds, raises

    def run(self, times: int) -> list[tuple[float, float]]:
        self._log.append(self.name)
        if self._raises and self._log.count(self.name) == 2:
            raise self._raises
        return [(self._seconds, 2 * self._seconds)] * times


def _turns(runners: list[Runner], effort: Effort, times: dict[str, Times] | None = None) -> dict[str, Times]:
    times = {} if times is None else times
    take_turns(runners, effort, times, random.Random(0), lambda name: None)
    return times


def test_every_round_visits_all_in_an_order_of_its_own() -> None:
    log: list[str] = []
    names = ["a", "b", "c", "d"]
    times = _turns([Runner(name, log) for name in names], Effort(runs=12, at_once=2))
    rounds = [log[start : start + 4] for start in range(0, len(log), 4)]
    assert len(rounds) == 6
    assert all(sorted(visited) == names for visited in rounds)
    assert len({tuple(visited) for visited in rounds}) > 1
    assert all(len(times[name].wall) == 12 for name in names)
    assert times["a"].cpu == [0.2] * 12


def test_a_slow_contender_has_fewer_runs_but_three() -> None:
    times = _turns([Runner("slow", [], seconds=50), Runner("quick", [])], Effort(runs=20, at_once=1, seconds=60))
    assert len(times["slow"].wall) == 3
    assert len(times["quick"].wall) == 20


def test_one_that_dies_keeps_its_reason_and_the_others_go_on() -> None:
    log: list[str] = []
    runners = [Runner("dies", log, raises=ChildFailed("its process ended")), Runner("lives", log)]
    times = _turns(runners, Effort(runs=8, at_once=2))
    assert times["dies"].failed == "its process ended"
    assert log.count("dies") == 2
    assert len(times["lives"].wall) == 8


def test_what_was_measured_is_kept_when_interrupted() -> None:
    log: list[str] = []
    times: dict[str, Times] = {}
    with pytest.raises(KeyboardInterrupt):
        _turns([Runner("a", log), Runner("b", log, raises=KeyboardInterrupt())], Effort(runs=20, at_once=2), times)
    assert len(times["a"].wall) >= 2
    assert len(times["b"].wall) == 2
