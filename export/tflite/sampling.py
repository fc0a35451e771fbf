"""Bilinear grid sampling, which TFLite does not have, as table lookups.

litert-torch turns `grid_sample` into GATHER_ND and selects, 880 ms where these lookups take 8.3 (4 heads × 64
channels, 36×48 map, 2 295 queries × 4 points).
"""

from dataclasses import dataclass

import numpy as np

from export.tflite.emit import Value
from export.tflite.graph import Node
from export.tflite.lower import Walk, lowers
from export.tflite.view import View, fresh

F32 = np.float32
# The largest buffer of looked-up pixels; beyond it the points of a query are taken one after the other.
LARGEST = 256 * 2**20
# float32 counts exactly to here, and it is float32 that row numbers are computed in.
MOST_ROWS = 2**24


@lowers("GridSample")
def grid_sample(walk: Walk, node: Node) -> Value | None:
    """Maps [G,C,h,w] at grid [G,N,P,2] → [G,C,N,P].

    Deformable attention goes on to multiply by weights [G,1,N,P] and to add over P. Where it does, these weights go
    into the bilinear ones, a number a point instead of a product over all channels.
    """
    form = node.get("mode", "linear"), node.get("padding_mode", "zeros"), node.get("align_corners", 0)
    if form not in {("linear", "zeros", 0), ("bilinear", "zeros", 0)}:
        node.refuse(f"(mode, padding_mode, align_corners) {form} is not ('linear', 'zeros', 0)")
    walk.emit.exact = True
    follow = _weighted_sum(walk, node)
    if follow is None:
        return sample(walk, make_table(walk, node), walk.input(node, 1), None).transposed([0, 3, 1, 2])
    product, total = follow
    walk.deferred[total.outputs[0]] = (node, product)
    walk.absorbed |= {node.outputs[0], product.outputs[0]}
    return None


def _weighted_sum(walk: Walk, node: Node) -> tuple[Node, Node] | None:
    """The Mul and the ReduceSum over points that follow a GridSample and are all that reads it."""
    product = walk.graph.reader(node.outputs[0])
    if product is None or product.kind != "Mul":
        return None
    total = walk.graph.reader(product.outputs[0])
    if total is None or total.kind != "ReduceSum" or total.get("keepdims", 1):
        return None
    return (product, total) if walk.graph.axes(total, 1) in ([-1], [3]) else None


def weighted_sample(walk: Walk, node: Node, product: Node) -> Value:
    """The sum over points of a GridSample's samples times the weights of the Mul that follows: [G,C,N]."""
    walk.emit.exact = True
    emit, grid, table = walk.emit, walk.input(node, 1), make_table(walk, node)
    groups, queries, points, _ = grid.shape
    weights = emit.view(walk.value(product, 1 if product.inputs[0] == node.outputs[0] else 0))
    if weights.shape != (groups, 1, queries, points):
        whole = sample(walk, table, grid, None).transposed([0, 3, 1, 2])
        return emit.reduce("SUM", emit.mul(whole, weights), [3], keep=False)
    weights = emit.view(emit.reshape(weights, grid.shape[:3]))
    at_once = points if groups * queries * points * table.channels * 4 <= LARGEST else 1
    total: View | None = None
    for first in range(0, points, at_once):
        part = grid, weights
        if at_once < points:
            part = emit.piece(grid, 2, first, at_once), emit.piece(weights, 2, first, at_once)
        samples = emit.reduce("SUM", sample(walk, table, *part), [2], keep=False)
        total = samples if total is None else emit.add(total, samples)
    assert total is not None
    return total.transposed([0, 2, 1])


@dataclass(frozen=True, slots=True)
class Table:
    """Maps of `size` as rows of channels; `x`, `y` and `g` are how many rows away the next pixel, line and map are."""

    tensor: int
    size: tuple[int, int]
    groups: int
    channels: int
    x: int
    y: int
    g: int


def make_table(walk: Walk, node: Node) -> Table:
    """The maps [G,C,h,w] that a GridSample reads, with a margin of zeros.

    The margin is a line above and below each map, and one column, which is the right neighbour of one line's last
    pixel and the left one of the next line's first. Maps lie one after the other, or side by side as projections of
    tokens make heads: whichever spares a transpose.
    """
    emit, maps = walk.emit, walk.input(node, 0)
    groups, channels, h, w = maps.shape
    rows, line = groups * (h + 4) * (w + 1), w + 1
    if rows > MOST_ROWS:
        node.refuse(f"float32 row numbers cannot tell {rows} pixels apart; export for a smaller image")
    beside = bool(maps.axes[0]) and maps.axes[0][0] > max((*maps.axes[2], *maps.axes[3]), default=-1)
    order = [2, 3, 0, 1] if beside else [0, 2, 3, 1]
    maps = emit.dense(maps, order)
    pads = {2: (1, 3), 3: (1, 0)}  # the third line below is for the right neighbours of the second, weighted by 0
    around = np.array([pads.get(axis, (0, 0)) for axis in order], np.int32)
    stored = tuple(int(n + a + b) for n, (a, b) in zip(maps.stored, around, strict=True))
    tensor = emit.op("PAD", [maps.tensor, emit.file.constant(around, "pads")], stored)
    steps = (groups, groups * line, 1) if beside else (1, line, (h + 4) * line)
    return Table(emit.rows(fresh(tensor, stored)), (h, w), groups, channels, *steps)


def sample(walk: Walk, table: Table, grid: View, weights: View | None) -> View:
    """A table at grid [G,N,P,2], times weights [G,N,P] if given → [G,N,P,C]."""
    emit, (h, w) = walk.emit, table.size
    # Positions in the map with its margin; what is further out than the margin is as good as on it.
    place = emit.add(emit.mul(grid, np.array([w / 2, h / 2], F32)), np.array([(w + 1) / 2, (h + 1) / 2], F32))
    place = emit.binary("MINIMUM", emit.unary("RELU", place), np.array([w + 1, h + 1], F32))
    corner = emit.unary("FLOOR", place)
    after = emit.binary("SUB", place, corner)
    before = emit.binary("SUB", np.ones((), F32), after)
    first = emit.reduce("SUM", emit.mul(corner, np.array([table.x, table.y], F32)), [3], keep=False)
    first = emit.add(first, (np.arange(table.groups) * table.g).astype(F32).reshape(-1, 1, 1))
    first = emit.flat(first)
    (left, above), (right, below) = ([_coordinate(walk, part, k) for k in (0, 1)] for part in (before, after))
    if weights is not None:
        above, below = emit.mul(above, weights), emit.mul(below, weights)
    total: View | None = None
    for step, across, down in (
        (0, left, above),
        (table.x, right, above),
        (table.y, left, below),
        (table.x + table.y, right, below),
    ):
        found = emit.lookup(table.tensor, emit.add(first, np.array(step, F32)) if step else first, table.channels)
        found = emit.mul(found, emit.reshape(emit.mul(across, down), (*grid.shape[:3], 1)))
        total = found if total is None else emit.add(total, found)
    assert total is not None
    return total


def _coordinate(walk: Walk, pairs: View, index: int) -> View:
    """x (0) or y (1) of [G,N,P,2] → [G,N,P]."""
    return walk.emit.view(walk.emit.reshape(walk.emit.piece(pairs, 3, index, 1), pairs.shape[:3]))
