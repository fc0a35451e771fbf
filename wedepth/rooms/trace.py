"""What every pixel sees first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wedepth.rooms.camera import Camera
from wedepth.rooms.solids import FAR, TINY, Array, Chord, Scene, Solid, Triple, chord

WALLS = 6
NEAR = np.float32(0.02)


@dataclass(frozen=True, slots=True)
class View:
    """Per pixel [H,W]: depth along the optical axis, which surface, its outward normal, and its texture coordinates
    in metres. Surfaces 0…5 are the room's walls, then come the solids in order."""

    depth: Array
    surface: NDArray[np.int16]
    normal: Triple
    texture: tuple[Array, Array]


def trace(scene: Scene, camera: Camera, size: tuple[int, int]) -> View:
    """The first surface along every pixel's ray."""
    rays = camera.rays(size)
    view = _walls(scene, camera, rays)
    for index, solid in enumerate(scene.solids):
        window = camera.window(solid, size)
        if window is not None:
            _draw(view, solid, WALLS + index, camera, rays, window)
    return view


def _walls(scene: Scene, camera: Camera, rays: Triple) -> View:
    depth = np.full(rays[0].shape, FAR, np.float32)
    surface = np.zeros(rays[0].shape, np.int16)
    ahead = []
    for axis in range(3):
        ray = np.where(np.abs(rays[axis]) < TINY, TINY, rays[axis])
        bound = np.where(ray > 0, np.float32(scene.size[axis]), np.float32(0))
        ahead.append((bound - np.float32(camera.origin[axis])) / ray)
    x, y, z = ahead
    depth = np.minimum(np.minimum(x, y), z)
    on = (x == depth, (y == depth) & (x != depth))
    normal_z = ~on[0] & ~on[1]
    # floor 0, ceiling 1, far wall 2, near wall 3, right wall 4, left wall 5
    surface[...] = np.where(
        on[0], np.where(rays[0] > 0, 4, 5), np.where(on[1], np.where(rays[1] > 0, 2, 3), np.where(rays[2] > 0, 1, 0))
    )
    sign = [np.where(ray > 0, np.float32(-1), np.float32(1)) for ray in rays]
    zero = np.float32(0)
    normal = (
        np.where(on[0], sign[0], zero),
        np.where(on[1], sign[1], zero),
        np.where(normal_z, sign[2], zero),
    )
    place = [np.float32(camera.origin[axis]) + depth * rays[axis] for axis in range(3)]
    u = np.where(on[0], place[1], place[0])
    v = np.where(normal_z, place[1], place[2])
    return View(depth, surface, normal, (u, v))


def _draw(view: View, solid: Solid, index: int, camera: Camera, rays: Triple, window: tuple[slice, slice]) -> None:
    """Draw one solid into its window of the picture, where it is the nearest."""
    local = tuple(ray[window] for ray in rays)
    origin: Triple = tuple(np.asarray(o, np.float32) for o in camera.origin)
    found = chord(solid, origin, local)
    seen = (found.enter < found.leave) & (found.enter > NEAR) & (found.enter < view.depth[window])
    if not seen.any():
        return
    normal, texture = _surface(solid, found)
    np.copyto(view.depth[window], found.enter, where=seen)
    np.copyto(view.surface[window], np.int16(index), where=seen)
    for target, value in zip((*view.normal, *view.texture), (*normal, *texture), strict=True):
        np.copyto(target[window], value, where=seen)


def _surface(solid: Solid, found: Chord) -> tuple[Triple, tuple[Array, Array]]:
    """Normal in the room's axes and texture coordinates where rays enter."""
    place = [s + found.enter * d for s, d in zip(found.start, found.direction, strict=True)]
    zero = np.float32(0)
    sign = [np.where(d > 0, np.float32(-1), np.float32(1)) for d in found.direction]
    if solid.kind == "box":
        x_face = found.slabs[0] == found.enter
        y_face = (found.slabs[1] == found.enter) & ~x_face
        z_face = ~x_face & ~y_face
        own = [np.where(face, s, zero) for face, s in zip((x_face, y_face, z_face), sign, strict=True)]
        texture = np.where(x_face, place[1], place[0]), np.where(z_face, place[1], place[2])
    else:
        round_part = [p / np.float32(h * h) for p, h in zip(place, solid.half, strict=True)]
        if solid.kind == "cylinder":
            lid = found.slabs[2] == found.enter
            own = [
                np.where(lid, zero, round_part[0]),
                np.where(lid, zero, round_part[1]),
                np.where(lid, sign[2], zero),
            ]
        else:
            own = round_part
        length = np.sqrt(own[0] * own[0] + own[1] * own[1] + own[2] * own[2]) + TINY
        own = [part / length for part in own]
        texture = place[0] + place[1], place[2] + np.float32(0.3) * place[0]
    cos, sin = (np.float32(v) for v in solid.turn)
    return (cos * own[0] - sin * own[1], sin * own[0] + cos * own[1], own[2]), texture
