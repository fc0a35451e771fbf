"""nyu_depth_v2_labeled.mat (HDF5) and the Eigen split that comes with it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wedepth.data.frame import NYU, Frame
from wedepth.errors import WedepthError

SPLITS = {"train": "trainNdxs", "test": "testNdxs"}
ALIASES = {"eval": "test"}


def open_mat(path: Path, split: str | None) -> Sequence[Callable[[], Frame]]:
    """The 1 449 labelled frames, or those of the Eigen `train` (795) or `test` (654, also `eval`) split.

    The split's indices are the data set's own, from `splits.mat` beside the file; they are not repeated here.
    """
    h5py = _package("h5py", "nyu")
    try:
        with h5py.File(path, "r") as file:
            shapes = file["images"].shape, file["depths"].shape
            kind = file["images"].dtype
    except (OSError, KeyError, AttributeError) as error:
        raise WedepthError(f"{path} is not nyu_depth_v2_labeled.mat or is cut short: {error}.") from None
    count = shapes[0][0]
    if kind != np.uint8:
        raise WedepthError(f"{path} holds images of {kind}; nyu_depth_v2_labeled.mat holds uint8.")
    if len(shapes[0]) != 4 or shapes[0][1] != 3 or shapes[1] != (count, *shapes[0][2:]):
        raise WedepthError(f"{path} holds images {shapes[0]} and depths {shapes[1]}; they do not belong together.")
    indices = range(count) if split is None else _indices(path.with_name("splits.mat"), split, count)
    return [partial(_read, path, int(index)) for index in indices]


def _indices(path: Path, split: str, count: int) -> np.ndarray:
    key = SPLITS.get(ALIASES.get(split, split))
    if key is None:
        raise WedepthError(f"NYU has no split {split!r}; its splits are train and test.")
    if not path.is_file():
        raise WedepthError(f"The split {split!r} needs the data set's own splits.mat in {path.parent}.")
    io = _package("scipy.io", "nyu")
    try:
        indices = np.ravel(io.loadmat(path)[key]).astype(int) - 1  # MATLAB counts from 1
    except Exception as error:
        raise WedepthError(f"Cannot read {key} from {path}: {error}.") from None
    if indices.size == 0 or indices.min() < 0 or indices.max() >= count:
        raise WedepthError(f"{path} names frames that the .mat, with {count}, does not have.")
    return indices


def _read(path: Path, index: int) -> Frame:
    h5py = _package("h5py", "nyu")  # not an argument: readers are sent to other processes
    try:
        with h5py.File(path, "r") as file:
            # Stored transposed, as MATLAB does: [3,640,480] and [640,480].
            image = np.ascontiguousarray(np.transpose(file["images"][index], (2, 1, 0)))
            depth = np.ascontiguousarray(file["depths"][index].T.astype(np.float32))
            scene = "nyu"
            if "scenes" in file:
                scene = "".join(chr(c) for c in np.ravel(file[file["scenes"][0, index]]))
    except OSError as error:
        raise WedepthError(f"Frame {index} of {path} is damaged: {error}.") from None
    return NYU.frame(f"nyu/{index}", image, depth, scene)


def _package(name: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise WedepthError(f"Reading NYU's .mat needs {name}: pip install 'wedepth[{extra}]'.") from None
