"""Where a value's elements lie: transposes and reshapes as bookkeeping, not as work.

ONNX counts axes [1,C,H,W]; TFLite's kernels want channels last, and attention wants heads first. A `View` remembers
how a value's axes are made of pieces of its tensor, so that a chain of Reshape and Transpose is no operator at all
until something needs its elements in a certain order.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

Groups = tuple[tuple[int, ...], ...]
# GPU delegates take tensors of four axes at most.
MOST_AXES = 4


@dataclass(frozen=True, slots=True)
class View:
    """A value of shape `shape` kept in a tensor.

    `stored` is the tensor's own shape. `factors` are sizes above 1 whose product, in this order, runs through the
    tensor's memory; every stored axis is made of whole neighbouring factors. `axes` says for each axis of the value
    which factors it is made of, major first; an axis of size 1 has none.
    """

    tensor: int
    stored: tuple[int, ...]
    factors: tuple[int, ...]
    axes: Groups

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's shape as ONNX has it."""
        return tuple(math.prod(self.factors[i] for i in axis) for axis in self.axes)

    @property
    def groups(self) -> Groups:
        """For each stored axis the factors it is made of."""
        result, at = [], 0
        for size in self.stored:
            start = at
            while size > 1:
                size //= self.factors[at]
                at += 1
            result.append(tuple(range(start, at)))
        return tuple(result)

    @property
    def order(self) -> list[int]:
        """The axes as they lie in memory, each by its first factor.

        Axes of size 1 take the tensor's own axes of size 1, if there are as many, or else stay before their successors.
        """
        lies: list[int] = sorted((a for a, axis in enumerate(self.axes) if axis), key=lambda a: self.axes[a][0])
        units = [a for a, axis in enumerate(self.axes) if not axis]
        if len(self.stored) == len(self.axes) and self.stored.count(1) == len(units):
            return [units.pop(0) if size == 1 else lies.pop(0) for size in self.stored]
        for a in reversed(units):
            lies.insert(lies.index(a + 1) if a + 1 in lies else len(lies), a)
        return lies

    def transposed(self, order: list[int]) -> "View":
        """The same elements with axes in another order."""
        return replace(self, axes=tuple(self.axes[i] for i in order))


def fresh(tensor: int, stored: tuple[int, ...], order: list[int] | None = None) -> View:
    """The view of a tensor whose stored axis k is the value's axis order[k] (the same one, by default)."""
    sizes = [i for i, n in enumerate(stored) if n > 1]
    axes: list[tuple[int, ...]] = [()] * len(stored)
    for k, axis in enumerate(order or range(len(stored))):
        axes[axis] = (sizes.index(k),) if k in sizes else ()
    return View(tensor, stored, tuple(stored[i] for i in sizes), tuple(axes))


def reshaped(view: View, shape: tuple[int, ...]) -> View | None:
    """The same elements in another shape; None where that cuts factors across, so that they have to be moved first."""
    pending = [(i, view.factors[i]) for axis in view.axes for i in axis]
    pieces: list[list[int]] = [[] for _ in view.factors]
    found: list[list[tuple[int, int]]] = []
    for size in shape:
        axis: list[tuple[int, int]] = []
        while size > 1:
            i, factor = pending.pop(0)
            taken = math.gcd(size, factor)
            if taken not in (size, factor):
                return None
            if taken < factor:
                pending.insert(0, (i, factor // taken))
            axis.append((i, len(pieces[i])))
            pieces[i].append(taken)
            size //= taken
        found.append(axis)
    first = [sum(len(p) for p in pieces[:i]) for i in range(len(pieces))]
    factors = tuple(size for piece in pieces for size in piece)
    return View(view.tensor, view.stored, factors, tuple(tuple(first[i] + k for i, k in axis) for axis in found))


def regrouped(view: View, tensor: int, groups: Groups) -> View:
    """The same value once its factors lie in `tensor` group after group, each group one stored axis.

    Factors that are neighbours in an axis of the value and in a stored axis become one.
    """
    follows = {b: a for axis in view.axes for a, b in itertools.pairwise(axis)}
    number: dict[int, int] = {}
    factors: list[int] = []
    for group in groups:
        for k, i in enumerate(group):
            if k and follows.get(i) == group[k - 1]:
                factors[-1] *= view.factors[i]
            else:
                factors.append(view.factors[i])
            number[i] = len(factors) - 1
    axes = tuple(tuple(dict.fromkeys(number[i] for i in axis)) for axis in view.axes)
    return View(tensor, sizes(view, groups), tuple(factors), axes)


def sizes(view: View, groups: Groups) -> tuple[int, ...]:
    """The stored shape that groups of factors make."""
    return tuple(math.prod(view.factors[i] for i in group) for group in groups)


def cut(groups: Groups, mark: Callable[[int], bool]) -> Groups:
    """The groups, cut wherever the mark of neighbouring factors differs; without axes of size 1 where they are many."""
    result: list[tuple[int, ...]] = []
    for group in groups:
        parts: list[tuple[int, ...]] = [()]
        for i in group:
            if parts[-1] and mark(i) != mark(parts[-1][-1]):
                parts.append(())
            parts[-1] = (*parts[-1], i)
        result += parts
    return tuple(result) if len(result) <= MOST_AXES else tuple(group for group in result if group)


def runs(groups: Groups) -> list[tuple[int, ...]]:
    """The longest runs of factors that stay neighbours when memory is rearranged into `groups`."""
    result: list[list[int]] = []
    for i in (i for group in groups for i in group):
        if result and result[-1][-1] + 1 == i:
            result[-1].append(i)
        else:
            result.append([i])
    return [tuple(run) for run in result]


def with_axis_alone(view: View, axis: int) -> tuple[Groups, int]:
    """Groups in which the factors of `axis` are one stored axis, the others as they lie, and that axis's place.

    An axis of size 1 takes a stored axis of size 1 that comes after all that precedes it, or else a new one.
    """
    wanted = view.axes[axis]
    groups = view.groups
    if not wanted:
        before = max((i for a in view.axes[:axis] for i in a), default=-1)
        free = [k for k, g in enumerate(groups) if not g]
        place = next((k for k in reversed(free) if all(i > before for g in groups[k:] for i in g)), None)
        if place is None and free:
            place = free[-1]
        return (groups, place) if place is not None else ((*groups, ()), len(groups))
    if wanted in groups:
        return groups, groups.index(wanted)
    if wanted == tuple(range(wanted[0], wanted[-1] + 1)):  # neighbours already, only stored axes to cut or join
        ahead = [tuple(i for i in g if i < wanted[0]) for g in groups if not g or g[0] < wanted[0]]
        behind = [tuple(i for i in g if i > wanted[-1]) for g in groups if g and g[-1] > wanted[-1]]
        if len(ahead) + 1 + len(behind) > MOST_AXES:
            ahead = [g for g in ahead if g]
        return (*ahead, wanted, *behind), len(ahead)
    order = view.order
    return tuple(view.axes[a] for a in order), order.index(axis)


def swaps(order: list[int]) -> list[tuple[int, int, int]]:
    """A permutation as exchanges of neighbouring blocks: (start, middle, end) of each, in turn."""
    at, result = sorted(order), []
    for start, item in enumerate(order):
        middle = at.index(item)
        if middle != start:
            end = middle + 1
            while end < len(at) and start + end - middle < len(order) and at[end] == order[start + end - middle]:
                end += 1
            result.append((start, middle, end))
            at = at[:start] + at[middle:end] + at[start:middle] + at[end:]
    return result
