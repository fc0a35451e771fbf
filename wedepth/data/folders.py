"""Frames in folders: "rgb depth" split files of NYU and KITTI, and folders with a manifest.json."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wedepth.data.frame import INDOOR, KITTI, NYU, Convention, Frame, read_depth, read_image
from wedepth.errors import WedepthError

Reader = Callable[[], Frame]


IMAGES = (".jpg", ".jpeg", ".png")


def find_images(folder: Path) -> list[Path]:
    """The image files in a folder itself, in order of name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGES)


def open_images(files: Sequence[Path]) -> Sequence[Reader]:
    """Images without depth: frames of which no pixel is valid, each a scene of its own."""
    return [partial(_read_photo, file) for file in files]


def _read_photo(file: Path) -> Frame:
    image = read_image(file)
    return INDOOR.frame(file.name, image, np.zeros(image.shape[:2], np.float32), file.name)


def find_split_file(folder: Path, split: str | None) -> Path:
    """The one split file (`*.txt`) in the folder, or the one with `split` in its name."""
    files = sorted(folder.glob("*.txt"))
    fitting = [f for f in files if split is None or split in f.stem]
    if len(fitting) == 1:
        return fitting[0]
    if not files:
        raise WedepthError(
            f"{folder} holds no frames that are known: no manifest.json, no split file (.txt, lines of 'rgb depth') "
            "and no image (.jpg, .png)."
        )
    names = ", ".join(f.name for f in files)
    raise WedepthError(f"Which split of {folder}? Its split files are {names}; name one with --split.")


def open_split_file(path: Path) -> Sequence[Reader]:
    """Lines of "rgb depth [focal]", paths from the file's folder, as BTS and AdaBins write them.

    The size of an image says whose it is, as nothing in the file does: 480×640 is NYU (metres = value / 1000, 10 m,
    Eigen crop), at least 352×1216 is KITTI (value / 256, 80 m, Garg crop, bottom centre cut); any other is refused, for
    a guess would be wrong fourfold. Lines whose depth is `None` have no ground truth: left out.
    """
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise WedepthError(f"Cannot read the split file {path}: {error}.") from None
    readers = []
    for number, words in enumerate(lines, 1):
        if len(words) < 2:
            raise WedepthError(f"{path}, line {number} is not 'rgb depth': {' '.join(words)!r}.")
        rgb, depth = words[:2]
        if depth != "None":
            readers.append(partial(_read_line, path.parent, rgb.lstrip("/"), depth.lstrip("/")))
    return readers


def _read_line(root: Path, rgb: str, depth: str) -> Frame:
    image = read_image(root / rgb)
    height, width = image.shape[:2]
    if (height, width) == (480, 640):
        convention, scale = NYU, 1000
    elif height >= 352 and width >= 1216:
        convention, scale = KITTI, 256
    else:
        raise WedepthError(
            f"{root / rgb} is {height}×{width}, neither NYU's 480×640 nor KITTI's; "
            "for frames of another data set write a manifest.json, which states their depth_scale."
        )
    return convention.frame(rgb, image, read_depth(root / depth, scale), str(Path(rgb).parent))


_WORDS = ("dataset", "name", "rgb", "depth", "split", "scene_group")
_NEEDED = (*_WORDS, "depth_scale", "registered")


def open_manifest(folder: Path, split: str | None) -> Sequence[Reader]:
    """An RGB-D folder: `manifest.json` is a list of frames with the keys above (and `rgb_sha256`, checked if there).

    `split` is a value of `split`, the start of a `dataset` (such as `nyu`), or both (`calib/nyu`). Frames whose
    depth does not line up with the image (`registered` false) are left out unless their split is named; then no pixel
    of theirs is valid.
    """
    try:
        entries = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise WedepthError(f"Cannot read {folder / 'manifest.json'}: {error}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WedepthError(f"{folder / 'manifest.json'} is no list of frames.")
    for number, entry in enumerate(entries):
        if missing := [key for key in _NEEDED if key not in entry]:
            raise WedepthError(f"Frame {number} of {folder / 'manifest.json'} lacks {', '.join(missing)}.")
        if unlike := [key for key in _WORDS if not isinstance(entry[key], str)]:
            raise WedepthError(f"Frame {number} of {folder / 'manifest.json'}: {', '.join(unlike)} must be text.")
        scale = entry["depth_scale"]
        if not isinstance(scale, int | float) or not scale > 0:
            raise WedepthError(
                f"Frame {number} of {folder / 'manifest.json'}: depth_scale is values per metre, not {scale!r}."
            )
    if split is None:
        chosen = [entry for entry in entries if entry["registered"]]
    else:
        named, _, dataset = split.partition("/")
        chosen = [e for e in entries if e["split"] == named and e["dataset"].startswith(dataset)]
        if not chosen and not dataset:
            chosen = [e for e in entries if e["dataset"].startswith(split) and e["registered"]]
        if not chosen:
            splits, datasets = (", ".join(sorted({e[key] for e in entries})) for key in ("split", "dataset"))
            raise WedepthError(
                f"{folder} has no split or registered data set {split!r}; its splits are {splits}; "
                f"its data sets {datasets}."
            )
    return [partial(_read_entry, folder, entry) for entry in chosen]


def _convention(dataset: str) -> Convention:
    return KITTI if dataset.startswith("kitti") else NYU if dataset.startswith("nyu") else INDOOR


def _read_entry(folder: Path, entry: dict[str, Any]) -> Frame:
    name = f"{entry['dataset']}/{entry['name']}"
    expected = entry.get("rgb_sha256")
    image = read_image(folder / entry["rgb"])
    if expected and hashlib.sha256((folder / entry["rgb"]).read_bytes()).hexdigest()[: len(expected)] != expected:
        raise WedepthError(f"{folder / entry['rgb']} is not the file its manifest describes.")
    depth = read_depth(folder / entry["depth"], entry["depth_scale"])
    if not entry["registered"]:
        depth = depth * 0
    return _convention(entry["dataset"]).frame(name, image, depth, entry["scene_group"])
