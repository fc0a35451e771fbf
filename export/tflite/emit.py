"""From values and views to operators: the small vocabulary that the lowerings of ONNX ops are written in."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.tflite.file import TfliteFile
from export.tflite.view import (
    MOST_AXES,
    Groups,
    View,
    cut,
    fresh,
    regrouped,
    reshaped,
    runs,
    sizes,
    swaps,
    with_axis_alone,
)

Array = NDArray[Any]
Value = View | Array

# From this many numbers on, half their size is worth an operator that widens them.
TABLE = 4096


class Emitter:
    """Appends operators to a file. A `Value` is a view of a tensor, or an array: a constant not yet written.

    `name` is what the tensors of the ONNX node at work are called. `exact` says that it computes places, whose
    constants stay float32: half precision would put a sampling point of a wide map a hundredth of a pixel off.
    """

    def __init__(self, file: TfliteFile) -> None:
        self.file = file
        self.name = ""
        self.exact = False
        self._moved: dict[tuple[int, tuple[int, ...], Groups], int] = {}

    def constant(self, array: Array) -> View:
        """A constant as a tensor, its axes in order; a table (of positions, of biases) is stored as weights are."""
        table = array.size >= TABLE and array.dtype == np.float32 and not self.exact
        write = self.file.weight if table else self.file.constant
        return fresh(write(array, f"{self.name}/constant"), array.shape)

    def view(self, value: Value) -> View:
        """The value as a tensor in any case."""
        return value if isinstance(value, View) else self.constant(value)

    def op(self, kind: str, inputs: list[int], shape: tuple[int, ...], dtype: Any = np.float32, **fields: Any) -> int:
        """One operator with one output of a stored shape; the output's tensor."""
        output = self.file.tensor(shape, self.name, dtype)
        self.file.operator(kind, inputs, [output], **fields)
        return output

    def ints(self, numbers: list[int] | tuple[int, ...]) -> int:
        """A constant int32 vector: axes, shapes, paddings."""
        return self.file.constant(np.array(numbers, np.int32), "ints")

    # --- arranging ---

    def arrange(self, view: View, groups: Groups) -> View:
        """The same value with its factors in memory group after group, each group one stored axis."""
        stored = sizes(view, groups)
        order = [i for group in groups for i in group]
        if order == sorted(order):
            tensor = view.tensor if stored == view.stored else self._reshape(view.tensor, stored)
            return regrouped(view, tensor, groups)
        key = (view.tensor, view.factors, groups)
        if key not in self._moved:
            self._moved[key] = self._transpose(view, groups)
        return regrouped(view, self._moved[key], groups)

    def dense(self, view: View, order: list[int] | None = None) -> View:
        """The value with stored axis k its axis order[k] (by default in their own order)."""
        return self.arrange(view, tuple(view.axes[i] for i in order or range(len(view.axes))))

    def _reshape(self, tensor: int, stored: tuple[int, ...]) -> int:
        return self.op("RESHAPE", [tensor, self.ints(stored)], stored, newShape=list(stored))

    def _transpose(self, view: View, groups: Groups) -> int:
        """Move memory with a TRANSPOSE of the fewest axes, and reshapes about it only where the shapes ask for them."""
        moved = runs(groups)
        if len(moved) > MOST_AXES:
            return self._transpose_by_parts(view, moved, sizes(view, groups))
        kept = sorted(moved)
        target = sizes(view, groups)
        whole = [size for size in target if size > 1] == list(sizes(view, tuple(moved)))
        units = sum(size == 1 for size in target) if whole else 0
        before = sizes(view, tuple(kept))
        source = view.stored if [n for n in view.stored if n > 1] == list(before) else None
        if source is None or (whole and source.count(1) != units):
            source = (1,) * units + before
        place = [k for k, n in enumerate(source) if n > 1]
        spare = [k for k, n in enumerate(source) if n == 1]
        order = [place[kept.index(run)] for run in moved]
        order = [spare.pop(0) if size == 1 else order.pop(0) for size in target] if whole else spare + order
        tensor = view.tensor if source == view.stored else self._reshape(view.tensor, source)
        result = tuple(source[k] for k in order)
        tensor = self.op("TRANSPOSE", [tensor, self.ints(order)], result)
        return tensor if result == target else self._reshape(tensor, target)

    def _transpose_by_parts(self, view: View, moved: list[tuple[int, ...]], stored: tuple[int, ...]) -> int:
        """The same by exchanges of neighbouring blocks, which no more than four axes are needed for."""
        lies, tensor = sorted(moved), view.tensor
        for start, middle, end in swaps([lies.index(run) for run in moved]):
            spans = (0, start), (start, middle), (middle, end), (end, len(lies))
            blocks = [math.prod(math.prod(sizes(view, (run,))) for run in lies[a:b]) for a, b in spans]
            swapped = (blocks[0], blocks[2], blocks[1], blocks[3])
            tensor = self.op("TRANSPOSE", [self._reshape(tensor, tuple(blocks)), self.ints((0, 2, 1, 3))], swapped)
            lies = lies[:start] + lies[middle:end] + lies[start:middle] + lies[end:]
        return self._reshape(tensor, stored)

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Free wherever the new axes cut no factor across; else one RESHAPE, after a TRANSPOSE if need be."""
        if not isinstance(value, View):
            return value.reshape(shape)
        result = reshaped(value, shape)
        return result or fresh(self._reshape(self.dense(value).tensor, shape), shape)

    def alone(self, view: View, axis: int) -> tuple[View, int]:
        """The value with `axis` as one stored axis of its own, and that axis's place."""
        groups, place = with_axis_alone(view, axis % len(view.axes))
        return self.arrange(view, groups), place

    def last(self, view: View, axis: int) -> View:
        """The value with `axis` as its last stored axis, the others as they lie."""
        axis %= len(view.axes)
        groups, place = with_axis_alone(view, axis)
        if place != len(groups) - 1:
            groups = (*groups[:place], *groups[place + 1 :], groups[place])
        return self.arrange(view, groups)

    def resized(self, view: View, tensor: int, axis: int, place: int, size: int) -> View:
        """The view of `tensor`, which is like `view` but for stored axis `place`, all of `axis`, now of `size`."""
        groups = view.groups
        at = sum(len(g) for g in groups[:place])
        gone, new = len(groups[place]), int(size > 1)
        factors = (*view.factors[:at], *([size] if new else []), *view.factors[at + gone :])
        axes = [tuple(i if i < at else i - gone + new for i in a) for a in view.axes]
        axes[axis % len(axes)] = (at,) if new else ()
        return View(tensor, (*view.stored[:place], size, *view.stored[place + 1 :]), factors, tuple(axes))

    def piece(self, view: View, axis: int, begin: int, size: int, step: int = 1) -> View:
        """`size` entries of `axis` from `begin` on, every `step`-th."""
        view, place = self.alone(view, axis)
        stored = (*view.stored[:place], size, *view.stored[place + 1 :])
        starts = [begin if k == place else 0 for k in range(len(stored))]
        if step == 1:
            tensor = self.op("SLICE", [view.tensor, self.ints(starts), self.ints(stored)], stored)
        else:
            ends = [begin + (size - 1) * step + 1 if k == place else n for k, n in enumerate(stored)]
            steps = [step if k == place else 1 for k in range(len(stored))]
            inputs = [view.tensor, self.ints(starts), self.ints(ends), self.ints(steps)]
            tensor = self.op("STRIDED_SLICE", inputs, stored)
        return self.resized(view, tensor, axis, place, size)

    def rows(self, view: View) -> int:
        """The tensor as a table: every axis but the last one flattened."""
        return self._reshape(view.tensor, (math.prod(view.stored[:-1]), view.stored[-1]))

    def pad(self, tensor: int, stored: tuple[int, ...], around: Array, outside: float) -> tuple[int, tuple[int, ...]]:
        """`around` [axes,2] entries of `outside` before and after; in four axes at least, since GPUs pad no fewer."""
        padded = tuple(int(n + a + b) for n, (a, b) in zip(stored, around, strict=True))
        missing = max(4 - len(stored), 0)
        ones = (1,) * missing
        if missing:
            tensor = self._reshape(tensor, ones + stored)
        inputs = [tensor, self.file.constant(np.pad(around, ((missing, 0), (0, 0))), "pads")]
        if outside:
            inputs.append(self.file.constant(np.array([outside], np.float32), "outside"))
        tensor = self.op("PADV2" if outside else "PAD", inputs, ones + padded)
        return self._reshape(tensor, padded) if missing else tensor, padded

    def flat(self, view: View) -> View:
        """The value with all its elements along one stored axis, in the order in which they lie."""
        return self.arrange(view, (tuple(range(len(view.factors))),))

    def lookup(self, table: int, rows: View, width: int) -> View:
        """Rows of a table [R, width] by their numbers, floats [...] that are whole → [..., width]."""
        rows = self.flat(rows)
        count = math.prod(rows.stored)
        numbers = self.op("CAST", [rows.tensor], (count,), np.int32)
        found = self.op("GATHER", [table, numbers], (count, width), axis=0)
        last = len(rows.factors)
        return View(found, (count, width), (*rows.factors, width), (*rows.axes, (last,) if width > 1 else ()))

    # --- arithmetic ---

    def unary(self, kind: str, view: View, **fields: Any) -> View:
        """An operator on every element, wherever it lies."""
        return replace(view, tensor=self.op(kind, [view.tensor], view.stored, **fields))

    def binary(self, kind: str, a: Value, b: Value) -> View:
        """An operator on pairs of elements, broadcast as numpy and ONNX do."""
        a, b = self._padded(a, max(_rank(a), _rank(b))), self._padded(b, max(_rank(a), _rank(b)))
        shape = np.broadcast_shapes(a.shape, b.shape)
        if isinstance(a, View) and a.shape == shape:
            like, other = self._to_match(a, b)
            return replace(like, tensor=self.op(kind, [like.tensor, other.tensor], like.stored))
        if isinstance(b, View) and b.shape == shape:
            like, other = self._to_match(b, a)
            return replace(like, tensor=self.op(kind, [other.tensor, like.tensor], like.stored))
        a, b = self.dense(self.view(a)), self.dense(self.view(b))
        return fresh(self.op(kind, [a.tensor, b.tensor], shape), shape)

    def add(self, a: Value, b: Value) -> View:
        """a + b."""
        return self.binary("ADD", a, b)

    def mul(self, a: Value, b: Value) -> View:
        """a · b."""
        return self.binary("MUL", a, b)

    def reduce(self, kind: str, view: View, axes: list[int], keep: bool) -> View:
        """MEAN, SUM or REDUCE_MAX over axes of the value."""
        axes = [a % len(view.axes) for a in axes]
        gone = {i for a in axes for i in view.axes[a]}
        view = self.arrange(view, cut(view.groups, lambda i: i in gone))
        gone = {i for a in axes for i in view.axes[a]}
        places = [k for k, g in enumerate(view.groups) if g and g[0] in gone]
        if places:
            stored = tuple(1 if k in places else n for k, n in enumerate(view.stored))
            tensor = self.op(kind, [view.tensor, self.ints(places)], stored, keepDims=True)
        else:
            stored, tensor = view.stored, view.tensor
        kept = [i for i in range(len(view.factors)) if i not in gone]
        left = [() if a in axes else tuple(kept.index(i) for i in axis) for a, axis in enumerate(view.axes)]
        if not keep:
            left = [axis for a, axis in enumerate(left) if a not in axes]
        return View(tensor, stored, tuple(view.factors[i] for i in kept), tuple(left))

    # --- making two values agree ---

    def _padded(self, value: Value, rank: int) -> Value:
        missing = rank - _rank(value)
        if isinstance(value, View):
            return replace(value, axes=((),) * missing + value.axes)
        return value.reshape((1,) * missing + value.shape)

    def _to_match(self, full: View, other: Value) -> tuple[View, View]:
        """`other`, some of whose axes may be of size 1, laid out as `full` is; `full` only reshaped where it must."""
        if not isinstance(other, View):
            return self._constant_to_match(full, other)
        full, other = self.same_factors(full, other)
        partner = {i: j for a, b in zip(full.axes, other.axes, strict=True) for i, j in zip(a, b, strict=False)}
        groups = cut(full.groups, lambda i: i in partner)
        other = self.arrange(other, tuple(tuple(partner[i] for i in g if i in partner) for g in groups))
        return self.arrange(full, groups), other

    def _constant_to_match(self, full: View, other: Array) -> tuple[View, View]:
        """A constant costs nothing to rearrange: it takes the stored shape, with 1 where it is broadcast."""
        pieces: list[int] = []
        place: list[int] = []
        for axis, size in zip(full.axes, other.shape, strict=True):
            place += axis
            pieces += [full.factors[i] if size > 1 else 1 for i in axis]
        laid = other.reshape(pieces).transpose([place.index(i) for i in range(len(full.factors))])
        groups = cut(full.groups, lambda i: laid.shape[i] > 1)
        laid = laid.reshape([math.prod(laid.shape[i] for i in group) for group in groups])
        while laid.ndim > 1 and laid.shape[0] == 1:
            laid = laid[0]
        if 1 < laid.ndim == len(groups) < MOST_AXES:
            groups = ((), *groups)  # of constants with as many axes, LiteRT's GPU delegate reads the first line alone
        return self.arrange(full, groups), self.constant(laid)

    def same_factors(self, a: View, b: View) -> tuple[View, View]:
        """Both with the same factors in every axis that both have (size above 1)."""
        first, second = a, b
        for axis in range(len(a.axes)):
            if a.axes[axis] and b.axes[axis]:
                finer = _split(first, second, axis)
                if finer is None:  # cuts that cross, as 2·3 and 3·2: one of the two has to be laid out plainly
                    return self.same_factors(a, self.dense(b))
                other = _split(second, finer, axis)
                assert other is not None
                first, second = finer, other
        return first, second


def _rank(value: Value) -> int:
    return len(value.axes) if isinstance(value, View) else value.ndim


def _split(view: View, like: View, axis: int) -> View | None:
    """`view` with the factors of `axis` cut where those of `like` are; None where they cross."""
    cuts = [like.factors[i] for i in like.axes[axis]]
    shape = (*view.shape[:axis], *cuts, *view.shape[axis + 1 :])
    finer = reshaped(view, shape)
    return finer and reshaped(finer, view.shape)
