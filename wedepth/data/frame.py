"""One frame, the conventions under which it is evaluated, and the two resizes that parity needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Frame:
    """An RGB image [H,W,3] (uint8) with its depth [H,W] in metres (float32, 0 = unknown).

    `valid` [H,W] is where metrics are taken: known depth inside the range and the data set's crop.
    """

    name: str
    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    valid: NDArray[np.bool_]
    min_depth: float
    max_depth: float
    scene_group: str


@dataclass(frozen=True, slots=True)
class Convention:
    """How a data set is evaluated: range in metres, the crop as fractions (top, bottom, left, right) of its own frames,
    and the size that their bottom centre is then cut to, if they are."""

    min_depth: float
    max_depth: float
    crop: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    size: tuple[int, int] | None = None

    def frame(self, name: str, image: NDArray[np.uint8], depth: NDArray[np.float32], scene_group: str) -> Frame:
        """The frame with its valid pixels worked out; image and depth of different sizes are refused."""
        if image.shape[:2] != depth.shape:
            raise WedepthError(f"{name}: the image is {image.shape[:2]}, its depth {depth.shape}; they must agree.")
        h, w = depth.shape
        top, bottom, left, right = self.crop
        # int(), as the evaluation code of Eigen and Garg has it: 45:471, 41:601 at 480×640.
        inside = np.zeros(depth.shape, bool)
        inside[int(top * h) : int(bottom * h), int(left * w) : int(right * w)] = True
        valid = inside & np.isfinite(depth) & (depth > self.min_depth) & (depth < self.max_depth)
        height, width = self.size or (h, w)
        top_row, left_column = h - height, (w - width) // 2
        if top_row < 0 or left_column < 0:
            raise WedepthError(f"{name} must be at least {height}×{width} to be cut to that, not {h}×{w}.")
        # The crop is that of the whole frame (BTS puts its prediction back into it), so the cut comes last.
        cut = np.s_[top_row:, left_column : left_column + width]
        return Frame(name, image[cut], depth[cut], valid[cut], self.min_depth, self.max_depth, scene_group)


# Ranges as the specification has them. The Eigen crop of NYU is that of its 480×640 frames, the Garg crop that of
# KITTI (Garg et al. 2016).
NYU = Convention(0.01, 10.0, (45 / 480, 471 / 480, 41 / 640, 601 / 640))
KITTI = Convention(0.01, 80.0, (0.40810811, 0.99189189, 0.03594771, 0.96405229), (352, 1216))
INDOOR = Convention(0.01, 10.0)


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """An RGB image [H,W,3] at another (height, width): bilinear, antialiased when it shrinks (Pillow)."""
    from PIL import Image

    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


def resize_depth(depth: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A predicted depth [h,w] at the ground truth's (height, width), bilinear (Pillow)."""
    from PIL import Image

    if depth.shape == size:
        return depth
    return np.asarray(Image.fromarray(depth).resize(size[::-1], Image.Resampling.BILINEAR))


def read_image(path: Path) -> NDArray[np.uint8]:
    """An image file as RGB [H,W,3]."""
    return np.asarray(_open(path).convert("RGB"))


def read_depth(path: Path, scale: float) -> NDArray[np.float32]:
    """A 16-bit PNG as metres [H,W]: value / scale, 0 = unknown."""
    image = _open(path)
    if image.mode not in ("I;16", "I;16B", "I"):
        raise WedepthError(f"{path} is no depth map: it must be one channel of 16 bits, not Pillow's {image.mode!r}.")
    return (np.asarray(image).astype(np.float64) / scale).astype(np.float32)


def _open(path: Path) -> "Image.Image":
    from PIL import Image

    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError:
        raise WedepthError(f"There is no file {path}.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise WedepthError(f"Cannot read {path}: {error}.") from None
    return image
