"""Rooms that the project draws itself: frames with exact metric depth, so that everything runs with nothing downloaded.

A ray caster over furnished box rooms. All of a frame follows from its seed by arithmetic that IEEE 754 rounds the same
everywhere, so that a seed gives the same frame on every machine. They are rooms enough for calibration, for parity and
to learn from; nobody should take them for photographs.
"""

import numpy as np

from wedepth.data.frame import INDOOR, Frame
from wedepth.errors import WedepthError
from wedepth.rooms.camera import expose, unseen
from wedepth.rooms.light import facing, shade
from wedepth.rooms.scene import furnish, hold
from wedepth.rooms.trace import WALLS, trace

SIZE = (288, 384)


def rooms(count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> list[Frame]:
    """`count` frames of as many rooms, each [H,W] of `size`; the same ones for the same seed on every machine."""
    if count < 1:
        raise WedepthError(f"The number of rooms must be at least 1, not {count}.")
    return [render(seed + index, size) for index in range(count)]


def render(seed: int, size: tuple[int, int] = SIZE) -> Frame:
    """One room: RGB uint8 [H,W,3] and its exact depth (z) float32 [H,W] in metres, 0 where a depth sensor would see
    nothing."""
    rng = np.random.default_rng(seed)
    scene = furnish(rng)
    camera = hold(rng, scene)
    view = trace(scene, camera, size)
    image = expose(rng, shade(scene, camera, view, seed), view.depth)
    glassy = np.array([False] * WALLS + [solid.material.unseen for solid in scene.solids])[view.surface]
    holes = unseen(rng, view.depth, facing(view, camera), glassy, camera.focal)
    depth = np.where(holes, np.float32(0), view.depth)
    return INDOOR.frame(f"room {seed}", image, depth, f"room {seed}")
