"""Frames made ready: each is read once at the start, cut and resized to the training size, and kept while it fits."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from wedepth.data import Frame, resize_image
from wedepth.errors import WedepthError
from wedepth.training.sampling import Groups
from wedepth.training.sources import Source

BUDGET = 4 << 30
"""Bytes of prepared frames that are kept in memory."""
# Starting processes costs about a second each; below this many frames one process is done sooner.
FEW = 48

Reader = Callable[[], Frame]
Pair = tuple[NDArray[np.uint8], NDArray[np.float32]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of every frame: its name, scene group and hashes, and how many of its depths can be learned from."""

    name: str
    group: str
    rgb: str
    """SHA-256 of the RGB values."""
    sha256: str
    """Of RGB and depth as they were read."""
    learnable: int


def fit(frame: Frame, size: tuple[int, int]) -> Pair:
    """The frame's centre in the proportions of `size`, at that size: image antialiased, depth nearest.

    Depth is 0 where it cannot be learned from: unknown or outside the range. The crop in which a data set is evaluated
    does not matter here.
    """
    from PIL import Image

    h, w = frame.depth.shape
    height, width = min(h, w * size[0] / size[1]), min(w, h * size[1] / size[0])
    left, top = (w - width) / 2, (h - height) / 2
    box = (left, top, left + width, top + height)
    depth = frame.depth
    # Comparisons with NaN are false: it is unknown too.
    depth = np.where((depth > frame.min_depth) & (depth < frame.max_depth), depth, np.float32(0))
    image = Image.fromarray(frame.image).resize(size[::-1], Image.Resampling.BILINEAR, box)
    return np.asarray(image), np.asarray(Image.fromarray(depth).resize(size[::-1], Image.Resampling.NEAREST, box))


def known(frame: Frame, learnable: int) -> Known:
    """A frame's names and hashes."""
    rgb = hashlib.sha256(np.ascontiguousarray(frame.image).data)
    both = rgb.copy()
    both.update(np.ascontiguousarray(frame.depth).data)
    return Known(frame.name, frame.scene_group, rgb.hexdigest(), both.hexdigest(), learnable)


@dataclass(frozen=True, slots=True)
class TrainFrames:
    """All sources' frames by number. `pairs[n]` is None where memory did not suffice: then it is read again."""

    size: tuple[int, int]
    readers: Sequence[Reader]
    known: Sequence[Known]
    pairs: Sequence[Pair | None]
    sources: tuple[Groups, ...]
    left_out: int
    """Frames without a depth to learn from."""

    def pair(self, number: int) -> Pair:
        """Image uint8 [H,W,3] and depth float32 [H,W] at the training size."""
        return self.pairs[number] or fit(self.readers[number](), self.size)


@dataclass(frozen=True, slots=True)
class ValFrame:
    """A frame to validate on: what the network sees [h,w,3], squeezed as parity does, and the truth in its own size."""

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    """[H,W] in metres, 0 where no metric is taken."""
    min_depth: float
    max_depth: float


@dataclass(frozen=True, slots=True)
class ValFrames:
    """The frames of one validation source that have depth; all are kept in memory."""

    label: str
    frames: tuple[ValFrame, ...]
    known: tuple[Known, ...]


def read_train_frames(
    sources: Sequence[Source], size: tuple[int, int], step: Callable[[], None], workers: int, budget: int = BUDGET
) -> TrainFrames:
    """Every frame of the sources, once: one that is in two sources (RGB and depth alike) is kept once.

    `step` is told of each frame that was read. Raises WedepthError where a source has no depth to learn from.
    """
    readers: list[Reader] = []
    frames: list[Known] = []
    pairs: list[Pair | None] = []
    numbers: dict[str, int] = {}
    grouped: list[Groups] = []
    left_out = 0
    room = budget // (size[0] * size[1] * 7)
    for source in sources:
        groups: dict[str, list[int]] = {}
        own = source.open().readers
        for reader, (frame, pair) in zip(own, _each(partial(_prepare, size=size), own, step, workers), strict=True):
            if not frame.learnable:
                left_out += 1
                continue
            number = numbers.setdefault(frame.sha256, len(readers))
            if number == len(readers):
                readers.append(reader)
                frames.append(frame)
                pairs.append(pair if number < room else None)
            groups.setdefault(frame.group, []).append(number)
        if not groups:
            raise WedepthError(f"No frame of {source.label} has a depth that could be learned from.")
        grouped.append(Groups(source.weight, tuple(tuple(group) for group in groups.values())))
    return TrainFrames(size, readers, frames, pairs, tuple(grouped), left_out)


def read_val_frames(source: Source, size: tuple[int, int], step: Callable[[], None], workers: int) -> ValFrames:
    """Every frame of a source that has depth where metrics are taken; none at all is refused."""
    read = list(_each(partial(_prepare_validation, size=size), source.open().readers, step, workers))
    chosen = [(frame, words) for frame, words in read if words.learnable]
    if not chosen:
        raise WedepthError(f"No frame of {source.label} has a valid depth to validate on.")
    return ValFrames(source.label, tuple(f for f, _ in chosen), tuple(words for _, words in chosen))


def refuse_overlap(train: TrainFrames, validation: Sequence[ValFrames]) -> None:
    """Refuse a frame (by its RGB values) or a scene group that is trained on and validated on."""
    pictures = {frame.rgb: frame.name for frame in train.known}
    groups = {frame.group: frame.name for frame in train.known}
    for source in validation:
        for frame in source.known:
            if frame.rgb in pictures:
                raise WedepthError(
                    f"{frame.name} of --val {source.label} is also trained on, as {pictures[frame.rgb]}: "
                    "validation must be of other frames."
                )
            if frame.group in groups:
                raise WedepthError(
                    f"The scene group {frame.group!r} is in --val {source.label} ({frame.name}) and is also trained "
                    f"on ({groups[frame.group]}): validation must be of other scenes."
                )


def data_hash(frames: Sequence[Known]) -> str:
    """SHA-256 over the frames' values, in their order."""
    return hashlib.sha256("".join(frame.sha256 for frame in frames).encode()).hexdigest()


def _prepare(reader: Reader, size: tuple[int, int]) -> tuple[Known, Pair]:
    frame = reader()
    pair = fit(frame, size)
    return known(frame, int(np.count_nonzero(pair[1]))), pair


def _prepare_validation(reader: Reader, size: tuple[int, int]) -> tuple[ValFrame, Known]:
    frame = reader()
    truth = np.where(frame.valid, frame.depth, np.float32(0))
    ready = ValFrame(resize_image(frame.image, size), truth, frame.min_depth, frame.max_depth)
    return ready, known(frame, int(frame.valid.sum()))


def _each(
    work: Callable[[Reader], T], readers: Sequence[Reader], step: Callable[[], None], workers: int
) -> Iterator[T]:
    """`work` of every reader, in order; many of them in `workers` processes."""
    if workers < 2 or len(readers) < FEW:
        for reader in readers:
            yield work(reader)
            step()
        return
    # spawn: torch's threads are running, and a fork would copy their locks.
    with ProcessPoolExecutor(min(workers, os.cpu_count() or 1), get_context("spawn")) as pool:
        for result in pool.map(work, readers, chunksize=4):
            yield result
            step()
