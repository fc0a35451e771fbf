"""Which frames an epoch shows, in which order: all of it follows from the seed and the epoch's number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Groups:
    """A source's frames as numbers, by scene group, and its weight beside the other sources."""

    weight: float
    groups: tuple[tuple[int, ...], ...]


def draw_epoch(sources: Sequence[Groups], count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The numbers of the `count` frames of an epoch, in order.

    A frame's chance is its source's weight × one over the source's scene groups × one over the group's frames. Each
    source gets its share of the epoch, and goes through its groups in rounds of random order, so that none is shown
    twice while another has not been shown.
    """
    rng = np.random.default_rng((seed, epoch))
    weights = np.array([source.weight for source in sources])
    weights = weights / weights.sum()
    shares = np.floor(weights * count).astype(int)
    left = weights * count - shares
    if count > shares.sum():
        shares += rng.multinomial(count - shares.sum(), left / left.sum())
    drawn: list[int] = []
    for source, share in zip(sources, shares, strict=True):
        rounds = -(-share // len(source.groups))
        order = [rng.permutation(len(source.groups)) for _ in range(rounds)]
        for group in np.concatenate(order)[:share] if rounds else ():
            frames = source.groups[group]
            drawn.append(frames[rng.integers(len(frames))])
    return np.array(drawn, np.int64)[rng.permutation(count)]
