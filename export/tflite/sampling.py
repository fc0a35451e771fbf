"""Bilinear grid sampling, which TFLite does not have, as table lookups.

litert-torch turns `grid_sample` into GATHER_ND and selects, 880 ms where these lookups take 8.3 (4 heads × 64
channels, 36×48 map, 2 295 queries × 4 points).
"""

import math

import numpy as np

from export.tflite.emit import Value
from export.tflite.graph import Node
from export.tflite.lower import Walk, lowers
from export.tflite.view import View, fresh
from wedepth.errors import WedepthError

F32 = np.float32
# The largest buffer of looked-up pixels; beyond it the points of a query are taken one after the other.
LARGEST = 256 * 2**20
# float32 counts exactly to here, and it is float32 that row numbers are computed in.
MOST_ROWS = 2**24


@lowers("GridSample")
def grid_sample(walk: Walk, node: Node) -> Value | None:
    """Maps [G,C,h,w] at grid [G,N,P,2] → [G,C,N,P].

    Deformable attention then multiplies by weights [G,1,N,P] and adds over P: where that follows, weights go into the
    bilinear ones, P goes first, and the product over all channels is never made (a third of the memory traffic).
    """
    form = node.get("mode", "linear"), node.get("padding_mode", "zeros"), node.get("align_corners", 0)
    if form not in {("linear", "zeros", 0), ("bilinear", "zeros", 0)}:
        node.refuse(f"(mode, padding_mode, align_corners) {form} is not ('linear', 'zeros', 0)")
    follow = _weighted_sum(walk, node)
    if follow is None:
        return sample(walk, walk.input(node, 0), walk.input(node, 1), None).transposed([0, 3, 1, 2])
    product, total = follow
    walk.deferred[total.outputs[0]] = (node, product)
    walk.absorbed |= {node.outputs[0], product.outputs[0]}
    return None


def _weighted_sum(walk: Walk, node: Node) -> tuple[Node, Node] | None:
    """The Mul and the ReduceSum over points that follow a GridSample and read nothing else of it."""
    product = walk.graph.reader(node.outputs[0])
    total = product and product.kind == "Mul" and walk.graph.reader(product.outputs[0])
    if not product or not total or total.kind != "ReduceSum" or total.get("keepdims", 1):
        return None
    return (product, total) if walk.graph.axes(total, 1) in ([-1], [3]) else None


def weighted_sample(walk: Walk, node: Node, product: Node) -> Value:
    """The sum over points of samples times weights: [G,C,N]."""
    weights = walk.value(product, 1 if product.inputs[0] == node.outputs[0] else 0)
    maps, grid = walk.input(node, 0), walk.input(node, 1)
    weights = walk.emit.view(weights)
    groups, queries, points, _ = grid.shape
    if weights.shape != (groups, 1, queries, points):
        whole = sample(walk, maps, grid, None).transposed([0, 3, 1, 2])
        return walk.emit.reduce("SUM", walk.emit.mul(whole, weights), [3], keep=False)
    result = sample(walk, maps, grid, walk.emit.view(walk.emit.reshape(weights, grid.shape[:3])))
    return walk.emit.reduce("SUM", result, [2], keep=False).transposed([0, 2, 1])


def table(walk: Walk, maps: View) -> tuple[int, dict[str, int]]:
    """Maps as rows of C channels, and how far apart in rows the next pixel (x), line (y) and map (g) are.

    There is a margin of zeros: a line above and below each map, and one column, which is the right neighbour of one
    line's last pixel and the left one of the next line's first. Maps lie one after the other, or side by side as
    projections make heads: whichever spares a transpose.
    """
    emit = walk.emit
    groups, channels, h, w = maps.shape
    beside = bool(maps.axes[0]) and maps.axes[0][0] > max((*maps.axes[2], *maps.axes[3]), default=-1)
    order = [2, 3, 0, 1] if beside else [0, 2, 3, 1]
    maps = emit.dense(maps, order)
    pads = {2: (1, 3), 3: (1, 0)}
    around = np.array([pads.get(axis, (0, 0)) for axis in order], np.int32)
    stored = tuple(int(n + a + b) for n, (a, b) in zip(maps.stored, around, strict=True))
    tensor = emit.op("PAD", [maps.tensor, emit.file.constant(around, "pads")], stored)
    steps = {"x": groups, "y": groups * (w + 1), "g": 1} if beside else {"x": 1, "y": w + 1, "g": (h + 4) * (w + 1)}
    return emit.rows(fresh(tensor, stored)), steps


def sample(walk: Walk, maps: View, grid: View, weights: View | None) -> View:
    """Maps [G,C,h,w] at grid [G,N,P,2], times weights [G,N,P] if given → [G,N,P,C]."""
    emit = walk.emit
    groups, channels, h, w = maps.shape
    if groups * (h + 4) * (w + 1) > MOST_ROWS:
        raise WedepthError(
            f"Sampling {groups} maps of {h}x{w} pixels needs more table rows than the {MOST_ROWS} that TFLite's float32 "
            "row numbers can tell apart; export for a smaller image."
        )
    pixels, steps = table(walk, maps)
    # Positions in the map with its margin; what is further out than the margin is as good as on it.
    place = emit.add(emit.mul(grid, np.array([w / 2, h / 2], F32)), np.array([(w + 1) / 2, (h + 1) / 2], F32))
    place = emit.binary("MINIMUM", emit.unary("RELU", place), np.array([w + 1, h + 1], F32))
    corner = emit.unary("FLOOR", place)
    after = emit.binary("SUB", place, corner)
    before = emit.binary("SUB", np.ones((), F32), after)
    first = emit.reduce("SUM", emit.mul(corner, np.array([steps["x"], steps["y"]], F32)), [3], keep=False)
    first = emit.add(first, (np.arange(groups) * steps["g"]).astype(F32).reshape(-1, 1, 1))
    (left, above), (right, below) = (
        [emit.view(emit.reshape(emit.piece(part, 3, k, 1), grid.shape[:3])) for k in (0, 1)] for part in (before, after)
    )
    if weights is not None:
        above, below = emit.mul(above, weights), emit.mul(below, weights)
    total: View | None = None
    for step, part in (
        (0, emit.mul(left, above)),
        (steps["x"], emit.mul(right, above)),
        (steps["y"], emit.mul(left, below)),
        (steps["x"] + steps["y"], emit.mul(right, below)),
    ):
        rows = emit.add(first, np.array(step, F32)) if step else first
        found = emit.mul(emit.lookup(pixels, rows, channels), emit.view(emit.reshape(part, (*grid.shape[:3], 1))))
        total = found if total is None else emit.add(total, found)
    assert total is not None
    return total
