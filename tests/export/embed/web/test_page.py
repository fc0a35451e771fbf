"""What the page shows, in Chromium, of nano's bundles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from export.embed.geometry import Fit, to_image, to_model
from runtimes.bundle import open_bundle
from runtimes.photo import read_photo
from runtimes.registry import RUNTIMES, open_session, predict
from runtimes.web.browser import FLAGS
from wedepth.picture import colour, depth_range
from wedepth.rooms import render

QUICK = "?model=nano-tflite-fp32"
BUNDLES = ("nano-onnx-fp32", "nano-onnx-fp16", "nano-tflite-fp32")


def golden(bundle: Path) -> tuple[Path, np.ndarray, float]:
    """Its image, its depth [H,W], and how far off depth may be on average."""
    folder = bundle / "web" / "golden"
    facts = json.loads((folder / "golden.json").read_text())
    depth = np.fromfile(folder / "depth.f32", "<f4").reshape(facts["height"], facts["width"])
    return folder / "image.png", depth, facts["tolerance"]["mean_rel"]


def off(found: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(found / right - 1).mean())


@pytest.mark.parametrize("name", BUNDLES)
def test_depth_is_that_of_the_reference_and_the_page_says_where_it_ran(
    name: str, bundles: list[Path], page: Any
) -> None:
    image, depth, tolerance = golden(next(bundle for bundle in bundles if bundle.name == name))
    page.choose(name)
    page.take(image)
    assert off(page.depth(), depth) <= tolerance
    assert page.text("#ran").startswith("WebAssembly, ")
    assert ("LiteRT.js" if "tflite" in name else "ONNX Runtime Web") in page.text("#ran")
    assert "untrained" in page.text("#about") and "means nothing" in page.text("#note")


@pytest.mark.parametrize("name", ["nano-onnx-fp32", "nano-tflite-fp32"])
def test_webgpu_gives_the_depth_of_the_reference_too(name: str, open_page: Any) -> None:
    page = open_page(f"?model={name}&run=webgpu", flags=FLAGS["gpu"]).wait_for_depth()
    assert page.text("#ran").startswith("WebGPU, ") and "partly" not in page.text("#ran")
    page.view.click("#check")
    page.wait("#verdict.passed, #verdict.failed")
    assert page.text("#verdict").startswith("Passed. The mean relative difference from ")


def test_the_self_test_passes_in_the_browser(page: Any) -> None:
    page.choose(BUNDLES[0])
    page.view.click("#check")
    page.wait("#verdict.passed, #verdict.failed")
    assert page.text("#verdict").startswith("Passed. The mean relative difference from onnxruntime is ")


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_photos_are_placed_and_turned_as_the_reference_does_it(
    fit: Fit, orientation: int, bundles: list[Path], page: Any, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(render(7, (150, 210)).image).save(photo, quality=95, exif=exif)
    bundle = open_bundle(bundles[0])
    upright = read_photo(photo)
    height, width = upright.shape[:2]
    page.choose(bundle.manifest.name)
    session = open_session(RUNTIMES["onnxruntime"], bundle.artifact, "cpu")
    right = to_image(predict(session, bundle, to_model(upright, 1, 96, 64, fit)), width, height, fit)
    page.fit(fit)
    page.take(photo)
    found = page.depth()
    assert found.shape == right.shape == (height, width)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(right))
    assert np.nanmax(np.abs(found / right - 1)) <= 2e-3  # another decoder of JPEG


def test_a_photo_is_kept_when_its_file_goes_away(open_page: Any, tmp_path: Path) -> None:
    page = open_page(QUICK).wait_for_depth()
    photo = tmp_path / "photo.png"
    Image.fromarray(render(7, (150, 210)).image).save(photo)
    page.take(photo)
    photo.unlink()
    page.fit("crop")
    assert page.depth().shape == (150, 210)


def test_colours_are_those_of_the_projects_pictures(bundles: list[Path], page: Any) -> None:
    page.take(golden(bundles[0])[0])
    depth = page.depth()
    pixels = page.view.locator("#depth").evaluate(
        "it => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data]"
    )
    shown = np.array(pixels, np.uint8).reshape(*depth.shape, 4)[..., :3]
    assert np.abs(shown.astype(int) - colour(depth, *depth_range(depth)).astype(int)).max() <= 2


def test_the_scale_is_in_metres_and_can_be_fixed(page: Any) -> None:
    assert page.text("#marks").endswith(" m")
    page.view.select_option("#scale", "0-6")
    assert page.text("#marks").split("\n")[0] in ("0 m", "0.0 m")
    assert page.view.get_attribute("#legend", "aria-label") == "Colours from 0.00 m (blue) to 6.00 m (red)"


def test_the_distance_is_told_by_keys_and_by_pointing(page: Any) -> None:
    depth = page.depth()
    height, width = depth.shape
    page.view.locator("#depth").hover()
    page.view.locator("#views").focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowDown"):
        page.view.keyboard.press(key)
    x, y = int(0.51 * width), int(0.61 * height)
    assert page.text("#where") == f"at {x}, {y} of {width}×{height}"
    said = f"{depth[y, x]:.2f} m"
    assert page.text("#views .cross output") == said
    page.wait(f"#metres[aria-live=polite]:text-is('{said}')")
    box = page.view.locator("#depth").bounding_box()
    page.view.locator("#depth").hover(position={"x": 5, "y": 5})
    assert (
        page.text("#where")
        == f"at {int(5 / box['width'] * width)}, {int(5 / box['height'] * height)} of {width}×{height}"
    )


def test_another_model_is_chosen_and_stands_in_the_address(page: Any) -> None:
    assert page.view.locator("#bundle option").all_inner_texts()[1].startswith("nano-onnx-fp16, 1.2 MB")
    page.choose(BUNDLES[2])
    assert page.text("#about").startswith("nano-tflite-fp32: 96×64")
    assert "model=nano-tflite-fp32" in page.view.url


def test_loading_is_told_in_bytes(page: Any) -> None:
    page.view.evaluate(
        """() => {
          globalThis.seen = [];
          const note = () => seen.push(document.querySelector('#stage').textContent);
          new MutationObserver(note).observe(document.querySelector('#stage'), { childList: true, subtree: true });
        }"""
    )
    page.choose(BUNDLES[1])
    seen = page.view.evaluate("seen")
    assert "Loading nano-onnx-fp16: 0.0 MB of 1.2 MB" in seen
    assert seen[-1] == "Opening nano-onnx-fp16…"
    assert not page.view.is_visible("#loading")


def test_the_camera_gives_picture_after_picture(open_page: Any) -> None:
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page = open_page(QUICK, flags=flags).wait_for_depth()
    page.view.click("#camera")
    page.wait("#next[data-value]:not([data-value=''])")
    page.wait("#where:has-text('of 1280×720')")
    assert page.text("#camera") == "Stop camera"
    page.view.click("#camera")
    assert page.text("#camera") == "Camera"
    assert page.view.get_attribute("#camera", "aria-pressed") == "false"


def test_nothing_is_asked_of_another_server(open_page: Any) -> None:
    asked: list[str] = []
    page = open_page(QUICK)
    page.view.context.on("request", lambda request: asked.append(request.url))
    page.view.reload()
    page.wait_for_depth()
    own = page.view.url.split("?")[0]
    assert asked and all(address.startswith((own, "blob:")) for address in asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_phone_and_a_desk(width: int, scheme: str, page: Any) -> None:
    page.view.set_viewport_size({"width": width, "height": 740})
    page.view.emulate_media(color_scheme=scheme)
    outside = page.view.evaluate(
        """() => [...document.body.querySelectorAll('*')]
          .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
          .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    assert page.view.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.view.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == {"light": "rgb(244, 245, 247)", "dark": "rgb(15, 18, 22)"}[scheme]


def test_all_is_reached_by_tab_and_seen_to_be(open_page: Any) -> None:
    page = open_page(QUICK).wait_for_depth()
    seen = []
    for _ in range(10):
        page.view.keyboard.press("Tab")
        name, outline = page.view.evaluate(
            """() => {
              const one = document.activeElement;
              const shown = one.closest('.button') ?? one;
              return [one.id, getComputedStyle(shown).outlineStyle];
            }"""
        )
        assert outline == "solid", name
        seen.append(name)
    assert seen == ["sample", "file", "camera", "views", "bundle", "asked", "fit", "scale", "check", "save"]
