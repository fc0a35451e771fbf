"""What is done to a frame before the network sees it: one affine resample of image and depth, then colour."""

import math

import numpy as np
from numpy.typing import NDArray

from wedepth.training.config import AugmentConfig

# ImageNet's mean: what lies outside the frame is zero after normalisation.
OUTSIDE = (124, 116, 104)
GREY = np.array((0.299, 0.587, 0.114), np.float32)


def augment(
    image: NDArray[np.uint8], depth: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A changed RGB image [H,W,3] in 0…1 and its depth [H,W] in metres (0 = unknown), of the sizes given.

    Zooming by s makes everything look s times nearer, so depth is divided by s (Eigen et al. 2014). What comes from
    outside the frame has no depth.
    """
    flip = rng.random() < config.flip
    angle = math.radians(config.rotation * rng.uniform(-1, 1))
    zoom = 1 + config.scale * rng.uniform(-1, 1)
    shift = config.shift * rng.uniform(-1, 1, 2)
    if config.cover:
        zoom = max(zoom, _covering_zoom(depth.shape, angle, shift))
    brightness, contrast, saturation, gamma = 1 + rng.uniform(-1, 1, 4) * (
        config.brightness,
        config.contrast,
        config.saturation,
        config.gamma,
    )
    if flip or angle or zoom != 1 or shift.any():
        image, depth = _move(image, depth, flip, angle, zoom, shift)
        depth = depth / np.float32(zoom)
    return recolour(np.divide(image, 255, dtype=np.float32), brightness, contrast, saturation, gamma), depth


def _covering_zoom(shape: tuple[int, ...], angle: float, shift: NDArray[np.float64]) -> float:
    """The least zoom at which a turned and shifted frame [H,W] still fills itself: its corners come from inside it."""
    corners = np.array([(y, x) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
    y, x = (corners - shift).T * np.array([shape]).T
    cos, sin = math.cos(angle), math.sin(angle)
    return 2 * float(max(np.abs(cos * x + sin * y).max() / shape[1], np.abs(cos * y - sin * x).max() / shape[0]))


def _move(
    image: NDArray[np.uint8],
    depth: NDArray[np.float32],
    flip: bool,
    angle: float,
    zoom: float,
    shift: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Bilinear for the image, nearest for the depth. `shift` is (y, x) as fractions of height and width."""
    from PIL import Image

    h, w = depth.shape
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    mirror = -1 if flip else 1
    # Pillow asks where each output pixel comes from: in = centre + mirror·rotate⁻¹·(out − centre − shift) / zoom.
    across = (mirror * cos, mirror * sin)
    down = (-sin, cos)
    x0, y0 = w / 2 + shift[1] * w, h / 2 + shift[0] * h
    matrix = (
        *across,
        w / 2 - across[0] * x0 - across[1] * y0,
        *down,
        h / 2 - down[0] * x0 - down[1] * y0,
    )
    how = Image.Transform.AFFINE
    moved = Image.fromarray(image).transform((w, h), how, matrix, Image.Resampling.BILINEAR, fillcolor=OUTSIDE)
    moved_depth = Image.fromarray(depth).transform((w, h), how, matrix, Image.Resampling.NEAREST, fillcolor=0)
    return np.asarray(moved), np.asarray(moved_depth)


def recolour(
    image: NDArray[np.float32], brightness: float, contrast: float, saturation: float, gamma: float
) -> NDArray[np.float32]:
    """An RGB image [H,W,3] in 0…1 with factors on its brightness, contrast, saturation and as exponent; 1 is none."""
    image = image * np.float32(brightness)
    grey = image @ GREY
    image = (image - grey.mean()) * np.float32(contrast) + grey.mean()
    grey = (image @ GREY)[..., None]
    image = (image - grey) * np.float32(saturation) + grey
    return image.clip(0, 1) ** np.float32(gamma)
