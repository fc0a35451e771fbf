"""Deformable sampling as lookups, for runtimes in which rows of a table are cheaper to fetch than GridSample's pixels.

GridSample reads channel by channel, four pixels at a time, and what it gives is multiplied and added up in passes of
their own. Here the values of a head are rows of a table, whose margin of zeros is what lies outside a map: a sample is
four rows, all samples of a query and head together one product of their weights [1,4·K] with their rows [4·K,C].
Queries go in blocks small enough for the cache. OpenVINO has an operator that is the same without the rows of all
samples ever lying in memory: a bag of embeddings.

One decoder layer of `edge` (9 180 queries, 4 heads, 16 samples), one thread of an AMD EPYC, by GridSample and by
lookups: ONNX Runtime 104 and 82 ms, OpenVINO 95 and 69 ms, LiteRT 199 and 117 ms, 23 ms of each for projections; in
another run OpenVINO by GridSample, lookups and bags 101, 66 and 54 ms.
"""

import contextlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.weights import drop_unread, read_hub
from wedepth.errors import WedepthError

F32 = np.float32
# Bytes of the rows of one block, and the most blocks that one layer is cut into.
BLOCK, MOST_BLOCKS = 4 * 2**20, 128
# float32 counts exactly to here, and it is float32 that row numbers are computed in.
MOST_ROWS = 2**24
# Zeros about every map; lines of zeros behind the last, for neighbours, with weight 0, of what lies on its margin.
MARGIN, SPARE = 1, 2
# Of the operator `BAG`: table [R,C], rows int32 [Q,S] and weights [Q,S] → Σ_s weights[q,s] · table[rows[q,s]], [Q,C].
DOMAIN, BAG = "wedepth", "EmbeddingBag"


