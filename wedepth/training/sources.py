"""What --data and --val name: PATH[@SPLIT][=WEIGHT]."""

import math
from dataclasses import dataclass
from pathlib import Path

from wedepth.data import Dataset, open_dataset
from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Source:
    """Frames of one path and split, and how often they are drawn beside the other sources."""

    path: str
    split: str | None = None
    weight: float = 1.0

    @property
    def label(self) -> str:
        """As it was named, without the weight and the folders it lies in: labels are published with the weights."""
        name = Path(self.path).name
        return f"{name}@{self.split}" if self.split else name

    def open(self) -> Dataset:
        """Its frames, read one by one when they are asked for."""
        return open_dataset(self.path, self.split)


def parse_source(text: str, *, weighted: bool = True) -> Source:
    """A source from its text; a path that exists with an `@` or `=` in its name is taken whole."""
    if Path(text).exists():
        return Source(text)
    rest, equals, number = text.rpartition("=")
    weight = 1.0
    if equals and weighted:
        try:
            weight = float(number)
        except ValueError:
            raise WedepthError(f"{text!r} ends in no weight: write PATH@SPLIT=0.5, say.") from None
        if not 0 < weight < math.inf:
            raise WedepthError(f"The weight of {rest} must be above 0, not {number}.")
    elif equals:
        raise WedepthError(f"{text!r}: validation sources have no weight; each counts the same.")
    name = rest if equals else text
    if Path(name).exists():
        return Source(name, None, weight)
    path, at, split = name.rpartition("@")
    if not at:
        return Source(name, None, weight)
    if not path or not split:
        raise WedepthError(f"{text!r} is no source: write PATH, PATH@SPLIT or PATH@SPLIT=WEIGHT.")
    return Source(path, split, weight)
