"""What goes wrong, in words on the page."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODEL = "assets/model-*.onnx"
QUICK = "?model=nano-tflite-fp32"


def test_without_webgpu_it_is_said_and_webassembly_offered(open_page: Any) -> None:
    page = open_page(f"{QUICK}&run=webgpu")
    assert "WebGPU" in page.problem()
    assert page.text("#ran") == "–"  # nothing else is tried in silence
    page.view.click("#remedy:text-is('Run in WebAssembly')")
    page.wait_for_depth()
    assert page.text("#ran").startswith("WebAssembly")
    assert not page.view.is_visible("#problem")


def test_a_fall_back_that_was_asked_for_is_told(open_page: Any) -> None:
    page = open_page(f"{QUICK}&run=webgpu%2Bwasm").wait_for_depth()
    assert page.text("#ran").startswith("WebAssembly")
    assert page.text("#note").startswith("It runs otherwise than asked: This browser")


def test_without_simd(open_page: Any) -> None:
    page = open_page(flags=("--js-flags=--no-enable-sse4-1",))
    assert page.problem().startswith("This browser's WebAssembly has no SIMD, which the network needs;")


def test_no_camera(open_page: Any) -> None:
    page = open_page(QUICK, permissions=["camera"]).wait_for_depth()
    page.view.click("#camera")
    assert page.problem() == "There is no camera here; choose a picture instead."


def test_a_camera_that_may_not_be_used(open_page: Any) -> None:
    page = open_page(QUICK, flags=("--use-fake-device-for-media-stream", "--deny-permission-prompts")).wait_for_depth()
    page.view.click("#camera")
    assert page.problem() == "The camera may not be used: allow it for this page in the browser's settings."


def test_what_is_no_image(open_page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not an image")
    page = open_page(QUICK).wait_for_depth()
    page.view.set_input_files("#file", tmp_path / "notes.jpg")
    assert page.problem().startswith("notes.jpg is no image that this browser can read")
    assert page.text("#where")  # what was there is there still


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "model.onnx is not the file that this page was made for (nano-onnx-fp32): its SHA-256 begins with "),
        (lambda file: file.write_bytes(file.read_bytes()[:1000]), "it has 1000 bytes instead of "),
        (lambda file: file.write_bytes(file.read_bytes() + bytes(2**26)), "it is larger"),  # known before it is kept
        (lambda file: file.unlink(), "model.onnx cannot be loaded: the server answers 404."),
    ],
    ids=["swapped", "torn", "longer", "absent"],
)
def test_another_model_file(
    damage: Callable[[Path], object], said: str, site: Path, bundles: list[Path], open_page: Any, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(site / "dist", tmp_path / "dist"))
    size = (bundles[0] / "model.onnx").stat().st_size
    (file,) = (file for file in folder.glob(MODEL) if file.stat().st_size == size)
    whole = file.read_bytes()
    damage(file)
    page = open_page(folder=folder)
    assert said in page.problem()
    assert page.text("#ran") == "–"
    file.write_bytes(whole)
    page.view.click("#remedy:text-is('Load it again')")
    page.wait("#ran[data-value=wasm]")  # what was wrong was not kept
