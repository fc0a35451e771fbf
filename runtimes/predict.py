"""Depth of a person's own images as files: 16-bit PNG, colours with their scale, point cloud."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runtimes.photo import read_photo
from runtimes.pointcloud import Intrinsics, points, write_ply
from runtimes.predictor import Predictor
from wedepth.errors import WedepthError
from wedepth.files import write_beside
from wedepth.picture import depth_range, save, with_scale

MOST_METRES = 65.535
"""What 16 bits of millimetres hold."""
MOST_SQUEEZED = 1.25
"""How far an image's proportions may be from the network's before that is worth a word."""


@dataclass(frozen=True, slots=True)
class Camera:
    """What is known of the camera: `intrinsics` in pixels of the image, else `fov`, the degrees that it sees across."""

    intrinsics: Intrinsics | None
    fov: float

    def of(self, size: tuple[int, int]) -> Intrinsics:
        """The intrinsics of an image of this (height, width); WedepthError where those given cannot be its."""
        if self.intrinsics is None:
            return Intrinsics.from_fov(self.fov, size)
        self.intrinsics.check(size)
        return self.intrinsics


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written: into which folder, colours over which metres (None: each image's own), a cloud by which camera
    (None: no cloud)."""

    out: Path
    colours: tuple[float, float] | None = None
    camera: Camera | None = None

    def files(self, image: Path) -> dict[str, Path]:
        """The files of one image, by what they hold."""
        files = {kind: self.out / f"{image.stem}_{kind}.png" for kind in ("depth", "colour")}
        return files | ({"ply": self.out / f"{image.stem}.ply"} if self.camera else {})


@dataclass(frozen=True, slots=True)
class Prediction:
    """One image and what was written of it. `size` is [height, width], upright; metres are of known pixels (null where
    there is none); `milliseconds` are the runtime's, of which an image that comes first pays the warm-up."""

    image: str
    size: list[int]
    min_m: float | None
    median_m: float | None
    max_m: float | None
    milliseconds: float
    colour_range_m: list[float]
    intrinsics: Intrinsics | None
    files: dict[str, str]
    notes: list[str]


def check_files(images: Sequence[Path], wanted: Wanted) -> None:
    """WedepthError where one image's files would overwrite another's, or an image."""
    inputs = {image.resolve(): image for image in images}
    owners: dict[str, Path] = {}
    for image in images:
        first = owners.setdefault(image.stem.casefold(), image)  # on many disks a.png is A.png
        names = [file.name for file in wanted.files(image).values()]
        if first is not image:
            raise WedepthError(f"{first} and {image} would both be written to {names[0]}; predict them one by one.")
        for file in wanted.files(image).values():
            if overwritten := inputs.get(file.resolve()):
                raise WedepthError(f"{file.name} of {image} would overwrite the image {overwritten}; -o elsewhere.")


def predict_file(predictor: Predictor, path: Path, wanted: Wanted) -> Prediction:
    """Predict one image and write its files; WedepthError where it cannot be read, or they not be written."""
    image = read_photo(path)
    size = image.shape[0], image.shape[1]
    intrinsics = wanted.camera.of(size) if wanted.camera else None
    depth, milliseconds = predictor.depth(image)
    files = wanted.files(path)
    values = Image.fromarray(millimetres(depth))
    write_beside(files["depth"], lambda beside: values.save(beside, "PNG"))
    low, high = wanted.colours or depth_range(depth)
    save(with_scale(depth, low, high), files["colour"])
    if intrinsics:
        write_ply(files["ply"], points(image, depth, intrinsics))
    known = depth[depth > 0]
    metres = np.percentile(known, (0, 50, 100)).tolist() if known.size else [None] * 3
    return Prediction(
        image=str(path),
        size=list(size),
        min_m=metres[0],
        median_m=metres[1],
        max_m=metres[2],
        milliseconds=milliseconds,
        colour_range_m=[low, high],
        intrinsics=intrinsics,
        files={kind: str(file) for kind, file in files.items()},
        notes=_notes(depth, predictor.size),
    )


def millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Depth [H,W] in metres (0 = unknown) as millimetres, cut at 65 535; what is known never becomes 0."""
    return np.where(depth > 0, np.rint(depth.clip(0.001, MOST_METRES) * 1000), 0).astype(np.uint16)


def _notes(depth: NDArray[np.float32], network: tuple[int, int]) -> list[str]:
    """What a person should know of one depth [H,W], and of how its image was squeezed to the network's size."""
    notes = []
    if far := np.count_nonzero(depth > MOST_METRES):
        notes.append(f"{far} pixels lie beyond {MOST_METRES} m, the most that the 16-bit PNG holds, and are cut to it.")
    if unknown := np.count_nonzero(depth == 0):
        notes.append(f"{unknown} pixels have no depth: the network gave no number above 0.")
    height, width = depth.shape
    squeezed = (width / height) / (network[1] / network[0])
    if not 1 / MOST_SQUEEZED <= squeezed <= MOST_SQUEEZED:
        notes.append(
            f"{height}x{width} is squeezed to the proportions of {network[0]}x{network[1]}, which distorts what the "
            "network sees; cropped to those, an image may give better depth."
        )
    return notes
