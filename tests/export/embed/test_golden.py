import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from export.embed.golden import MISTAKES, Golden, Mistake, Tolerance, differs, find_tolerance, golden_image
from runtimes.bundle import Bundle, open_bundle
from runtimes.registry import open_session, runtime_for
from wedepth.errors import WedepthError

GoldenOf = Callable[[str], Golden]
BUNDLES = ("nano-onnx-fp32", "nano-onnx-fp16", "nano-tflite-fp32", "nano-coreml-fp16")


class App:
    """An app that has embedded the model by itself: a file, its runtime, and code of its own about them."""

    def __init__(self, bundle: Bundle) -> None:
        target = bundle.manifest.target
        self._session = open_session(runtime_for(target), bundle.artifact, "cpu")
        self._channels_last = target == "tflite"

    def metres(self, image: NDArray, scale: float = 1.0) -> NDArray[np.float32]:
        pixels = np.asarray(image, np.float32) * np.float32(scale)
        axes = pixels if self._channels_last else pixels.transpose(2, 0, 1)
        return self._session.run(np.ascontiguousarray(axes[None])).reshape(image.shape[:2])


def turned(image: NDArray) -> NDArray:
    return np.asarray(Image.fromarray(image).rotate(90, expand=True).resize(image.shape[1::-1]))


WRONG: dict[str, Callable[[App, NDArray], NDArray[np.float32]]] = {
    "bgr": lambda app, image: app.metres(image[..., [2, 1, 0]]),
    "range": lambda app, image: app.metres(image, scale=1 / 255),
    "rotated": lambda app, image: app.metres(turned(image)),
    "flipped": lambda app, image: app.metres(np.flipud(image)),
    "mirrored": lambda app, image: app.metres(np.fliplr(image)),
    "scale": lambda app, image: app.metres(image) * 1000,
    "log": lambda app, image: np.log(app.metres(image)),
}


@pytest.fixture(scope="module", params=BUNDLES)
def embedded(request, exported: Path, golden_of: GoldenOf) -> tuple[Golden, App]:
    return golden_of(request.param), App(open_bundle(exported / request.param))


def test_the_artifact_as_it_should_be_run_passes(embedded) -> None:
    golden, app = embedded
    assert differs(golden, app.metres(golden.image)) == ""


def test_every_mistake_has_one_that_makes_it() -> None:
    assert WRONG.keys() == MISTAKES.keys()


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_made_on_purpose_is_caught_and_named(embedded, name: str) -> None:
    golden, app = embedded
    said = differs(golden, WRONG[name](app, golden.image))
    assert golden.mistakes[name].words in said
    assert golden.mistakes[name].mean_rel >= 2 * golden.tolerance.mean_rel


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_depth_that_is_no_number_at_one_pixel_is_caught(golden_of: GoldenOf, wrong: float) -> None:
    golden = golden_of("nano-onnx-fp32")
    depth = golden.depth.copy()
    depth[3, 5] = wrong
    assert differs(golden, depth) == "the depth is no number at 1 of 6144 pixels."


def test_one_pixel_out_of_bounds_is_said_to_be_one() -> None:
    depth = np.full((4, 1000), 2.0, np.float32)
    golden = Golden(np.zeros((4, 1000, 3), np.uint8), depth, "x", Tolerance(0.002, 0.002), {}, 0, 0)
    found = depth.copy()
    found[0, 0] *= 1.01
    assert differs(golden, found) == "the relative difference is 0.01 at one pixel; 0.002 is the tolerance."


def test_the_image_is_alike_in_no_mirror_and_has_a_colour() -> None:
    image = golden_image((64, 96)).astype(int)
    for other in (image[::-1], image[:, ::-1], image[::-1, ::-1], image[..., ::-1]):
        assert np.abs(image - other).mean() > 10
    np.testing.assert_array_equal(image, golden_image((64, 96)))


def test_what_is_written_is_what_was_run(golden_of: GoldenOf, tmp_path: Path) -> None:
    golden = golden_of("nano-tflite-fp32")
    golden.write(tmp_path / "golden")
    facts = json.loads((tmp_path / "golden" / "golden.json").read_text())
    image, depth = ((tmp_path / "golden" / name).read_bytes() for name in ("image.png", "depth.f32"))
    assert facts["image_sha256"] == hashlib.sha256(image).hexdigest()
    assert facts["depth_sha256"] == hashlib.sha256(depth).hexdigest()
    size = facts["height"], facts["width"]
    assert size == (64, 96)
    with Image.open(tmp_path / "golden" / "image.png") as opened:
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(opened), golden.image)
    np.testing.assert_array_equal(np.frombuffer(depth, "<f4").reshape(size), golden.depth)
    assert facts["runtime"] == "tflite" and facts["tolerance"] == dataclasses.asdict(golden.tolerance)
    assert facts["mistakes"] == {name: dataclasses.asdict(found) for name, found in golden.mistakes.items()}
    assert facts["geometry"] and facts["resize"]


# --- the tolerance ---


Find = Callable[..., Tolerance]


@pytest.fixture(scope="module")
def find(exported: Path) -> Find:
    """The tolerance of an artifact that was found to be so far from torch, with mistakes that are so far off."""
    manifest = open_bundle(exported / "nano-onnx-fp32").manifest

    def find(verified: float, precision: str = "fp32", **mistakes: float) -> Tolerance:
        changed = dataclasses.replace(
            manifest,
            precision=dataclasses.replace(manifest.precision, name=precision),
            verified=dataclasses.replace(manifest.verified, mean_rel=verified),
        )
        return find_tolerance(changed, {name: Mistake(f"it is {name}", mean, 1.0) for name, mean in mistakes.items()})

    return find


@pytest.mark.parametrize(
    ("precision", "most", "mean"), [("fp32", 0.002, 0.002), ("fp16", None, 0.014), ("int8", None, 0.06)]
)
def test_the_tolerance_is_twice_the_precisions_limit(
    find: Find, precision: str, most: float | None, mean: float
) -> None:
    found = find(1e-4, precision, bgr=0.2, log=0.6)
    assert (found.max_rel, found.mean_rel) == (most, mean)


def test_the_tolerance_is_half_of_the_least_mistake_at_most(find: Find) -> None:
    assert find(1e-4, "int8", bgr=0.1, log=0.6).mean_rel == 0.05


def test_an_artifact_that_hardly_sees_is_refused(find: Find) -> None:
    with pytest.raises(
        WedepthError, match=r"does not tell a mistake from rounding: where it is bgr, depth differs by 0.03"
    ):
        find(0.01, "int8", bgr=0.03, log=0.6)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_an_artifact_that_gives_no_numbers_is_refused(find: Find, wrong: float) -> None:
    with pytest.raises(WedepthError, match="gives no depth, or none where it is log"):
        find(1e-4, bgr=0.2, log=wrong)
