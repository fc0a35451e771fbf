import numpy as np
from PIL import Image, ImageOps

from export.embed.cases import FITS, SIZES, geometry_cases, resize_cases
from export.embed.geometry import ORIENTATIONS, place


def test_every_size_fit_and_orientation_is_a_case() -> None:
    cases = geometry_cases(384, 288)
    keys = {(case["width"], case["height"], case["fit"], case["orientation"]) for case in cases}
    assert len(cases) == len(keys) == len(SIZES) * len(FITS) * len(ORIENTATIONS)


def test_cases_are_in_the_images_own_bounds_and_the_networks() -> None:
    for case in geometry_cases(384, 288):
        for (left, top, width, height), (most, high) in (
            (case["source"], case["upright"]),
            (case["model"], (384, 288)),
        ):
            assert 0 <= left <= left + width <= most and 0 <= top <= top + height <= high and width * height > 0
        placement = place(*case["upright"], 384, 288, case["fit"])
        assert (case["source"], case["model"]) == (list(placement.source), list(placement.model))


def test_pixels_are_shown_where_pillow_shows_them() -> None:
    for case in geometry_cases(96, 64):
        if case["width"] > 100:
            continue  # small ones do
        marks = np.zeros((case["height"], case["width"]), np.uint8)
        marks[0, :2] = 1, 2
        image = Image.fromarray(marks)
        image.getexif()[0x0112] = case["orientation"]
        shown = np.asarray(ImageOps.exif_transpose(image))
        for mark, (x, y) in ((1, case["first"]), (2, case["second"])):
            assert shown[y, x] == mark, case


def test_resize_cases_are_numbers_row_by_row() -> None:
    for case in resize_cases():
        for size, values in (("from", "values"), ("to", "resized")):
            assert len(case[values]) == case[size][0] * case[size][1]
    enlarged = resize_cases()[0]
    assert enlarged["values"] == [0, 7, 4, 1, 8]
    assert enlarged["resized"][:3] == [0, 3.0625, 6.8125] and enlarged["resized"][-1] == 8
