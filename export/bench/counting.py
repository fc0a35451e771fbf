"""What is left: the naive ONNX graph and ours, counted side by side."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.bench.artifacts import Workshop
from export.bench.contenders import HUB
from export.bench.count import Count, count, time_by_kind
from export.bench.report import Table
from wedepth.errors import WedepthError
from wedepth.files import write_beside

ROADS = {"naive": "onnxruntime-naive", "ours": HUB}
LEAST_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Counted:
    """A graph's count and each kind's share of ONNX Runtime's time; or why it was not counted."""

    road: str
    count: Count | None
    time: dict[str, float]
    reason: str = ""


def counted(shop: Workshop, threads: int) -> list[Counted]:
    """The naive graph and ours of one preset, made if need be."""
    found = []
    for road, name in ROADS.items():
        made = shop.ensure(name)
        if made.reason:
            found.append(Counted(road, None, {}, made.reason))
            continue
        shop.say(f"counting {name}, and profiling it in ONNX Runtime")
        try:
            found.append(Counted(road, count(shop.path(name)), time_by_kind(shop.path(name), threads)))
        except WedepthError as error:
            found.append(Counted(road, None, {}, str(error)))
    return found


def tables(preset: str, found: list[Counted]) -> list[Table]:
    """Totals and parts, and kinds; a column a road."""
    graphs = [c for c in found if c.count is not None]
    roads = tuple(c.road for c in graphs)
    counts = [c.count for c in graphs if c.count is not None]
    rows = [
        ("nodes", *(str(c.nodes) for c in counts)),
        ("M MACs in all", *(_mega(c.macs) for c in counts)),
        ("M MACs of two activations", *(_mega(c.pairs) for c in counts)),
    ]
    parts = dict.fromkeys(part for c in counts for part in c.by_part)
    rows += [(f"M MACs in {part}", *(_mega(c.by_part.get(part, 0)) for c in counts)) for part in parts]
    result = [Table(f"{preset}: what is left", ("", *roads), rows)]
    for graph, c in zip(graphs, counts, strict=True):
        kinds = dict.fromkeys((*graph.time, *c.by_kind, *c.nodes_by_kind))
        lines = [
            (kind, str(c.nodes_by_kind.get(kind, 0)), *(f"{share:.1%}" for share in _shares(graph, c, kind)))
            for kind in kinds
            if graph.time.get(kind, 0) >= LEAST_SHARE or c.by_kind.get(kind, 0)
        ]  # fmt: skip
        heading = ("kind", "nodes in the file", "of MACs", "of ONNX Runtime's time")
        result.append(Table(f"{preset}, {graph.road}: by kind", heading, lines))
    return result


def write(found: dict[str, list[Counted]], folder: Path) -> None:
    """count.json and count.md, of all presets counted."""
    folder.mkdir(parents=True, exist_ok=True)
    data: dict[str, Any] = {preset: [dataclasses.asdict(c) for c in items] for preset, items in found.items()}
    text = json.dumps(data, indent=1) + "\n"
    write_beside(folder / "count.json", lambda beside: beside.write_text(text))
    parts = ["# What is left", EXPLAINED]
    for preset, items in found.items():
        parts += [table.markdown().rstrip("\n") for table in tables(preset, items)]
        parts += [f"{preset}, {c.road}: not counted, {c.reason}" for c in items if c.reason]
    whole = "\n\n".join(parts) + "\n"
    write_beside(folder / "count.md", lambda beside: beside.write_text(whole))


EXPLAINED = (
    "The graph of `torch.onnx.export` on the network as it is, and the one that all our targets are made from. Only "
    "products of matrices and convolutions are counted as multiply-accumulates (MACs); sampling, softmax and "
    "normalisation are not. Kinds under *time* are those that ONNX Runtime runs, some of which it "
    "fuses: they need not be in the file."
)


def _shares(graph: Counted, c: Count, kind: str) -> tuple[float, float]:
    return c.by_kind.get(kind, 0) / max(c.macs, 1), graph.time.get(kind, 0)


def _mega(macs: int) -> str:
    return f"{macs / 1e6:.1f}"
