"""What NPUs take and refuse, as data: one TOML file each in `rules/`, every statement with its source and certainty."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runtimes.npu.graph import Op

FOLDER = Path(__file__).with_name("rules")
Outcome = Literal["ready", "refused", "unknown"]
Certainty = Literal["documented", "observed", "unknown"]
"""Documented: by those who make the NPU or its compiler. Observed: by others, who say how. Unknown: neither."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an op on an NPU, why, and who says so (a key of the NPU's sources)."""

    outcome: Outcome
    reason: str
    certainty: Certainty
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Something for which an NPU does not take an op, or is not known to: of the kinds `ops` (all, where none is named)
    but `but`, where all of `when` holds."""

    verdict: Verdict
    ops: frozenset[str]
    but: frozenset[str]
    when: dict[str, Any]

    def meets(self, op: Op) -> bool:
        """Whether the rule speaks of an op."""
        if op.kind in self.but or (self.ops and op.kind not in self.ops):
            return False
        return all(CONDITIONS[name](op, value) for name, value in self.when.items())


@dataclass(frozen=True, slots=True)
class Npu:
    """An NPU through one runtime, which runs artifacts of `format`. `sources` are where its statements are from."""

    name: str
    title: str
    format: str
    taken: dict[str, Verdict]
    rules: list[Rule]
    unlisted: Verdict
    sources: dict[str, str]
    notes: list[str] = field(default_factory=list)

    def judge(self, op: Op) -> Verdict:
        """The first rule that speaks of the op; else whether its kind is known to be taken."""
        for rule in self.rules:
            if rule.meets(op):
                return rule.verdict
        return self.taken.get(op.kind, self.unlisted)


def read_npus(format: str | None = None) -> list[Npu]:
    """All NPUs, or those that run artifacts of a format."""
    npus = [_read(path) for path in sorted(FOLDER.glob("*.toml"))]
    return [npu for npu in npus if format in (None, npu.format)]


def _read(path: Path) -> Npu:
    data = tomllib.loads(path.read_text())
    taken = {
        kind: Verdict("ready", "", group["certainty"], group["source"])
        for group in data["taken"]
        for kind in group["ops"]
    }
    rules = [
        Rule(
            Verdict(entry["verdict"], entry["reason"], entry["certainty"], entry["source"]),
            frozenset(entry.get("ops", ())),
            frozenset(entry.get("except", ())),
            entry.get("when", {}),
        )
        for entry in data["rule"]
    ]
    words = (data[f"unlisted{part}"] for part in ("", "_reason", "_certainty", "_source"))
    title, format, sources = (data[name] for name in ("title", "format", "sources"))
    return Npu(path.stem, title, format, taken, rules, Verdict(*words), sources, data.get("notes", []))


def _uneven_resize(op: Op, _: Any) -> bool:
    """Height or width, channels last, that does not grow by 1, 2, 4, 8 …"""
    before, after = (tensor.shape or () for tensor in (op.inputs[0], op.outputs[0]))
    return any(a and b and (b % a or (b // a).bit_count() != 1) for a, b in zip(before[1:3], after[1:3], strict=True))


def _rows(op: Op) -> int:
    """The product of the two axes before the last."""
    product = 1
    for size in (op.inputs[0].shape or ())[-3:-1]:
        product *= size or 1
    return product


CONDITIONS: dict[str, Callable[[Op, Any], bool]] = {
    "open": lambda op, _: any(tensor.open for tensor in op.values),
    "rank_over": lambda op, most: any(len(tensor.shape or ()) > most for tensor in op.values),
    "dtypes": lambda op, dtypes: any(tensor.dtype in dtypes for tensor in op.values),
    "scales_over": lambda op, most: any(tensor.scales > most for tensor in (*op.inputs, *op.outputs)),
    "unscaled": lambda op, dtypes: any(tensor.dtype in dtypes and not tensor.scales for tensor in op.values),
    "rows_over": lambda op, most: _rows(op) > most,
    "uneven_resize": _uneven_resize,
    "gathers_off_batch": lambda op, _: op.options.get("axis") != op.options.get("batchDims"),
}
