"""The page with the trained default, in fp32 and INT8: where `make test-web` has its bundles."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.embed.site import build
from runtimes.web.server import Server

FOLDER = "WEDEPTH_TRAINED"
NAMES = tuple(f"edge-{target}-{precision}" for target in ("onnx", "tflite") for precision in ("fp32", "int8"))


@pytest.fixture(scope="module")
def trained(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The bundles, embedded in a folder of the tests'."""
    if not (folder := os.environ.get(FOLDER)):
        pytest.skip(f"minutes of the trained default: `make test-web` runs them ({FOLDER} names its bundles' folder)")
    out = tmp_path_factory.mktemp("trained")
    for name in NAMES:
        (out / name).mkdir()
        for file in (Path(folder) / name).iterdir():
            if file.is_file():
                (out / name / file.name).symlink_to(file.resolve())
    return [out / name for name in NAMES]


@pytest.fixture(scope="module")
def offered(trained: list[Path], launch: Callable[..., Any], page_at: Callable[..., Any]) -> Iterator[Any]:
    site = build(trained, trained[0].parent / "site")
    with Server({"/": site / "dist"}) as server:
        context = launch().new_context()
        yield page_at(context.new_page(), server.address).wait_for_depth()
        context.close()


@pytest.mark.parametrize("name", NAMES)
def test_depth_is_within_the_bundles_tolerance_of_the_reference(name: str, trained: list[Path], offered: Any) -> None:
    golden = next(bundle for bundle in trained if bundle.name == name) / "web" / "golden"
    facts = json.loads((golden / "golden.json").read_text())
    right = np.fromfile(golden / "depth.f32", "<f4").reshape(facts["height"], facts["width"])
    offered.choose(name)
    offered.take(golden / "image.png")
    found = offered.depth()
    assert found.shape == right.shape
    assert np.abs(found / right - 1).mean() <= facts["tolerance"]["mean_rel"]
    assert offered.text("#ran").startswith("WebAssembly, ") and "untrained" not in offered.text("#about")
    offered.view.click("#check")
    offered.wait("#verdict.passed, #verdict.failed")
    assert offered.text("#verdict").startswith("Passed.")
