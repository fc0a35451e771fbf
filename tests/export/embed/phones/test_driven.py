"""The wrappers' geometry and self-test, run in their own languages: held against the reference, and against the depth
that each mistake really gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.embed.geometry import Fit, to_image, to_model, upright_size
from export.embed.golden import MISTAKES, run_golden
from runtimes.bundle import Bundle, open_bundle
from runtimes.registry import open_session, runtime_for

BUNDLES = {"kotlin": "nano-tflite-fp32", "swift": "nano-coreml-fp32"}
MODEL = (96, 64)
CASES: tuple[tuple[int, int, int, Fit], ...] = (
    (96, 64, 1, "letterbox"),
    (131, 77, 6, "letterbox"),
    (77, 131, 8, "crop"),
    (40, 30, 3, "crop"),
    (301, 40, 2, "letterbox"),
    (40, 301, 7, "crop"),
    (201, 150, 5, "letterbox"),
    (150, 201, 4, "crop"),
)
"""Stored width and height, EXIF orientation, fit."""


@dataclass(frozen=True, slots=True)
class Said:
    """A driver's verdict on a depth file."""

    passed: bool
    mistakes: list[str]
    sentence: str


@dataclass(frozen=True, slots=True)
class Driven:
    """A driver's folder after all tasks, and its verdicts by the depth file's name without its suffix."""

    folder: Path
    said: dict[str, Said]


@pytest.fixture(scope="module", params=("kotlin", "swift"))
def driven(request: pytest.FixtureRequest, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """All tasks, done in either language."""
    drive = request.getfixturevalue(f"{request.param}_driver")
    folder = tmp_path_factory.mktemp("driven")
    tasks = [*write_fits(folder), *write_depths(folder, open_bundle(exported / BUNDLES[request.param]))]
    (folder / "tasks").write_text("\n".join(tasks))
    lines = [line.split("\t") for line in drive(folder).splitlines()]
    said = {
        file.removesuffix(".f32"): Said(passed == "true", mistakes.split(","), sentence)
        for file, passed, mistakes, sentence in lines
    }
    return Driven(folder, said)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_models_input_is_the_references_to_the_bit(driven: Driven, number: int) -> None:
    width, height, orientation, fit = CASES[number]
    image = np.fromfile(driven.folder / f"{number}.rgb", np.uint8).reshape(height, width, 3)
    found = np.fromfile(driven.folder / f"{number}.input", np.uint8).reshape(*MODEL[::-1], 3)
    np.testing.assert_array_equal(found, to_model(image, orientation, *MODEL, fit))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_images_depth_is_the_references(driven: Driven, number: int) -> None:
    width, height, orientation, fit = CASES[number]
    depth = np.fromfile(driven.folder / f"{number}.f32", "<f4").reshape(MODEL[::-1])
    shown = upright_size(width, height, orientation)
    found = np.fromfile(driven.folder / f"{number}.metres", "<f4").reshape(shown[::-1])
    np.testing.assert_allclose(found, to_image(depth, *shown, fit), 1e-6)


def test_the_right_depth_passes(driven: Driven) -> None:
    assert driven.said["right"].passed, driven.said["right"].sentence


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_in_words(driven: Driven, mistake: str) -> None:
    verdict = driven.said[mistake]
    assert not verdict.passed
    assert verdict.mistakes[0] == mistake, verdict.sentence
    assert MISTAKES[mistake][0] in verdict.sentence


def write_fits(folder: Path) -> list[str]:
    """Images and depths at random for every case, as files; returns the tasks."""
    random = np.random.default_rng(0)
    tasks = []
    for number, (width, height, orientation, fit) in enumerate(CASES):
        random.integers(0, 256, (height, width, 3), np.uint8).tofile(folder / f"{number}.rgb")
        random.uniform(0.5, 9, MODEL[::-1]).astype("<f4").tofile(folder / f"{number}.f32")
        files = f"{number}.rgb {number}.input {number}.f32 {number}.metres"
        tasks.append(f"fit {width} {height} {orientation} {fit} {MODEL[0]} {MODEL[1]} {files}")
    return tasks


def write_depths(folder: Path, bundle: Bundle) -> list[str]:
    """The depth that a bundle's artifact gives as it should be and with every mistake, as files; returns the tasks."""
    session, golden = open_session(runtime_for(bundle.manifest.target), bundle.artifact, "cpu"), run_golden(bundle)
    depths: dict[str, Any] = {"right": golden.depth}
    for name, (_, make) in MISTAKES.items():
        depths[name] = make(session, bundle.manifest, golden.image, golden.depth)
    for name, depth in depths.items():
        depth.astype("<f4").tofile(folder / f"{name}.f32")
    return [f"judge {name}.f32" for name in depths]
