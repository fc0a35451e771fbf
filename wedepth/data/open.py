"""Finding out what a path holds: each format in its own small reader, chosen by what is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import overload

from wedepth.data.folders import find_images, find_split_file, open_images, open_manifest, open_split_file
from wedepth.data.frame import Frame
from wedepth.data.nyu_mat import open_mat
from wedepth.errors import WedepthError

ROOMS = "rooms"


@dataclass(frozen=True, slots=True)
class Dataset(Sequence[Frame]):
    """Frames that are read one by one when they are asked for."""

    name: str
    readers: Sequence[Callable[[], Frame]]

    def __len__(self) -> int:
        return len(self.readers)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> "Dataset": ...

    def __getitem__(self, index: int | slice) -> "Frame | Dataset":
        if isinstance(index, slice):
            return Dataset(self.name, self.readers[index])
        return self.readers[index]()

    def __iter__(self) -> Iterator[Frame]:
        return (read() for read in self.readers)


def open_dataset(path: str | Path, split: str | None = None) -> Dataset:
    """The frames at `path`, those of `split` alone if one is named.

    | path | format | split |
    |---|---|---|
    | `rooms`, `rooms:N` | 8 (or N) rooms drawn by wedepth.rooms, of seeds 0…N−1 | – |
    | `rooms:A-B` | the rooms of seeds A…B−1 | – |
    | `*.mat` | nyu_depth_v2_labeled.mat | `test` (Eigen's) or `train`, from splits.mat beside it |
    | folder with `manifest.json` | RGB-D frames | its `split`, the start of its `dataset`, or `split/dataset` |
    | folder of images alone (jpg, png) | frames without depth | – |
    | `*.txt`, folder with one per split | NYU or KITTI, lines of "rgb depth" | part of the file's name |

    Raises WedepthError where nothing fits, a file is missing or broken, or no frame is left.
    """
    readers = _readers(path, split)
    if not readers:
        raise WedepthError(f"There is no frame in {path}{f' of split {split!r}' if split else ''}.")
    return Dataset(str(path), readers)


def _readers(given: str | Path, split: str | None) -> Sequence[Callable[[], Frame]]:
    name, _, count = str(given).partition(":")
    path = Path(given)
    if name == ROOMS and not path.exists():
        return _rooms(count, split)
    if not path.exists():
        raise WedepthError(f"There is no {path}; --data takes a .mat, a folder, a split file, or `rooms`.")
    if path.suffix == ".mat":
        return open_mat(path, split)
    if path.is_file():
        if split:
            raise WedepthError(f"{path} is one split already; leave --split {split} out, or name its folder.")
        return open_split_file(path)
    if (path / "manifest.json").is_file():
        return open_manifest(path, split)
    if split is None and not any(path.glob("*.txt")) and (images := find_images(path)):
        return open_images(images)
    return open_split_file(find_split_file(path, split))


def _rooms(count: str, split: str | None) -> Sequence[Callable[[], Frame]]:
    from wedepth.rooms import render

    if split:
        raise WedepthError("rooms have no splits; leave --split out.")
    first, dash, last = count.partition("-")
    start, stop = (first, last) if dash else ("0", first or "8")
    if not (start.isdecimal() and stop.isdecimal() and int(start) < int(stop)):
        raise WedepthError(f"rooms:{count} names no rooms; write rooms:8 (seeds 0 to 7) or rooms:1000-5000, say.")
    return [partial(render, seed) for seed in range(int(start), int(stop))]
