"""The bookkeeping of reshapes and transposes, against numpy."""

import math

import numpy as np
import pytest

from export.tflite.view import View, fresh, regrouped, reshaped, runs, swaps, with_axis_alone


def value(view: View, memory: np.ndarray) -> np.ndarray:
    """What a view over a tensor's memory means."""
    pieces = memory.reshape(view.factors)
    order = [i for axis in view.axes for i in axis]
    return pieces.transpose(order).reshape(view.shape)


def random_shape(size: int, rng: np.random.Generator) -> tuple[int, ...]:
    shape = []
    while size > 1:
        part = int(rng.choice([d for d in range(1, size + 1) if size % d == 0]))
        shape.append(part)
        size //= part
    return tuple(shape) or (1,)


@pytest.mark.parametrize("seed", range(40))
def test_chains(seed: int) -> None:
    """Any chain of reshapes and transposes that stays lazy means what numpy makes of it."""
    rng = np.random.default_rng(seed)
    stored = random_shape(120, rng)
    memory = np.arange(120)
    view, array = fresh(0, stored), memory.reshape(stored)
    for _ in range(6):
        if rng.random() < 0.5:
            order = list(map(int, rng.permutation(array.ndim)))
            view, array = view.transposed(order), array.transpose(order)
        else:
            shape = random_shape(120, rng)
            lazy = reshaped(view, shape)
            if lazy is not None:
                view, array = lazy, array.reshape(shape)
        assert view.shape == array.shape
        assert math.prod(view.stored) == 120
        np.testing.assert_array_equal(value(view, memory), array)
        axis = int(rng.integers(array.ndim))
        groups, place = with_axis_alone(view, axis)
        assert groups[place] == view.axes[axis]
        moved = memory.reshape(view.factors).transpose([i for g in groups for i in g]).reshape(-1)
        again = regrouped(view, 1, groups)
        assert again.stored[place] == array.shape[axis]
        np.testing.assert_array_equal(value(again, moved), array)


def test_channels_last() -> None:
    """[1,C,H,W] kept as [1,H,W,C] becomes tokens [1,HW,C] and heads without a move of memory."""
    view = fresh(0, (1, 4, 6, 8), [0, 2, 3, 1])
    assert view.shape == (1, 8, 4, 6)
    tokens = reshaped(view, (1, 8, 24))
    assert tokens is not None
    tokens = tokens.transposed([0, 2, 1])
    assert tokens.shape == (1, 24, 8)
    assert [i for axis in tokens.axes for i in axis] == sorted(i for axis in tokens.axes for i in axis)
    heads = reshaped(tokens, (1, 24, 2, 4))
    assert heads is not None
    assert heads.factors == (4, 6, 2, 4)
    assert runs((heads.axes[2], heads.axes[1], heads.axes[3])) == [(2,), (0, 1), (3,)]


def test_crossing_factors_have_to_move() -> None:
    """6 = 2·3 cannot become 3·2 once its halves lie apart."""
    view = fresh(0, (2, 5, 3)).transposed([0, 2, 1])
    assert reshaped(view, (3, 2, 5)) is None


@pytest.mark.parametrize("seed", range(20))
def test_swaps(seed: int) -> None:
    """Exchanges of neighbouring blocks end in the permutation."""
    order = list(map(int, np.random.default_rng(seed).permutation(6)))
    at = sorted(order)
    for start, middle, end in swaps(order):
        at = at[:start] + at[middle:end] + at[start:middle] + at[end:]
    assert at == order
