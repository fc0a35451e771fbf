"""Lowerings of what moves elements about. Reshapes and transposes are bookkeeping until an operator needs an order."""

import math

import numpy as np

from export.tflite.emit import Value
from export.tflite.graph import Node
from export.tflite.lower import Walk, lowers
from export.tflite.view import View, fresh


@lowers("Reshape")
def reshape(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    shape = [int(n) for n in walk.graph.numbers(node, 1)]
    if not node.get("allowzero", 0):
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    if -1 in shape:
        shape[shape.index(-1)] = math.prod(x.shape) // -math.prod(shape)
    return walk.emit.reshape(x, tuple(shape))


@lowers("Flatten")
def flatten(walk: Walk, node: Node) -> Value:
    x, axis = walk.input(node), node.get("axis", 1)
    return walk.emit.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@lowers("Unsqueeze")
def unsqueeze(walk: Walk, node: Node) -> Value:
    x, axes = walk.input(node), walk.graph.axes(node, 1) or []
    rank = len(x.axes) + len(axes)
    left = list(x.shape)
    gained = {a % rank for a in axes}
    return walk.emit.reshape(x, tuple(1 if i in gained else left.pop(0) for i in range(rank)))


@lowers("Squeeze")
def squeeze(walk: Walk, node: Node) -> Value:
    x, axes = walk.input(node), walk.graph.axes(node, 1)
    gone = {i for i, n in enumerate(x.shape) if n == 1} if axes is None else {a % len(x.axes) for a in axes}
    return walk.emit.reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in gone))


@lowers("Transpose")
def transpose(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    return x.transposed(node.get("perm") or list(reversed(range(len(x.axes)))))


@lowers("Concat")
def concat(walk: Walk, node: Node) -> Value:
    values = [walk.value(node, i) for i in range(len(node.inputs))]
    axis = node.get("axis") % (len(values[0].axes) if isinstance(values[0], View) else values[0].ndim)
    return joined(walk, values, axis)


def joined(walk: Walk, values: list[Value], axis: int) -> Value:
    """Values one after the other along an axis, laid out as the largest computed one is."""
    emit = walk.emit
    lead = max((v for v in values if isinstance(v, View)), key=lambda v: math.prod(v.shape))
    order = lead.order
    parts = [emit.dense(emit.view(value), order) for value in values]
    place, stored = order.index(axis), list(parts[0].stored)
    stored[place] = sum(part.stored[place] for part in parts)
    tensor = emit.op("CONCATENATION", [part.tensor for part in parts], tuple(stored), axis=place)
    return fresh(tensor, tuple(stored), order)


@lowers("Split")
def split(walk: Walk, node: Node) -> list[Value]:
    x, axis, count = walk.input(node), node.get("axis", 0), len(node.outputs)
    whole = x.shape[axis % len(x.axes)]
    sizes = walk.graph.numbers(node, 1) if node.has(1) else node.get("split")
    if sizes is None:
        sizes = [min(-(-whole // count), whole - i * -(-whole // count)) for i in range(count)]
    starts = np.cumsum([0, *sizes[:-1]])
    return [walk.emit.piece(x, axis, int(b), int(n)) for b, n in zip(starts, sizes, strict=True)]


@lowers("Slice")
def slices(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    starts, ends = walk.graph.numbers(node, 1), walk.graph.numbers(node, 2)
    axes = walk.graph.numbers(node, 3, list(range(len(starts))))
    steps = walk.graph.numbers(node, 4, [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            node.refuse(f"step {step} runs backwards")
        picked = range(*slice(start, end, step).indices(x.shape[axis]))
        if not picked:
            node.refuse(f"{start}:{end} of axis {axis} is empty")
        if len(picked) < x.shape[axis]:
            x = walk.emit.piece(x, axis, picked.start, len(picked), step)
    return x


@lowers("Gather")
def gather(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    axis = node.get("axis", 0) % len(x.axes)
    indices = walk.graph.constant(node, 1)
    if indices is None:
        return rows(walk, node, x, axis)
    flat = indices.reshape(-1) % x.shape[axis]
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if (np.diff(flat) == 1).all():
        return walk.emit.reshape(walk.emit.piece(x, axis, int(flat[0]), flat.size), shape)
    x, place = walk.emit.alone(x, axis)
    stored = (*x.stored[:place], flat.size, *x.stored[place + 1 :])
    tensor = walk.emit.op("GATHER", [x.tensor, walk.emit.ints(flat.tolist())], stored, axis=place)
    return walk.emit.reshape(walk.emit.resized(x, tensor, axis, place, flat.size), shape)


def rows(walk: Walk, node: Node, x: View, axis: int) -> Value:
    """Rows of a table [R,C] by computed numbers, which are whole float32 here until they are looked up."""
    if len(x.axes) != 2 or axis != 0:
        node.refuse(f"computed indices into axis {axis} of {list(x.shape)} are not rows of a table")
    table = walk.emit.dense(x)
    return walk.emit.lookup(table.tensor, walk.input(node, 1), x.shape[1])


@lowers("Expand")
def expand(walk: Walk, node: Node) -> Value:
    x = walk.input(node)
    shape = np.broadcast_shapes(x.shape, tuple(int(n) for n in walk.graph.numbers(node, 1)))
    if math.prod(shape) == math.prod(x.shape):
        return walk.emit.reshape(x, shape)
    # A product with ones: as exact as BROADCAST_TO, and every delegate has it.
    return walk.emit.mul(x, np.ones(shape, np.float32))


@lowers("Pad")
def pad(walk: Walk, node: Node) -> Value:
    x, emit = walk.input(node), walk.emit
    pads = [int(n) for n in walk.graph.numbers(node, 1)]
    outside = walk.graph.numbers(node, 2, [0.0])[0]
    axes = walk.graph.numbers(node, 3, list(range(len(x.axes))))
    if node.get("mode", "constant") != "constant" or min(pads) < 0:
        node.refuse("only constant padding by sizes of 0 and above is one operator")
    order = x.order
    x = emit.dense(x, order)
    around = np.zeros((len(order), 2), np.int32)
    for i, axis in enumerate(axes):
        around[order.index(axis % len(order))] = pads[i], pads[i + len(axes)]
    return fresh(*emit.pad(x.tensor, x.stored, around, outside), order)
