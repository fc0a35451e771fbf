"""Choosing samples: spread over scene groups, the same ones for the same seed."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from wedepth.data import Frame
from wedepth.errors import WedepthError


def spread(frames: Sequence[Frame], count: int, seed: int = 0) -> list[Frame]:
    """`count` frames taken in turn from every scene group, in an order drawn from `seed`.

    Frames of one room are alike, so a group gives its second frame only when every group has given its first.
    Raises WedepthError when there are fewer than `count`.
    """
    if len(frames) < count:
        raise WedepthError(f"{count} samples were asked for, but there are only {len(frames)} frames.")
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[frame.scene_group].append(frame)
    random = np.random.default_rng(seed)
    queues = [[group[i] for i in random.permutation(len(group))] for _, group in sorted(groups.items())]
    queues = [queues[i] for i in random.permutation(len(queues))]
    chosen: list[Frame] = []
    while len(chosen) < count:
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return chosen
