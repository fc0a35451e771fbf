"""Light: lamps of some size with soft shadows, and what walls and ceiling throw back."""

import numpy as np

from wedepth.rooms.camera import Camera
from wedepth.rooms.paint import paint
from wedepth.rooms.solids import Array, Lamp, Scene, Solid, Triple, chord
from wedepth.rooms.trace import WALLS, View

STEP = 2
"""Shadows are looked for at every second pixel, each towards another of four points on the lamp."""


def shade(scene: Scene, camera: Camera, view: View, seed: int) -> Array:
    """Linear light [H,W,3] that every pixel sends to the camera."""
    rays = camera.rays(view.depth.shape)
    place = tuple(np.float32(o) + view.depth * ray for o, ray in zip(camera.origin, rays, strict=True))
    light = _ambient(scene, place, view.normal)
    for lamp in scene.lamps:
        fall = _fall(lamp, place, view.normal) * _lit(lamp, scene, place)
        light = light + fall[..., None] * np.array(lamp.power, np.float32)
    colour, glow = _colours(scene, camera, view, rays, seed)
    return colour * (light + glow[..., None])


def facing(view: View, camera: Camera) -> Array:
    """Cosine [H,W] between each surface's normal and the ray that meets it."""
    rays = camera.rays(view.depth.shape)
    along = rays[0] * view.normal[0] + rays[1] * view.normal[1] + rays[2] * view.normal[2]
    return -along / np.sqrt(rays[0] * rays[0] + rays[1] * rays[1] + rays[2] * rays[2])


def _colours(scene: Scene, camera: Camera, view: View, rays: Triple, seed: int) -> tuple[Array, Array]:
    """The colour of every pixel's surface [H,W,3] and the light of its own [H,W]."""
    width = view.depth.shape[1]
    slant = np.maximum(facing(view, camera), np.float32(0.08))
    footprint = view.depth / (np.float32(camera.focal * width) * np.sqrt(slant))
    order = np.argsort(view.surface, axis=None, kind="stable")
    names, starts = np.unique(view.surface.ravel()[order], return_index=True)
    colour = np.empty((view.depth.size, 3), np.float32)
    glow = np.zeros(view.depth.size, np.float32)
    for name, pixels in zip(names, np.split(order, starts[1:]), strict=True):
        material = scene.walls[name] if name < WALLS else scene.solids[name - WALLS].material
        u, v = (part.ravel()[pixels] for part in view.texture)
        colour[pixels] = paint(material, seed * 131 + int(name) * 7, u, v, footprint.ravel()[pixels])
        glow[pixels] = material.glow
    return colour.reshape(*view.depth.shape, 3), glow.reshape(view.depth.shape)


def _ambient(scene: Scene, place: Triple, normal: Triple) -> Array:
    """Light from everywhere [H,W,1]: less in corners, less on what faces down."""
    light = np.float32(0.24) + np.float32(0.08) * normal[2]
    for axis in range(3):
        away = np.minimum(place[axis], np.float32(scene.size[axis]) - place[axis])
        dark = np.maximum(np.float32(1) - away / np.float32(0.7), np.float32(0))
        light = light * (np.float32(1) - np.float32(0.4) * dark * dark * (np.float32(1) - np.abs(normal[axis])))
    return light[..., None]


def _fall(lamp: Lamp, place: Triple, normal: Triple) -> Array:
    """What of a lamp's power arrives [H,W] where nothing stands between."""
    beam = [np.float32(c) - p for c, p in zip(lamp.centre, place, strict=True)]
    square = beam[0] * beam[0] + beam[1] * beam[1] + beam[2] * beam[2] + np.float32(0.05)
    cosine = (beam[0] * normal[0] + beam[1] * normal[1] + beam[2] * normal[2]) / np.sqrt(square)
    return np.maximum(cosine, np.float32(0)) / (np.float32(0.6) + np.float32(0.35) * square)


def _lit(lamp: Lamp, scene: Scene, place: Triple) -> Array:
    """The share of a lamp [H,W] that every pixel sees."""
    height, width = place[0].shape
    sparse = tuple(p[::STEP, ::STEP] for p in place)
    rows, columns = sparse[0].shape
    odd_row, odd_column = (np.arange(n, dtype=np.float32) % 2 - np.float32(0.5) for n in (rows, columns))
    across, along = (
        np.broadcast_to(odd_column[None], (rows, columns)),
        np.broadcast_to(odd_row[:, None], (rows, columns)),
    )
    half = lamp.half
    # Four points of the lamp, its corners at 70 %: a 2×2 pattern that the blur below takes the mean of.
    offsets = (across * half[0], along * half[1], (across * along * 2) * half[2])
    target = [np.float32(c) + np.float32(1.4) * o.astype(np.float32) for c, o in zip(lamp.centre, offsets, strict=True)]
    beam = tuple(t - p for t, p in zip(target, sparse, strict=True))
    hidden = np.zeros((rows, columns), np.bool_)
    for solid in scene.solids:
        if solid.shades:
            hidden |= _between(solid, sparse, beam)
    seen = _mean2(_mean2(np.where(hidden, np.float32(0), np.float32(1))))
    return np.repeat(np.repeat(seen, STEP, axis=0), STEP, axis=1)[:height, :width]


def _between(solid: Solid, place: Triple, beam: Triple) -> np.ndarray:
    found = chord(solid, place, beam)
    return (found.enter < found.leave) & (found.enter < np.float32(0.98)) & (found.leave > np.float32(0.004))


def _mean2(grid: Array) -> Array:
    """The mean of every 2×2 neighbourhood, the last row and column repeated."""
    grid = (grid + np.concatenate((grid[1:], grid[-1:]))) * np.float32(0.5)
    return (grid + np.concatenate((grid[:, 1:], grid[:, -1:]), axis=1)) * np.float32(0.5)
