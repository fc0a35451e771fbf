"""Calibration samples: chosen by a rule, spread over scene groups, the same ones for the same seed."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wedepth.data import Frame, resize_image
from wedepth.errors import WedepthError

COUNT = 64
"""Samples that are taken where there are as many."""
LEAST = 8
# Up to this many frames are kept while their groups are counted; of more, the chosen ones are read again.
KEPT = 128
# Frames whose 8×8 thumbnails differ by less, on average over 0…255, show the same thing.
ALIKE = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """An image RGB [H,W,3] of the network's size, and the SHA-256 of the frame's own pixels."""

    name: str
    image: NDArray[np.uint8]
    sha256: str


def choose(
    frames: Sequence[Frame],
    size: tuple[int, int],
    count: int | None = None,
    seed: int = 0,
    evaluated: Collection[str] = (),
) -> list[Sample]:
    """`count` samples (COUNT, or all there are, if None) for a network of `size` (height, width).

    Raises WedepthError for fewer frames than `count` or LEAST, frames that are much smaller than the network's input,
    frames that are all alike, and a frame that is also evaluated on (`evaluated`: hashes of frames).
    """
    frames = list(frames) if len(frames) <= KEPT else frames
    samples = []
    for frame in spread(frames, min(COUNT, len(frames)) if count is None else count, seed):
        height, width = frame.image.shape[:2]
        if 4 * height < size[0] or 4 * width < size[1]:
            raise WedepthError(
                f"{frame.name} is {height}×{width}: too small to calibrate a network of {size[0]}×{size[1]} with."
            )
        sha256 = frame_hash(frame)
        if sha256 in evaluated:
            raise WedepthError(
                f"{frame.name} is among the evaluation frames too: what is calibrated on it cannot be judged by it."
            )
        samples.append(Sample(frame.name, resize_image(frame.image, size), sha256))
    if len(samples) < LEAST:
        raise WedepthError(f"Calibration needs at least {LEAST} samples; there are {len(samples)}.")
    thumbnails = np.stack([resize_image(sample.image, (8, 8)).astype(np.float32) for sample in samples])
    if np.abs(thumbnails - thumbnails[0]).mean(axis=(1, 2, 3)).max() < ALIKE:
        raise WedepthError(
            f"The {len(samples)} calibration samples are all alike; ranges found on them hold for nothing."
        )
    return samples


def frame_hash(frame: Frame) -> str:
    """The SHA-256 of a frame's own pixels, by which it is known again whatever file it is in."""
    return hashlib.sha256(np.ascontiguousarray(frame.image).tobytes()).hexdigest()


def spread(frames: Sequence[Frame], count: int, seed: int = 0) -> list[Frame]:
    """`count` frames taken in turn from every scene group, in an order drawn from `seed`.

    Frames of one room are alike, so a group gives its second frame only when every group has given its first.
    Raises WedepthError when there are fewer than `count`.
    """
    if not 1 <= count <= len(frames):
        raise WedepthError(f"{count} samples were asked for, but there are only {len(frames)} frames.")
    groups: dict[str, list[int]] = defaultdict(list)
    for index, frame in enumerate(frames):
        groups[frame.scene_group].append(index)
    random = np.random.default_rng(seed)
    queues = [[group[i] for i in random.permutation(len(group))] for _, group in sorted(groups.items())]
    queues = [queues[i] for i in random.permutation(len(queues))]
    chosen: list[int] = []
    while len(chosen) < count:
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return [frames[index] for index in chosen]
