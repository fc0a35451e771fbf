"""Where rays meet solids, against geometry by hand."""

import numpy as np
import pytest

from wedepth.rooms.camera import Camera
from wedepth.rooms.solids import Material, Scene, Solid
from wedepth.rooms.trace import WALLS, View, trace

GREY = Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
LEVEL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SIZE = (61, 81)
MIDDLE = (30, 40)


def look(*solids: Solid) -> View:
    """From the middle of a 4×8×3 m room's near end, level, at its far wall 7 m ahead."""
    scene = Scene((4.0, 8.0, 3.0), (GREY,) * WALLS, list(solids))
    return trace(scene, Camera((2.0, 1.0, 1.5), LEVEL, 0.8), SIZE)


def test_the_empty_room() -> None:
    view = look()
    assert view.depth[MIDDLE] == pytest.approx(7.0)
    assert view.surface[MIDDLE] == 2 and view.surface[-1, 40] == 0 and view.surface[0, 40] == 1
    assert view.surface[30, -1] == 4 and view.surface[30, 0] == 5
    # The floor is 1.5 m below: a ray that falls by (row offset)/(focal·width) a metre meets it at 1.5 / fall.
    assert view.depth[-1, 40] == pytest.approx(1.5 * 0.8 * 81 / 30)


def test_depth_is_along_the_axis_so_a_wall_ahead_is_flat() -> None:
    view = look()
    assert np.ptp(view.depth[view.surface == 2]) < 1e-5


@pytest.mark.parametrize(
    ("solid", "depth"),
    [
        (Solid("box", (2.0, 4.0, 1.5), (0.5, 0.5, 0.5), GREY), 2.5),
        (Solid("box", (2.0, 4.0, 1.5), (0.5, 0.5, 0.5), GREY, turn=(0.6, 0.8)), 3 - 0.5 / 0.8),
        (Solid("ellipsoid", (2.0, 4.0, 1.5), (0.3, 0.7, 0.2), GREY), 2.3),
        (Solid("cylinder", (2.0, 4.0, 1.5), (0.4, 0.4, 1.0), GREY), 2.6),
    ],
)
def test_a_solid_ahead(solid: Solid, depth: float) -> None:
    view = look(solid)
    assert view.surface[MIDDLE] == WALLS
    assert view.depth[MIDDLE] == pytest.approx(depth, rel=1e-5)
    length = sum(np.square(part) for part in view.normal)
    assert np.allclose(length, 1, atol=1e-5)


def test_a_cylinders_lid_is_seen_from_above() -> None:
    view = look(Solid("cylinder", (2.0, 3.0, 0.5), (0.4, 0.4, 0.5), GREY))
    lid = (view.surface == WALLS) & (view.normal[2] > 0.99)
    # The lid, 0.5 m below the camera, ends at its far rim, 2.4 m ahead.
    assert lid.any() and view.depth[lid].max() == pytest.approx(2.4, abs=0.1)
    assert np.allclose(view.depth[lid] * 0.8**-1 / 81 * (np.nonzero(lid)[0] - 30), 0.5, atol=1e-4)


def test_the_nearer_of_two_is_seen() -> None:
    near = Solid("box", (2.0, 3.0, 1.5), (0.1, 0.1, 0.1), GREY)
    far = Solid("box", (2.0, 5.0, 1.5), (0.8, 0.1, 0.8), GREY)
    for order in ((near, far), (far, near)):
        view = look(*order)
        assert view.depth[MIDDLE] == pytest.approx(1.9)
        assert view.depth[30, 50] == pytest.approx(3.9)


def test_what_stands_behind_or_aside_is_not_drawn() -> None:
    camera = Camera((2.0, 4.0, 1.5), LEVEL, 0.8)
    assert camera.window(Solid("box", (2.0, 1.0, 1.5), (0.5, 0.5, 0.5), GREY), SIZE) is None
    assert camera.window(Solid("box", (90.0, 6.0, 1.5), (0.5, 0.5, 0.5), GREY), SIZE) is None
    around = camera.window(Solid("box", (2.0, 4.2, 1.5), (0.5, 0.5, 0.5), GREY), SIZE)
    assert around == (slice(0, 61), slice(0, 81))
