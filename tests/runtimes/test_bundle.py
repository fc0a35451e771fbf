import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from runtimes.bundle import find_bundles, open_bundle
from runtimes.registry import to_depth, to_input
from wedepth.errors import WedepthError


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(exported / "nano-openvino-fp32", tmp_path / "nano-openvino-fp32"))


def edit(bundle: Path, change) -> None:
    file = bundle / "manifest.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def test_a_bundle_that_is_named_twice_is_found_once(exported: Path) -> None:
    found = find_bundles(exported / "nano-onnx-fp32", exported)
    assert found[0].folder.name == "nano-onnx-fp32"
    assert len(found) == len(find_bundles(exported))


def test_a_manifest_says_what_the_artifact_is(exported: Path) -> None:
    for opened in find_bundles(exported):
        manifest = opened.manifest
        assert opened.artifact.exists() and manifest.size == (64, 96)
        assert manifest.preset == "nano" and manifest.checkpoint.trained is False
        assert manifest.artifact.bytes == sum((opened.folder / f).stat().st_size for f in manifest.artifact.files)
        assert manifest.input.range == [0, 255] and manifest.output.unit == "metre"
        assert manifest.verified.frames == 2 and 0 < manifest.verified.mean_rel < 0.007
        assert 0 < manifest.verified.prepared.mean_rel <= manifest.verified.prepared.max_rel < 1e-5
        image, depth = opened.sample()
        assert image.shape == (64, 96, 3) and depth.shape == (64, 96) and depth.min() > 0


def test_an_artifact_that_was_changed_is_refused(bundle: Path) -> None:
    data = bytearray((bundle / "model.bin").read_bytes())
    data[100] ^= 1
    (bundle / "model.bin").write_bytes(data)
    with pytest.raises(WedepthError, match=r"model.bin in the bundle .* is not the file its manifest describes"):
        open_bundle(bundle)


def test_an_artifact_that_is_gone_is_refused(bundle: Path) -> None:
    (bundle / "model.bin").unlink()
    with pytest.raises(WedepthError, match=r"lacks model.bin"):
        open_bundle(bundle)


def test_a_file_smuggled_into_a_package_is_refused(exported: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(exported / "nano-coreml-fp32", tmp_path / "b"))
    (bundle / "model.mlpackage" / "extra").write_text("x")
    with pytest.raises(WedepthError, match="extra, which its manifest does not list"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schema=99), "of schema 99; this version of wedepth reads 4"),
        (lambda d: d.update(colour="red"), "colour missing or unknown"),
        (lambda d: d["input"].pop("layout"), "layout missing or unknown"),
        (lambda d: d["artifact"]["files"].update({"../../etc/passwd": "x"}), "outside the bundle"),
        (lambda d: d.update(checkpoint=3), "not a valid manifest"),
    ],
)
def test_a_manifest_is_strict(bundle: Path, change, said: str) -> None:
    edit(bundle, change)
    with pytest.raises(WedepthError, match=said):
        open_bundle(bundle)


def test_a_folder_without_bundles_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="holds no bundle"):
        find_bundles(tmp_path)
    with pytest.raises(WedepthError, match="wedepth-export makes one"):
        find_bundles(tmp_path / "none")
    (tmp_path / "manifest.json").write_text("{cut")
    with pytest.raises(WedepthError, match="Cannot read"):
        find_bundles(tmp_path)


def test_images_and_depths_take_the_artifacts_layout(exported: Path) -> None:
    image = np.arange(64 * 96 * 3, dtype=np.int64).reshape(64, 96, 3).astype(np.uint8)
    for name, shape in (("nano-onnx-fp32", (1, 3, 64, 96)), ("nano-tflite-fp32", (1, 64, 96, 3))):
        manifest = open_bundle(exported / name).manifest
        pixels = to_input(image, manifest)
        assert pixels.shape == shape and pixels.dtype == np.float32
        index = (0, 2, 5, 7) if shape[1] == 3 else (0, 5, 7, 2)
        assert pixels[index] == image[5, 7, 2]
        with pytest.raises(WedepthError, match="takes 64x96 images"):
            to_input(image[:32], manifest)
        with pytest.raises(WedepthError, match="its manifest says"):
            to_depth(np.zeros((1, 1, 2, 2), np.float32), manifest)
