import numpy as np

from wedepth.rooms.camera import Camera, expose, rotation, unseen
from wedepth.rooms.light import facing, shade
from wedepth.rooms.paint import PATTERNS, noise, paint
from wedepth.rooms.scene import furnish, hold
from wedepth.rooms.solids import Lamp, Material, Scene, Solid
from wedepth.rooms.trace import WALLS, trace

GREY = Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
DOWN = Camera((2.0, 2.0, 2.8), ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)), 0.8)
SIZE = (96, 128)
ROOM = (4.0, 4.0, 3.0)


def floor_light(lamp_half: float, *solids: Solid) -> np.ndarray:
    """The floor from above, lit by one lamp of that size at the ceiling."""
    lamp = Lamp((2.0, 2.0, 2.9), (lamp_half, lamp_half, 0.0), (1.0, 1.0, 1.0))
    scene = Scene(ROOM, (GREY,) * WALLS, list(solids), [lamp])
    return shade(scene, DOWN, trace(scene, DOWN, SIZE), seed=0)[..., 0]


def test_what_stands_between_throws_a_shadow_and_a_larger_lamp_a_softer_one() -> None:
    # A board at 1 m off the axis: its shadow falls further out on the floor, where the camera sees it beside the board.
    board = Solid("box", (2.8, 2.0, 1.0), (0.2, 0.3, 0.02), GREY)
    ratio = {half: floor_light(half, board) / floor_light(half) for half in (0.0, 0.4)}
    row = {half: r[48, 64:] for half, r in ratio.items()}
    assert row[0.0].min() < 0.75
    partly = {half: int(((r > 0.05 + r.min()) & (r < 0.97)).sum()) for half, r in row.items()}
    assert partly[0.4] > partly[0.0]


def test_nothing_is_darker_without_anything_between() -> None:
    light = floor_light(0.2)
    assert light.min() > 0 and light[48, 64] > light[2, 2]


def test_textures_are_colours_and_fade_where_pixels_are_coarse() -> None:
    rng = np.random.default_rng(0)
    u, v = rng.uniform(-3, 3, (2, 4000)).astype(np.float32)
    for pattern in PATTERNS:
        material = Material((0.1, 0.2, 0.3), (0.9, 0.8, 0.7), pattern, 0.3)
        fine = paint(material, 5, u, v, np.full(4000, 1e-3, np.float32))
        coarse = paint(material, 5, u, v, np.full(4000, 1.0, np.float32))
        assert fine.min() >= 0 and fine.max() < 1.2
        assert coarse.std(axis=0).max() < 0.06, pattern
        assert np.abs(fine.mean(axis=0) - coarse.mean(axis=0)).max() < 0.13, pattern


def test_noise_is_smooth_and_fills_its_range() -> None:
    x = np.linspace(-40, 40, 80001, dtype=np.float32)
    values = noise(x, x * np.float32(0.37), seed=2)
    assert values.min() >= 0 and values.max() <= 1 and np.ptp(values) > 0.8
    assert np.abs(np.diff(values)).max() < 0.01


def test_the_projectors_shadow_is_as_wide_as_the_baseline_makes_it() -> None:
    depth = np.full((4, 320), 3.0, np.float32)
    depth[:, 150:200] = 1.0
    nothing = np.zeros(depth.shape, np.bool_)
    facing_it = np.ones(depth.shape, np.float32)
    for seed in range(20):
        holes = unseen(np.random.default_rng(seed), depth, facing_it, nothing, 0.81)
        if holes.any():  # a Kinect
            assert not holes[:, 150:].any()
            width = int(holes[0].sum())
            assert abs(width - 0.81 * 320 * 0.075 * (1 / 1.0 - 1 / 3.0)) <= 1.5
            assert holes[0, 150 - width : 150].all()
            return
    raise AssertionError("No sensor of twenty was a Kinect.")


def test_glass_grazing_angles_and_what_is_far_give_nothing() -> None:
    rng = np.random.default_rng(0)
    depth = np.full((50, 50), 3.0, np.float32)
    facing_it = np.ones(depth.shape, np.float32)
    facing_it[:10] = 0.01
    depth[10:20] = 12.0
    glass = np.zeros(depth.shape, np.bool_)
    glass[20:30] = True
    holes = unseen(rng, depth, facing_it, glass, 0.81)
    assert holes[:20].all() and holes[20:30].mean() > 0.8 and not holes[30:].any()


def test_exposure_does_not_depend_on_how_bright_the_lamps_are() -> None:
    rng = np.random.default_rng(3)
    light = rng.uniform(0, 1, (60, 80, 3)).astype(np.float32)
    depth = np.full((60, 80), 2.0, np.float32)
    one = expose(np.random.default_rng(1), light, depth)
    two = expose(np.random.default_rng(1), light * 8, depth)
    assert np.abs(one.astype(int) - two).max() <= 1
    assert 60 < one.mean() < 190


def test_cameras_are_held_as_people_hold_them() -> None:
    rng = np.random.default_rng(9)
    for _ in range(8):
        scene = furnish(rng)
        camera = hold(rng, scene)
        assert 0.9 <= camera.origin[2] <= 1.75
        assert 0.73 <= camera.focal <= 0.92
        axes = np.array(camera.rotation)
        assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) > 0  # right, forward, up are right-handed
        assert axes[1, 2] < 0.12 and axes[2, 2] > 0.6
        view = trace(scene, camera, (24, 32))
        assert facing(view, camera).min() > -1e-4


def test_a_rotation_turns_left_down_and_over() -> None:
    right, forward, up = rotation(0.1, -0.1, 0.0)
    assert forward[0] < 0 and forward[2] < 0 and right[2] == 0 and up[2] > 0.9
