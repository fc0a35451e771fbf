import numpy as np
import pytest
from PIL import Image, ImageOps

from export.embed.geometry import GREY, ORIENTATIONS, place, resize, shown_at, to_image, to_model, upright, upright_size


def numbered(width: int, height: int) -> np.ndarray:
    return np.arange(width * height, dtype=np.int32).reshape(height, width)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_an_image_is_turned_as_pillow_turns_it(orientation: int) -> None:
    stored = numbered(5, 3)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    shown = upright(stored, orientation)
    np.testing.assert_array_equal(shown, np.asarray(ImageOps.exif_transpose(image)))
    assert upright_size(5, 3, orientation) == shown.shape[::-1]
    for x in range(5):
        for y in range(3):
            column, row = shown_at(x, y, 5, 3, orientation)
            assert shown[row, column] == stored[y, x]


@pytest.mark.parametrize(
    ("size", "fit", "source", "model"),
    [
        ((4032, 3024), "letterbox", (0, 0, 4032, 3024), (0, 0, 384, 288)),
        ((4032, 3024), "crop", (0, 0, 4032, 3024), (0, 0, 384, 288)),
        ((1080, 1920), "letterbox", (0, 0, 1080, 1920), (111, 0, 162, 288)),
        ((1080, 1920), "crop", (0, 555, 1080, 810), (0, 0, 384, 288)),
        ((1920, 1080), "letterbox", (0, 0, 1920, 1080), (0, 36, 384, 216)),
        ((1920, 1080), "crop", (240, 0, 1440, 1080), (0, 0, 384, 288)),
        ((10_000, 1), "letterbox", (0, 0, 10_000, 1), (0, 143, 384, 1)),
        ((10_000, 1), "crop", (4999, 0, 1, 1), (0, 0, 384, 288)),
        ((3, 7), "letterbox", (0, 0, 3, 7), (130, 0, 123, 288)),
    ],
)
def test_where_an_image_goes(size, fit, source, model) -> None:
    placement = place(*size, 384, 288, fit)
    assert (placement.source, placement.model) == (source, model)


def test_halves_are_rounded_up() -> None:
    assert place(64, 27, 32, 32, "letterbox").model == (0, 9, 32, 14)  # 13.5 high, and 9 above it of 18


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_an_image_of_the_networks_size_is_its_input_as_it_is(fit) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    depth = image[..., 0].astype(np.float32)
    np.testing.assert_array_equal(to_model(image, 1, 96, 64, fit), image)
    np.testing.assert_array_equal(to_image(depth, 96, 64, fit), depth)


def test_a_smaller_picture_is_made_as_pillow_makes_it() -> None:
    values = np.random.default_rng(0).random((45, 61), np.float32)
    expected = np.asarray(Image.fromarray(values).resize((17, 20), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(resize(values, 17, 20), expected, atol=1e-6)


def test_a_larger_picture_is_bilinear_with_half_pixel_centres() -> None:
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).random((7, 9), np.float32)
    tensor = torch.from_numpy(values)[None, None]
    expected = torch.nn.functional.interpolate(tensor, (20, 31), mode="bilinear", align_corners=False)[0, 0]
    np.testing.assert_allclose(resize(values, 31, 20), expected.numpy(), atol=1e-6)


def test_letterbox_puts_grey_beside_the_image_and_takes_its_depth_out_of_it() -> None:
    image = np.full((100, 50, 3), 7, np.uint8)
    pixels = to_model(image, 1, 96, 64, "letterbox")
    left, top, width, height = place(50, 100, 96, 64, "letterbox").model
    inside = np.zeros((64, 96), bool)
    inside[top : top + height, left : left + width] = True
    assert (pixels[inside] == 7).all() and (pixels[~inside] == GREY).all() and inside.sum() == 32 * 64
    depth = np.where(inside, np.float32(2.5), np.float32(99))
    np.testing.assert_allclose(to_image(depth, 50, 100, "letterbox"), np.full((100, 50), 2.5), rtol=1e-6)


def test_crop_leaves_the_rest_of_the_image_without_depth() -> None:
    whole = to_image(np.full((64, 96), 2.5, np.float32), 50, 100, "crop")
    left, top, width, height = place(50, 100, 96, 64, "crop").source
    assert np.isnan(whole).sum() == 50 * 100 - width * height
    assert whole.dtype == np.float32 and (whole[top : top + height, left : left + width] == 2.5).all()


def test_an_image_on_its_side_is_turned_before_it_is_placed() -> None:
    stored = np.zeros((96, 64, 3), np.uint8)
    stored[:10] = 200  # its top, which orientation 6 puts to the right
    pixels = to_model(stored, 6, 96, 64, "letterbox")
    assert (pixels[:, -10:] == 200).all() and (pixels[:, :-10] == 0).all()
