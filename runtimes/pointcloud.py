"""Depth as coloured points: the pinhole camera, and binary PLY."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wedepth.errors import WedepthError
from wedepth.files import write_beside

# Fields of a point as they lie in the file, little-endian, and their names in PLY.
_POINT = np.dtype([(axis, "<f4") for axis in "xyz"] + [(channel, "u1") for channel in ("red", "green", "blue")])
_PROPERTIES = [f"property {'float' if name in 'xyz' else 'uchar'} {name}" for name in _POINT.names or ()]


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A pinhole camera in pixels of the image as it is shown; the centre of its upper left pixel is (0, 0)."""

    fx: float
    fy: float
    cx: float
    cy: float

    @classmethod
    def from_fov(cls, degrees: float, size: tuple[int, int]) -> "Intrinsics":
        """Square pixels and a centred lens that sees `degrees` across an image of this (height, width)."""
        height, width = size
        focal = width / 2 / math.tan(math.radians(degrees) / 2)
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2)

    def check(self, size: tuple[int, int]) -> None:
        """WedepthError where the principal point lies outside an image of this (height, width)."""
        height, width = size
        if not (0 <= self.cx <= width and 0 <= self.cy <= height):
            raise WedepthError(
                f"The principal point ({self.cx:g}, {self.cy:g}) lies outside an image of {height}x{width} pixels; "
                "are the intrinsics those of another size?"
            )


def points(image: NDArray[np.uint8], depth: NDArray[np.float32], camera: Intrinsics) -> NDArray[Any]:
    """A point for each pixel of known depth, row by row: x right, y down, z forward in metres, and its colour.

    `image` is RGB [H,W,3], `depth` [H,W] is along the optical axis in metres, 0 = unknown; gives [N] with the fields
    x, y, z (float32), red, green, blue (uint8).
    """
    rows, columns = np.nonzero(depth > 0)
    z = depth[rows, columns]
    cloud = np.empty(len(z), _POINT)
    cloud["x"] = (columns - camera.cx) / camera.fx * z
    cloud["y"] = (rows - camera.cy) / camera.fy * z
    cloud["z"] = z
    for c, channel in enumerate(("red", "green", "blue")):
        cloud[channel] = image[rows, columns, c]
    return cloud


def write_ply(path: Path, cloud: NDArray[Any]) -> None:
    """Write what `points` gave as binary little-endian PLY, whole or not at all."""
    lines = ["ply", "format binary_little_endian 1.0", "comment metres; x right, y down, z forward"]
    lines += [f"element vertex {len(cloud)}", *_PROPERTIES, "end_header"]
    header = "".join(f"{line}\n" for line in lines).encode("ascii")
    write_beside(path, lambda beside: beside.write_bytes(header + cloud.tobytes()))