@contextlib.contextmanager
def looked_up(hub: Path, *, bags: bool = False) -> Iterator[Path]:
    """A file beside the hub, whose weights it shares, with its sampling done by lookups; gone afterwards.

    With `bags` the file is no plain ONNX: it has an operator of our own for each sampling.

    Raises WedepthError for a file that is no graph, and for sampling that is not as graph preparation has it.
    """
    model, _ = read_hub(hub)
    look_up(model, bags=bags)
    with tempfile.NamedTemporaryFile(dir=hub.parent, prefix=f".{hub.stem}-", suffix=".onnx") as file:
        file.write(model.SerializeToString())
        file.flush()
        del model
        yield Path(file.name)


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the sampling of one attention reads and gives, by tensor names, and its sizes: (h, w) by level."""

    scope: str
    offsets: str
    logits: str
    values: str
    output: str
    tokens: int
    heads: int
    points: int
    channels: int
    sizes: list[tuple[int, int]]


def look_up(model: onnx.ModelProto, *, bags: bool = False) -> None:
    """Rewrite in place what is between the projections of every deformable attention of a hub."""
    graph = model.graph
    for scope in dict.fromkeys(n.name.split("/")[0] for n in graph.node if n.op_type == "GridSample"):
        found = _find(graph, scope)
        own = [node for node in graph.node if node.name.split("/")[0] == scope]
        builder = Builder(graph, scope)
        builder.build(found, bags)
        # Everything that the nodes read lies before the last of those that they take the place of.
        place = max(i for i, node in enumerate(graph.node) if node.name.split("/")[0] == scope)
        nodes = [*graph.node[:place], *builder.nodes, *graph.node[place + 1 :]]
        names = {node.name for node in own}
        kept = [node for node in nodes if node.name not in names]
        del graph.node[:]
        graph.node.extend(kept)
    drop_unread(graph)
    if bags:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _find(graph: onnx.GraphProto, scope: str) -> Sampling:
    """The sampling of the module `scope`; WedepthError for one of another form than graph preparation gives it."""
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    own = [node for node in graph.node if node.name.split("/")[0] == scope]
    inside = {name for node in own for name in node.output}
    ends = {}
    for layer in ("sampling_offsets", "attention_weights", "value_proj"):
        made = {name for node in graph.node if node.name.startswith(f"{scope}.{layer}/") for name in node.output}
        ends[layer] = {name for node in own for name in node.input if name in made}
    outputs = {name for node in graph.node if node not in own for name in node.input if name in inside}
    if [len(names) for names in (*ends.values(), outputs)] != [1, 1, 1, 1]:
        raise WedepthError(f"{scope}: the sampling is not between three projections and one, as preparation has it.")
    samplings = [node for node in own if node.op_type == "GridSample"]
    maps = [shapes[node.input[0]] for node in samplings]
    heads, points, tokens, _ = shapes[samplings[0].input[1]]
    sizes = [(h, w) for _, _, h, w in maps]
    offsets, logits, values = (next(iter(names)) for names in ends.values())
    return Sampling(scope, offsets, logits, values, next(iter(outputs)), tokens, heads, points, maps[0][1], sizes)


class Builder:
    """Nodes and constants of one sampling, named below its module."""

    def __init__(self, graph: onnx.GraphProto, scope: str) -> None:
        self.graph, self.scope = graph, scope
        self.nodes: list[onnx.NodeProto] = []

    def op(self, kind: str, what: str, *inputs: str, outputs: int = 1, result: str = "", **attributes: Any) -> str:
        """A node `scope/what`; the name of its (first) output."""
        name = f"{self.scope}/{what}"
        made = [result or name] if outputs == 1 else [f"{name}:{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, made, name, **attributes))
        return made[0]

    def constant(self, what: str, value: NDArray) -> str:
        """An initializer, shared by all samplings that have the same one."""
        name = f"{self.scope.rpartition('.')[2]}.lookup.{what}"
        known = next((t for t in self.graph.initializer if t.name == name), None)
        if known is not None and not np.array_equal(numpy_helper.to_array(known), value):
            name, known = f"{self.scope}.lookup.{what}", None
        if known is None:
            self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def shape(self, *sizes: int) -> str:
        """A constant shape."""
        return self.constant("x".join(map(str, sizes)), np.array(sizes, np.int64))

    def build(self, s: Sampling, bags: bool) -> None:
        """Every node from the projections to the one behind."""
        each = len(s.sizes) * s.points  # samples of a query and head
        table = Table.of(s)
        rows, weights = self._rows_and_weights(s, table, each)
        values = self._table(s, table)
        sums = self._bags(values, rows, weights) if bags else self._sums_in_blocks(s, each, values, rows, weights)
        self.op("Reshape", "tokens", sums, self.shape(1, s.tokens, s.heads * s.channels), result=s.output)

    def _table(self, s: Sampling, table: "Table") -> str:
        """The table [heads·length,C]: maps padded as maps, since LiteRT.js takes no Gather by constant numbers on
        WebGPU."""
        width, count = s.heads * s.channels, len(s.sizes)
        tokens = self.op("Reshape", "flat", s.values, self.shape(s.tokens, width))
        sizes = self.constant("levels", np.array([h * w for h, w in s.sizes], np.int64))
        self.op("Split", "levels", tokens, sizes, outputs=count, axis=0)
        maps = []
        for i, (h, w) in enumerate(s.sizes):
            below = MARGIN + (SPARE if i == count - 1 else 0)
            pads = self.constant(f"margin_{below}", np.array([0, MARGIN, MARGIN, 0, 0, below, MARGIN, 0], np.int64))
            level = self.op("Reshape", f"map_{i}", f"{self.scope}/levels:{i}", self.shape(1, h, w, width))
            level = self.op("Pad", f"with_margin_{i}", level, pads)
            lines = (h + MARGIN + below) * (w + 2 * MARGIN)
            maps.append(self.op("Reshape", f"lines_{i}", level, self.shape(lines, width)))
        values = self.op("Concat", "maps", *maps, axis=0)
        values = self.op("Reshape", "by_head", values, self.shape(table.length, s.heads, s.channels))
        values = self.op("Transpose", "heads_first", values, perm=[1, 0, 2])
        return self.op("Reshape", "table", values, self.shape(s.heads * table.length, s.channels))

    def _bags(self, values: str, rows: str, weights: str) -> str:
        """The sums [N·heads,C] of all samples, weighted, in one operator."""
        rows = self.op("Cast", "row_numbers", rows, to=TensorProto.INT32)
        return self.op(BAG, "sums", values, rows, weights, domain=DOMAIN)

    def _sums_in_blocks(self, s: Sampling, each: int, values: str, rows: str, weights: str) -> str:
        """The same, [N·heads,1,C], as products of the samples' rows, block by block."""
        queries = s.tokens * s.heads
        weights = self.op("Reshape", "row_weights", weights, self.shape(queries, 1, 4 * each))
        count = min(MOST_BLOCKS, math.ceil(queries * 4 * each * s.channels * 4 / BLOCK))
        sizes = [len(part) for part in np.array_split(np.arange(queries), count)]
        parts = []
        if count > 1:
            split = self.constant("blocks", np.array(sizes, np.int64))
            self.op("Split", "rows", rows, split, outputs=count, axis=0)
            self.op("Split", "weights", weights, split, outputs=count, axis=0)
        for i in range(count):
            own = (f"{self.scope}/rows:{i}", f"{self.scope}/weights:{i}") if count > 1 else (rows, weights)
            # Cast here and not before: on WebGPU, ONNX Runtime Web leaves slices of integers to the CPU.
            numbers = self.op("Cast", f"row_numbers_{i}", own[0], to=TensorProto.INT32)
            found = self.op("Gather", f"samples_{i}", values, numbers, axis=0)
            parts.append(self.op("MatMul", f"sum_{i}", own[1], found))
        return self.op("Concat", "sums", *parts, axis=0) if count > 1 else parts[0]

    def _rows_and_weights(self, s: Sampling, table: "Table", each: int) -> tuple[str, str]:
        """Row numbers, whole, and weights, both [N·heads,4·K], of all samples, corner after corner."""
        whole, queries = s.heads * each, s.tokens * s.heads
        at = self.op("Reshape", "offsets", s.offsets, self.shape(s.tokens, 2, whole))
        at = self.op("Add", "positions", at, self.constant("centres", table.centres))
        at = self.op("Mul", "pixels", at, self.constant("half", table.half))
        at = self.op("Add", "shifted", at, self.constant("middle", table.middle))
        # What is further out than the margin is as good as on it.
        at = self.op("Min", "inside", self.op("Relu", "above", at), self.constant("last", table.last))
        corner = self.op("Floor", "corner", at)
        after = self.op("Sub", "fraction", at, corner)
        split = self.constant("one", np.array([1, 1], np.int64))
        self.op("Split", "corners", corner, split, outputs=2, axis=1)
        self.op("Split", "fractions", after, split, outputs=2, axis=1)
        column, line, x, y = (
            self.op("Reshape", f"{what}_{axis}", f"{self.scope}/{what}:{i}", self.shape(s.tokens, whole))
            for what in ("corners", "fractions")
            for i, axis in enumerate("xy")
        )
        first = self.op("Mul", "line", line, self.constant("lines", table.line))
        first = self.op("Add", "first", first, self.op("Add", "column", column, self.constant("start", table.start)))
        next_line = self.op("Add", "below", first, self.constant("lines", table.line))
        one = self.constant("unit", np.ones((), F32))
        corners = [first, self.op("Add", "right", first, one), next_line, self.op("Add", "last", next_line, one)]
        weights = self.op("Reshape", "logits", s.logits, self.shape(queries, each))
        weights = self.op("Softmax", "probabilities", weights, axis=-1)
        weights = self.op("Reshape", "by_token", weights, self.shape(s.tokens, whole))
        lower = self.op("Mul", "lower", weights, y)
        upper = self.op("Sub", "upper", weights, lower)
        lower_right, upper_right = self.op("Mul", "lower_right", lower, x), self.op("Mul", "upper_right", upper, x)
        shares = [
            self.op("Sub", "upper_left", upper, upper_right),
            upper_right,
            self.op("Sub", "lower_left", lower, lower_right),
            lower_right,
        ]
        joined = []
        for what, values in (("numbers", corners), ("shares", shares)):
            flat = [
                self.op("Reshape", f"{what}_{i}", value, self.shape(queries, each)) for i, value in enumerate(values)
            ]
            joined.append(self.op("Concat", what, *flat, axis=1))
        return joined[0], joined[1]


