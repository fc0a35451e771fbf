"""Values in blocks are read and replaced as whole ones."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runtimes.joined import Joined, whole

VALUE = np.arange(14, dtype=np.float32).reshape(1, 7, 2)
PARTS = np.array_split(VALUE, 3, axis=1)


class InBlocks:
    """A tracer of `a` as a whole, of `b` in three blocks, and of `c`, of which a block is missing."""

    at_once = 2

    def __init__(self) -> None:
        self.names = ["a", "b~0", "c~0", "b~1", "c~2", "b~2"]

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Mapping[str, NDArray[np.float32]]
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        own = {"a": VALUE, "b~0": PARTS[0], "b~1": PARTS[1], "b~2": PARTS[2]}
        for name in self.names:
            if name in wanted:
                yield name, forced[name] if name in forced else own[name]


def test_blocks_are_one_value_in_the_order_of_computation() -> None:
    joined = Joined(InBlocks())
    assert joined.names == ["a", "b"]
    found = dict(joined.trace(VALUE, ["a", "b"], {}))
    assert np.array_equal(found["b"], VALUE) and np.array_equal(found["a"], VALUE)


def test_a_whole_value_replaces_every_block() -> None:
    found = dict(Joined(InBlocks()).trace(VALUE, ["a", "b"], {"b": 2 * VALUE, "c": VALUE}))
    assert np.array_equal(found["b"], 2 * VALUE) and np.array_equal(found["a"], VALUE)


def test_names() -> None:
    assert [whole(name) for name in ("m/MatMul~12", "m/MatMul", "m/x~whole")] == ["m/MatMul", "m/MatMul", "m/x~whole"]
