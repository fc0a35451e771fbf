"""The camera: where a person holds it, what its lens does to the picture, and where its depth sensor sees nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wedepth.rooms.solids import Array, Point, Solid, Triple

Rotation = tuple[Point, Point, Point]
NEAR = 0.05


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole with square pixels. The rows of `rotation` are right, forward and up, in the room's axes."""

    origin: Point
    rotation: Rotation
    focal: float
    """In widths of the picture: 0.81 is a Kinect's."""

    def rays(self, size: tuple[int, int]) -> Triple:
        """Per pixel [H,W] the direction whose part along the optical axis is one, so that distance is depth."""
        height, width = size
        across = ((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(width) - np.float32(0.5))[None]
        down = ((np.arange(height, dtype=np.float32) + np.float32(0.5 - height / 2)) / np.float32(width))[:, None]
        right, forward, up = self.rotation
        across, rise = across / np.float32(self.focal), -down / np.float32(self.focal)
        x, y, z = (np.float32(right[i]) * across + np.float32(forward[i]) + np.float32(up[i]) * rise for i in range(3))
        return x, y, z

    def window(self, solid: Solid, size: tuple[int, int]) -> tuple[slice, slice] | None:
        """The rectangle of the picture that may show the solid; None where none does."""
        height, width = size
        columns, rows = [], []
        for corner in solid.corners():
            offset = [c - o for c, o in zip(corner, self.origin, strict=True)]
            x, z, y = (a[0] * offset[0] + a[1] * offset[1] + a[2] * offset[2] for a in self.rotation)
            columns.append((x, z))
            rows.append((-y, z))
        if max(z for _, z in columns) <= NEAR:
            return None
        if min(z for _, z in columns) <= NEAR:
            return np.s_[0:height, 0:width]
        across = [self.focal * width * x / z + width / 2 for x, z in columns]
        down = [self.focal * width * y / z + height / 2 for y, z in rows]
        left, right = max(0, int(min(across)) - 1), min(width, int(max(across)) + 2)
        top, bottom = max(0, int(min(down)) - 1), min(height, int(max(down)) + 2)
        return np.s_[top:bottom, left:right] if left < right and top < bottom else None


def rotation(yaw: float, pitch: float, roll: float) -> Rotation:
    """Right, forward and up from tangents of half the angles: no sine, whose last bit differs between machines."""
    (cy, sy), (cp, sp), (cr, sr) = (turn(half) for half in (yaw, pitch, roll))
    forward = (-sy * cp, cy * cp, sp)
    side, top = (cy, sy, 0.0), (sy * sp, -cy * sp, cp)
    right = tuple(cr * s + sr * t for s, t in zip(side, top, strict=True))
    up = tuple(cr * t - sr * s for s, t in zip(side, top, strict=True))
    return right, forward, up  # type: ignore[return-value]


def turn(half_tangent: float) -> tuple[float, float]:
    """Cosine and sine of an angle from the tangent of half of it."""
    square = half_tangent * half_tangent
    return (1 - square) / (1 + square), 2 * half_tangent / (1 + square)


def expose(rng: np.random.Generator, light: Array, depth: Array) -> NDArray[np.uint8]:
    """Linear light [H,W,3] as a camera gives it: exposure, white balance, lens blur, vignetting, noise, 8 bits."""
    height, width = depth.shape
    bright = rng.random()
    target = np.float32(0.03 + 0.36 * bright * (0.4 + 0.6 * bright))  # often dark, as pictures without a flash are
    level = np.sort(light[::4, ::4, 1], axis=None)
    light = light * (target / (level[len(level) // 2] + np.float32(1e-4)))
    balance = np.array([rng.uniform(0.85, 1.15), 1.0, rng.uniform(0.85, 1.15)], np.float32)
    light = _defocus(light * balance, depth, np.float32(rng.uniform(1.2, 3.5)), width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(width) - np.float32(0.5)
    y = y + np.float32(0.5 - height / (2 * width))
    light = light * (np.float32(1) - np.float32(rng.uniform(0.0, 0.6)) * (x * x + y * y))[..., None]
    light = light / (np.float32(1) + np.float32(0.25) * light)  # highlights roll off
    grain = rng.integers(0, 256, (4, height, width, 3), np.uint8).astype(np.float32)
    grain = (grain[0] + grain[1] + grain[2] + grain[3]) / np.float32(147.8) - np.float32(3.4506)  # variance one
    noise = np.float32(rng.uniform(0.002, 0.02))
    signal = np.sqrt(np.maximum(light, np.float32(0)))  # near enough to the display's gamma of 2.2
    picture = signal + grain * noise
    return (np.clip(picture, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _defocus(light: Array, depth: Array, focus: np.float32, width: int) -> Array:
    """A little blur everywhere, more of it away from the focus."""
    blurred = _blur(light)
    soft, softer = (light + blurred) * np.float32(0.5), _blur(blurred)
    off = np.abs(np.float32(1) / depth - np.float32(1) / focus) * np.float32(width / 400)
    share = np.clip(off, 0, 1)[..., None]
    return soft + share * (softer - soft)


def _blur(picture: Array) -> Array:
    """[¼ ½ ¼] along rows and columns."""
    for axis in (0, 1):
        padded = np.concatenate((picture.take([0], axis), picture, picture.take([-1], axis)), axis)
        count = picture.shape[axis]
        first, middle, last = (padded.take(np.arange(i, i + count), axis) for i in range(3))
        picture = np.float32(0.25) * (first + last) + np.float32(0.5) * middle
    return picture


def unseen(
    rng: np.random.Generator, depth: Array, facing: Array, glassy: NDArray[np.bool_], focal: float
) -> NDArray[np.bool_]:
    """Where a depth sensor gives nothing [H,W]: in its projector's shadow, at grazing angles, out of range, on glass.

    `facing` is the cosine between the surface's normal and the ray. The projector stands 7.5 cm to the right of the
    camera, as in a Kinect; every third sensor is a phone's time of flight, which has no such shadow.
    """
    width = depth.shape[1]
    kinect = rng.random() < 2 / 3
    nearest, farthest = (0.45, rng.uniform(7.0, 10.0)) if kinect else (0.2, rng.uniform(5.0, 9.0))
    holes = (depth < np.float32(nearest)) | (depth > np.float32(farthest))
    speckle = rng.integers(0, 256, depth.shape, np.uint8).astype(np.float32) / np.float32(256)
    grazing = np.float32(rng.uniform(0.04, 0.15))
    holes |= facing < grazing * (np.float32(0.5) + speckle)
    holes |= glassy & (speckle < np.float32(0.9))
    if kinect:
        # The projector sees column x at x − f·b/z; what stands before it there keeps the light from it.
        shift = np.float32(focal * width * 0.075) / depth
        seen = np.arange(width, dtype=np.float32)[None] - shift
        behind = np.minimum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
        holes[:, :-1] |= behind[:, 1:] < seen[:, :-1] - np.float32(0.25)
    return holes
