"""What a command is to run, row by row; and running it so that every row is told of as soon as it is there."""

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from runtimes.bundle import Bundle
from runtimes.parity import Harness, artifact_row, network_key, torch_row
from runtimes.registry import RUNTIMES, STAND_INS, TORCH
from runtimes.results import Row, Run
from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Task:
    """A row to be: a runtime, or torch, on a device; `bundle` is None where none is of the runtime's target."""

    runtime: str
    target: str
    device: str
    bundle: Bundle | None

    def row(self) -> Row:
        """The row before it was run, `not_run` with the reason."""
        if self.bundle is None:
            return Row(self.runtime, self.target, self.device, "-", "not_run", f"no {self.target} bundle was given")
        if self.runtime == TORCH:
            return torch_row(self.bundle, self.device)
        return artifact_row(self.bundle, self.runtime, self.device)

    def run(self, harness: Harness) -> Run:
        """Run it, where there is something to run."""
        if self.bundle is None:
            return Run(self.row())
        if self.runtime == TORCH:
            return harness.reference(self.bundle, self.device)[0]
        return harness.run(self.bundle, self.runtime, self.device)


def plan(
    bundles: Sequence[Bundle], runtime: str | None, devices: Sequence[str], stand_ins: Sequence[str]
) -> list[Task]:
    """Every row that is asked for, torch's first: one for bundles of one network. Stand-ins run in the place of the
    runtimes that are here, unless one of these is named. Without devices, runtimes run on the CPU, stand-ins on all
    that they stand in for."""
    targets = {bundle.manifest.target for bundle in bundles}
    wanted = [info for name, info in RUNTIMES.items() if runtime in ("all", name) or not (runtime or stand_ins)]
    wanted += [
        info for info in STAND_INS.values() if info.stand_in in stand_ins and (not devices or info.device in devices)
    ]
    devices = devices or ["cpu"]
    artifacts = []
    for info in wanted if runtime != TORCH else ():
        if info.target not in targets and runtime is None:
            continue
        for device in [info.device] if info.stand_in else devices:
            mine = [b for b in bundles if b.manifest.target == info.target]
            artifacts += [Task(info.name, info.target, device, bundle) for bundle in mine or (None,)]
    references: dict[Hashable, Task] = {}
    if runtime in (None, "all", TORCH):
        for device in devices if runtime == TORCH else ["cpu"]:
            for bundle in bundles:
                references.setdefault(network_key(bundle, device), Task(TORCH, "-", device, bundle))
    return [*references.values(), *artifacts]


def run_all(harness: Harness, tasks: Sequence[Task], tell: Callable[[list[Run]], None]) -> list[Run]:
    """Run all tasks, torch's last: it is run with the first artifact that runs. `tell` is called before the first and
    after each with all runs, those to come as `not_run`.

    Raises WedepthError where the first task does; later it is a row that failed, and what was measured stays.
    """
    runs = [Run(task.row()) for task in tasks]
    tell(runs)
    for index in sorted(range(len(tasks)), key=lambda i: tasks[i].runtime == TORCH):
        try:
            runs[index] = _run(tasks[index], harness)
        except WedepthError as error:
            if not any(run.depths for run in runs):
                raise
            runs[index] = Run(dataclasses.replace(runs[index].row, status="fail", reason=str(error)))
        for other, task in enumerate(tasks):
            if task.runtime == TORCH and task.bundle:
                runs[other] = harness.known_reference(task.bundle, task.device) or runs[other]
        try:
            if not harness.interrupted:
                tell(runs)
        except KeyboardInterrupt:
            harness.interrupted = True
    return runs


def _run(task: Task, harness: Harness) -> Run:
    try:
        return task.run(harness)
    except KeyboardInterrupt:  # between two questions to the child, as it were
        harness.interrupted = True
        return task.run(harness)
