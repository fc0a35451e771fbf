"""Values that one graph computes in blocks of tokens and another as a whole, told as whole ones by both."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from runtimes.tracing import Tracer

Value = NDArray[np.float32]
_BLOCK = re.compile(r"~(\d+)$")
TOKENS = 1
"""The axis that is cut into blocks."""


def whole(name: str) -> str:
    """The value of which a block `NAME~3` is a part; a name that is no block's as it is."""
    return _BLOCK.sub("", name)


class Joined:
    """A tracer whose blocks are joined. A value of which it has not all blocks is left out."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer
        self.at_once = tracer.at_once
        self._blocks: dict[str, list[str]] = {}
        for name in tracer.names:
            self._blocks.setdefault(whole(name), []).append(name)
        self._blocks = {name: found for name, made in self._blocks.items() if (found := _blocks(name, made))}
        self.names = list(self._blocks)

    def trace(self, image: Value, wanted: Sequence[str], forced: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
        """As `Tracer.trace` has it, of whole values."""
        parts: dict[str, Value] = {}
        asked = [block for name in wanted for block in self._blocks[name]]
        for block, value in self._tracer.trace(image, asked, _InBlocks(forced, self._blocks, self._tracer.names)):
            parts[block] = value
            name = whole(block)
            blocks = self._blocks[name]
            if all(one in parts for one in blocks):
                values = [parts.pop(one) for one in blocks]
                yield name, values[0] if blocks == [name] else np.concatenate(values, TOKENS)


class _InBlocks(Mapping[str, Value]):
    """Whole values, also by their blocks' names."""

    def __init__(self, values: Mapping[str, Value], blocks: Mapping[str, Sequence[str]], names: Sequence[str]) -> None:
        self._values, self._blocks = values, blocks
        self._names = dict.fromkeys(name for name in names if whole(name) in values and whole(name) in blocks)
        self._last: tuple[str, Value] | None = None

    def __getitem__(self, name: str) -> Value:
        own = whole(name)
        if self._last is None or self._last[0] != own:  # blocks of one value are asked for one after another
            self._last = own, self._values[own]
        value = self._last[1]
        if own == name:
            return value
        blocks = self._blocks[own]
        return np.ascontiguousarray(np.array_split(value, len(blocks), TOKENS)[blocks.index(name)])

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _blocks(name: str, made: Sequence[str]) -> list[str]:
    """Of the tensors that are a value or its blocks those that make it up, in order; none where some are missing."""
    blocks = {int(found[1]): one for one in made if (found := _BLOCK.search(one))}
    if blocks and sorted(blocks) == list(range(len(blocks))):
        return [blocks[i] for i in sorted(blocks)]
    return [name] if name in made else []
