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
        """The axes as they lie in memory, each by its first factor; an axis of size 1 stays before its successor."""
        lies: list[int] = sorted((a for a, axis in enumerate(self.axes) if axis), key=lambda a: self.axes[a][0])
        for a in reversed(range(len(self.axes))):
            if not self.axes[a]:
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
    """The groups, cut wherever the mark of neighbouring factors differs."""
    result: list[tuple[int, ...]] = []
    for group in groups:
        parts: list[tuple[int, ...]] = [()]
        for i in group:
            if parts[-1] and mark(i) != mark(parts[-1][-1]):
                parts.append(())
            parts[-1] = (*parts[-1], i)
        result += parts
    return tuple(result)


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
        rest = (
            [tuple(i for i in g if i < wanted[0]) for g in groups],
            [tuple(i for i in g if i > wanted[-1]) for g in groups],
        )
        ahead, behind = ([g for g in part if g] for part in rest)
        return (*ahead, wanted, *behind), len(ahead)
    order = sorted((i for i in range(len(view.axes)) if view.axes[i]), key=lambda a: view.axes[a][0])
    return tuple(view.axes[a] for a in order), order.index(axis)
