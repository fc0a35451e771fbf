"""Frames in folders: "rgb depth" split files of NYU and KITTI, and folders with a manifest.json."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from wedepth.data.frame import INDOOR, KITTI, NYU, Convention, Frame, bottom_centre, read_depth, read_image
from wedepth.errors import WedepthError

Reader = Callable[[], Frame]


def find_split_file(folder: Path, split: str | None) -> Path:
    """The one split file (`*.txt`) in the folder, or the one with `split` in its name."""
    files = sorted(folder.glob("*.txt"))
    fitting = [f for f in files if split is None or split in f.stem]
    if len(fitting) == 1:
        return fitting[0]
    if not files:
        raise WedepthError(
            f"{folder} holds no frames that are known: no manifest.json and no split file (.txt, lines of 'rgb depth')."
        )
    names = ", ".join(f.name for f in files)
    raise WedepthError(f"Which split of {folder}? Its split files are {names}; name one with --split.")


def open_split_file(path: Path) -> Sequence[Reader]:
    """Lines of "rgb depth [focal]", paths from the file's folder, as BTS and AdaBins write them.

    A file or folder with "kitti" in its path is KITTI (metres = value / 256, 80 m, Garg crop, bottom centre cut);
    any other is NYU (value / 1000, 10 m, Eigen crop). Lines whose depth is `None` have no ground truth: left out.
    """
    kitti = "kitti" in str(path.resolve()).lower()
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
            readers.append(_reader(path.parent, rgb.lstrip("/"), depth.lstrip("/"), kitti))
    return readers


def _reader(root: Path, rgb: str, depth: str, kitti: bool) -> Reader:
    def read() -> Frame:
        image, metres = read_image(root / rgb), read_depth(root / depth, 256 if kitti else 1000)
        if kitti:
            image, metres = bottom_centre(image, metres)
        return (KITTI if kitti else NYU).frame(rgb, image, metres, str(Path(rgb).parent))

    return read


_NEEDED = ("dataset", "name", "rgb", "depth", "depth_scale", "split", "scene_group", "registered")


def open_manifest(folder: Path, split: str | None) -> Sequence[Reader]:
    """An RGB-D folder: `manifest.json` is a list of frames with the keys above (and `rgb_sha256`, checked if there).

    `split` is a value of `split`, or the start of a `dataset` (such as `nyu`). Frames whose depth does not line up
    with the image (`registered` false) are left out unless their split is named; then no pixel of theirs is valid.
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
    if split is None:
        chosen = [entry for entry in entries if entry["registered"]]
    else:
        chosen = [entry for entry in entries if entry["split"] == split]
        chosen = chosen or [e for e in entries if e["dataset"].startswith(split) and e["registered"]]
        if not chosen:
            known = ", ".join(sorted({entry["split"] for entry in entries}))
            raise WedepthError(f"{folder} has no split or data set {split!r}; its splits are {known}.")
    return [partial(_read_entry, folder, entry) for entry in chosen]


def _convention(dataset: str, height: int) -> Convention:
    if dataset.startswith("kitti"):
        return KITTI
    return NYU if dataset.startswith("nyu") and height == 480 else INDOOR


def _read_entry(folder: Path, entry: dict[str, Any]) -> Frame:
    name = f"{entry['dataset']}/{entry['name']}"
    expected = entry.get("rgb_sha256")
    image = read_image(folder / entry["rgb"])
    if expected and hashlib.sha256((folder / entry["rgb"]).read_bytes()).hexdigest()[: len(expected)] != expected:
        raise WedepthError(f"{folder / entry['rgb']} is not the file its manifest describes.")
    depth = read_depth(folder / entry["depth"], entry["depth_scale"])
    if entry["dataset"].startswith("kitti"):
        image, depth = bottom_centre(image, depth)
    if not entry["registered"]:
        depth = depth * 0
    return _convention(entry["dataset"], depth.shape[0]).frame(name, image, depth, entry["scene_group"])
