"""Multiply-accumulates of an op by the shapes of what it multiplies; those of one image."""

import math
from collections.abc import Sequence


def convolution(result: Sequence[int], per_output: Sequence[int]) -> int:
    """A convolution that gives `result`, each number of it from weights of the shape `per_output`."""
    return math.prod(result) * math.prod(per_output)


def transposed(image: Sequence[int], per_input: Sequence[int]) -> int:
    """A transposed convolution of `image`, each number of which goes through weights of the shape `per_input`."""
    return math.prod(image) * math.prod(per_input)


def product(result: Sequence[int], summed: int) -> int:
    """A product of matrices that gives `result`, each number of it a sum of so many products."""
    return math.prod(result) * summed


def einsum(equation: str, first: Sequence[int], second: Sequence[int]) -> int:
    """A product of two tensors as `equation` says, `bij,bjk->bik` for instance: of all axes that there are."""
    one, two = equation.replace(" ", "").split("->")[0].split(",")
    return math.prod(dict([*zip(one, first, strict=True), *zip(two, second, strict=True)]).values())