@dataclass(frozen=True, slots=True)
class Table:
    """Where rows lie. Every map has a margin of one zero about it, maps follow level by level, then head by head.

    `length` is that of one head. The others are by sample, [heads·K]: its line's length, its map's start, and what
    takes −1…1 to the map with margin.
    """

    length: int
    centres: NDArray[np.float32]
    half: NDArray[np.float32]
    middle: NDArray[np.float32]
    last: NDArray[np.float32]
    line: NDArray[np.float32]
    start: NDArray[np.float32]

    @staticmethod
    def of(s: Sampling) -> "Table":
        """The table of a sampling; WedepthError where its rows cannot be told apart."""
        lengths = [(h + 2 * MARGIN) * (w + 2 * MARGIN) for h, w in s.sizes]
        starts = np.cumsum([0, *lengths[:-1]])
        length = sum(lengths) + SPARE * (s.sizes[-1][1] + 2 * MARGIN)
        if s.heads * length > MOST_ROWS:
            raise WedepthError(f"float32 row numbers cannot tell {s.heads * length} rows apart; export a smaller size.")
        level = np.tile(np.repeat(np.arange(len(s.sizes)), s.points), s.heads)
        head = np.repeat(np.arange(s.heads), len(s.sizes) * s.points)
        by_level = np.array(s.sizes, np.float64)[:, ::-1]  # (w, h)
        sides = by_level[level].T  # [2, heads·K]
        centres = [
            np.stack(np.broadcast_arrays((2 * np.arange(w) + 1) / w - 1, ((2 * np.arange(h) + 1) / h - 1)[:, None]))
            for h, w in s.sizes
        ]
        return Table(
            length,
            np.concatenate([c.reshape(2, -1) for c in centres], axis=1).T[:, :, None].astype(F32),
            (sides / 2).astype(F32),
            ((sides - 1) / 2 + MARGIN).astype(F32),
            (sides + MARGIN).astype(F32),
            (sides[0] + 2 * MARGIN).astype(F32),
            (starts[level] + head * length).astype(F32),
        )
