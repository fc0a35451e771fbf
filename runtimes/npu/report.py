"""Readiness of an artifact for the NPUs that run its format: what each takes of it, and what keeps the rest off."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runtimes.errors import DeviceUnavailable
from runtimes.npu.graph import Graph, Op, read_graph
from runtimes.npu.rules import Npu, Outcome, Verdict, read_npus
from runtimes.npu.vela import Placement, Refused, place
from wedepth.errors import WedepthError

SCHEMA = 1
OUTCOMES: tuple[Outcome, ...] = ("ready", "refused", "unknown")


@dataclass(frozen=True, slots=True)
class Amount:
    """So many ops, and multiply-accumulates in them; `share` is of all of the graph's (null where it has none)."""

    ops: int
    macs: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the network and how much of one blocker is in it."""

    name: str
    ops: int
    macs: int


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why an NPU does not take ops, or is not known to, with the ops; modules with most of it first."""

    verdict: Verdict
    amount: Amount
    kinds: dict[str, int]
    modules: list[Module]
    nodes: list[str]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What one NPU takes of a graph: `amounts` by outcome, of what is ready by `certainty`. In the file's order the
    ops that it takes come in so many `stretches`."""

    npu: str
    title: str
    amounts: dict[str, Amount]
    certainty: dict[str, Amount]
    stretches: int
    blockers: list[Blocker]
    sources: dict[str, str]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Report:
    """One artifact, and each NPU that runs its format. `vela` is what Arm's compiler made of a TFLite file; where it is
    absent there, the file was `refused`, or Vela was `not_run`, for a reason."""

    artifact: str
    format: str
    ops: int
    macs: int
    rank: int
    static: bool
    npus: list[Readiness]
    vela: Placement | None = None
    refused: str | None = None
    not_run: str | None = None


def report(artifact: Path, name: str) -> Report:
    """Read an artifact, called `name`, and judge it; WedepthError where it cannot be read."""
    graph = read_graph(artifact)
    npus = [readiness(graph, npu) for npu in read_npus(graph.format)]
    found = Report(name, graph.format, len(graph.ops), graph.macs, graph.rank, graph.static, npus)
    if graph.format != "tflite":
        return found
    try:
        return dataclasses.replace(found, vela=place(artifact, graph))
    except Refused as error:
        return dataclasses.replace(found, refused=str(error))
    except (DeviceUnavailable, WedepthError) as error:  # all else of the report stands
        return dataclasses.replace(found, not_run=str(error))


def readiness(graph: Graph, npu: Npu) -> Readiness:
    """Every op of a graph judged for one NPU."""
    judged = [(op, npu.judge(op)) for op in graph.ops]
    blocked: dict[Verdict, list[Op]] = {}
    for op, verdict in judged:
        if verdict.outcome != "ready":
            blocked.setdefault(verdict, []).append(op)
    blockers = [_blocker(verdict, ops, graph) for verdict, ops in blocked.items()]
    used = {verdict.source for _, verdict in judged}
    return Readiness(
        npu.name,
        npu.title,
        {outcome: _amount((o for o, v in judged if v.outcome == outcome), graph) for outcome in OUTCOMES},
        {
            certainty: _amount((o for o, v in judged if v.outcome == "ready" and v.certainty == certainty), graph)
            for certainty in ("documented", "observed")
        },
        _stretches([verdict.outcome == "ready" for _, verdict in judged]),
        sorted(blockers, key=lambda b: (OUTCOMES.index(b.verdict.outcome), -b.amount.macs, -b.amount.ops)),
        {key: words for key, words in npu.sources.items() if key in used},
        npu.notes,
    )


def _blocker(verdict: Verdict, ops: list[Op], graph: Graph) -> Blocker:
    modules: dict[str, list[Op]] = {}
    for op in ops:
        modules.setdefault(op.module, []).append(op)
    found = [Module(name, len(own), sum(op.macs for op in own)) for name, own in modules.items()]
    found.sort(key=lambda module: (-module.macs, -module.ops))
    kinds = Counter(op.kind for op in ops)
    return Blocker(verdict, _amount(ops, graph), dict(kinds.most_common()), found, [op.name for op in ops])


def _amount(ops: Iterable[Op], graph: Graph) -> Amount:
    listed = list(ops)
    macs = sum(op.macs for op in listed)
    return Amount(len(listed), macs, macs / graph.macs if graph.macs else None)


def _stretches(ready: list[bool]) -> int:
    return sum(now and not before for before, now in zip([False, *ready], ready, strict=False))
