"""wedepth-predict on the nano bundles: the files it writes, what it says, what it refuses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from runtimes import predict_cli
from runtimes.bundle import open_bundle
from runtimes.pointcloud import Intrinsics
from runtimes.predict import millimetres
from runtimes.predictor import Predictor
from runtimes.registry import open_session, predict, runtime_for
from wedepth.commands import guarded
from wedepth.data import resize_depth, resize_image
from wedepth.picture import colour
from wedepth.rooms import rooms

SIZE = (90, 130)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "room.png"
    Image.fromarray(rooms(1, SIZE)[0].image).save(path)
    return path


@pytest.fixture
def run(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command in this process, in an empty folder, on the ONNX bundle unless told otherwise: (stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object, expect: int = 0, bundle: object = exported / "nano-onnx-fp32") -> tuple[str, str]:
        words = [str(arg) for arg in args] + ([] if bundle is None else ["--bundle", str(bundle)])
        monkeypatch.setattr(sys, "argv", ["wedepth-predict", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            guarded(predict_cli.predict)
        out, err = capsys.readouterr()
        assert ended.value.code == expect, out + err
        assert "Traceback" not in err
        return out, err

    return run


def expected_depth(bundle: Path, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    opened = open_bundle(bundle)
    session = open_session(runtime_for(opened.manifest.target), opened.artifact, "cpu")
    depth = predict(session, opened, resize_image(image, opened.manifest.size))
    return resize_depth(depth, (image.shape[0], image.shape[1]))


def metres(path: Path) -> NDArray[np.float64]:
    image = Image.open(path)
    assert image.mode == "I;16"
    return np.asarray(image) / 1000


def read_ply(path: Path) -> tuple[list[str], NDArray]:
    head, body = path.read_bytes().split(b"end_header\n", 1)
    fields = [(name, "<f4") for name in "xyz"] + [(name, "u1") for name in ("red", "green", "blue")]
    return head.decode().splitlines(), np.frombuffer(body, fields)


@pytest.mark.parametrize("target", ["onnx", "openvino", "tflite"])
def test_the_png_holds_the_runtimes_own_depth(run, exported: Path, photo: Path, tmp_path: Path, target: str) -> None:
    bundle = exported / f"nano-{target}-fp32"
    run(photo, bundle=bundle)
    depth = expected_depth(bundle, np.asarray(Image.open(photo)))
    found = metres(tmp_path / "predicted" / "room_depth.png")
    assert found.shape == SIZE
    assert np.abs(found - depth).max() <= 0.001
    assert sorted(os.listdir(tmp_path / "predicted")) == ["room_colour.png", "room_depth.png"]


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_an_image_is_turned_as_its_exif_says(
    run, exported: Path, photo: Path, tmp_path: Path, orientation: int
) -> None:
    upright = np.asarray(Image.open(photo))
    stored = np.rot90(upright, {3: 2, 6: 1, 8: 3}[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "phone.png", exif=exif)
    run("phone.png")
    depth = expected_depth(exported / "nano-onnx-fp32", upright)
    assert np.abs(metres(tmp_path / "predicted" / "phone_depth.png") - depth).max() <= 0.001


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_image_of_eight_bits_is_taken_as_rgb(run, exported: Path, photo: Path, tmp_path: Path, mode: str) -> None:
    Image.open(photo).convert(mode).save(tmp_path / "a.tif")
    run("a.tif")
    depth = expected_depth(exported / "nano-onnx-fp32", np.asarray(Image.open(tmp_path / "a.tif").convert("RGB")))
    assert np.abs(metres(tmp_path / "predicted" / "a_depth.png") - depth).max() <= 0.001


def test_millimetres_keep_unknown_apart() -> None:
    depth = np.array([[0, 1e-5, 1.2346, 65.5349, 65.6, 1000]], np.float32)
    assert millimetres(depth).tolist() == [[0, 1, 1235, 65535, 65535, 65535]]


def stub(depth: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that gives this depth [H,W]."""
    predictor = Predictor(lambda image: depth, depth.shape, "stub", "stub", "cpu", True, "trained")
    monkeypatch.setattr("runtimes.predictor.open_bundled", lambda *_: predictor)


def test_depth_that_does_not_fit_or_is_none_is_said(
    run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = np.full(SIZE, 2, np.float32)
    depth[0, :3], depth[1, :4], depth[2, :5] = 70, np.nan, -1
    stub(depth, monkeypatch)
    out, _ = run(photo, "--ply", "--fov", "60", "--json")
    report = json.loads(out)
    assert report["trained"] is True and report["notes"] == []
    (entry,) = report["images"]
    assert entry["notes"][0].startswith("3 pixels lie beyond 65.535 m")
    assert entry["notes"][1].startswith("9 pixels have no depth")
    assert (entry["min_m"], entry["median_m"], entry["max_m"]) == (2, 2, 70)
    found = metres(tmp_path / "predicted" / "room_depth.png")
    assert (found[0, :3] == 65.535).all() and (found[1, :4] == 0).all() and (found[2, :5] == 0).all()
    _, cloud = read_ply(tmp_path / "predicted" / "room.ply")
    assert len(cloud) == depth.size - 9 and cloud["z"][0] == 70


def test_a_network_that_knows_nothing(run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub(np.full(SIZE, np.nan, np.float32), monkeypatch)
    (entry,) = json.loads(run(photo, "--ply", "--json")[0])["images"]
    assert entry["min_m"] is None and entry["max_m"] is None
    assert "–" in run(photo)[0]


def test_the_cloud_reprojects_onto_the_image(run, exported: Path, photo: Path, tmp_path: Path) -> None:
    fx, fy, cx, cy = 110.0, 120.0, 60.5, 47.25
    run(photo, "--ply", "--intrinsics", f"{fx},{fy},{cx},{cy}")
    header, cloud = read_ply(tmp_path / "predicted" / "room.ply")
    assert header[:2] == ["ply", "format binary_little_endian 1.0"]
    assert header[-7:] == [
        f"element vertex {SIZE[0] * SIZE[1]}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {channel}" for channel in ("red", "green", "blue")),
    ]
    image = np.asarray(Image.open(photo))
    depth = expected_depth(exported / "nano-onnx-fp32", image)
    rows, columns = (axis.ravel() for axis in np.indices(SIZE))
    assert np.allclose(cloud["z"], depth.ravel(), atol=1e-6)
    assert np.allclose(cloud["x"] / cloud["z"] * fx + cx, columns, atol=1e-3)
    assert np.allclose(cloud["y"] / cloud["z"] * fy + cy, rows, atol=1e-3)
    assert cloud["x"][0] < 0 < cloud["x"][-1] and cloud["y"][0] < 0 < cloud["y"][-1]  # right, and down
    assert (np.stack([cloud[c] for c in ("red", "green", "blue")], axis=1) == image.reshape(-1, 3)).all()


def test_the_field_of_view_reaches_from_edge_to_edge() -> None:
    camera = Intrinsics.from_fov(90, (480, 640))
    assert camera.fx == camera.fy == pytest.approx(320)
    assert (-0.5 - camera.cx) / camera.fx == pytest.approx(-1) and (639.5 - camera.cx) / camera.fx == pytest.approx(1)
    assert camera.cy == 239.5


def test_a_guessed_focal_length_is_said(run, photo: Path) -> None:
    entry = json.loads(run(photo, "--ply", "--json")[0])
    assert any("63° across, a guess" in note for note in entry["notes"])
    assert entry["images"][0]["intrinsics"]["fx"] == pytest.approx(65 / np.tan(np.radians(31.5)))
    entry = json.loads(run(photo, "--ply", "--fov", "63", "--json")[0])
    assert not any("guess" in note for note in entry["notes"])
    assert "guess" not in run(photo)[0]


def test_the_colours_have_a_scale(run, exported: Path, photo: Path, tmp_path: Path) -> None:
    run(photo, "--range", "0,5")
    picture = np.asarray(Image.open(tmp_path / "predicted" / "room_colour.png"))
    depth = expected_depth(exported / "nano-onnx-fp32", np.asarray(Image.open(photo)))
    assert (picture[: SIZE[0], : SIZE[1]] == colour(depth, 0, 5)).all()
    beside = picture[:, SIZE[1] :].reshape(-1, 3)
    near, far = (colour(np.full((1, 1), value, np.float32), 0, 5)[0, 0] for value in (1e-6, 5))
    assert (beside == near).all(axis=1).any() and (beside == far).all(axis=1).any()
    assert (beside == 255).all(axis=1).any() and (beside.sum(axis=1) < 100).any()  # black words on white


def test_without_a_range_colours_reach_from_the_2nd_to_the_98th_percentile(run, exported: Path, photo: Path) -> None:
    (entry,) = json.loads(run(photo, "--json")[0])["images"]
    depth = expected_depth(exported / "nano-onnx-fp32", np.asarray(Image.open(photo)))
    assert entry["colour_range_m"] == pytest.approx(np.percentile(depth, (2, 98)).tolist())
    assert json.loads(run(photo, "--json", "--range", "1,4.5")[0])["images"][0]["colour_range_m"] == [1, 4.5]


def test_json(run, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, tmp_path / "b[1].png")
    report = json.loads(run(photo, "b[1].png", "--json", "-o", "there/it is")[0])
    assert report["schema"] == 1 and report["trained"] is False
    assert (report["name"], report["runtime"], report["device"]) == ("nano-onnx-fp32", "onnxruntime", "cpu")
    assert any("untrained" in note and "say nothing of the scene" in note for note in report["notes"])
    assert [entry["image"] for entry in report["images"]] == [str(photo), "b[1].png"]
    for entry in report["images"]:
        assert entry["size"] == list(SIZE) and entry["milliseconds"] > 0 and entry["notes"] == []
        assert 0 < entry["min_m"] <= entry["median_m"] <= entry["max_m"]
        assert list(entry["files"]) == ["depth", "colour"]
        assert all(Path(file).is_file() for file in entry["files"].values())


def test_the_table(run, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, tmp_path / "b[1].png")
    out, _ = run(photo, "b[1].png")
    for words in ("nano-onnx-fp32", "onnxruntime", "90x130", "median m", "b[1]_depth.png", "untrained"):
        assert words in out


def test_an_image_of_other_proportions_is_said(run, tmp_path: Path) -> None:
    Image.new("RGB", (60, 90), "grey").save(tmp_path / "tall.png")
    assert "90x60 is squeezed to the proportions of 64x96" in " ".join(run("tall.png")[0].split())


def test_the_first_bundle_that_runs_is_taken(run, exported: Path, photo: Path) -> None:
    def taken(*args: object) -> str:
        return json.loads(run(photo, "--json", *args, bundle=exported)[0])["name"]

    assert taken() == "nano-onnx-fp32"
    assert taken("--runtime", "tflite") == "nano-tflite-fp32"


def test_a_runtime_that_is_not_installed_is_passed_over(
    run, exported: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "onnxruntime" else find(name, *a))
    assert json.loads(run(photo, "--json", bundle=exported)[0])["name"] == "nano-openvino-fp32"
    _, err = run(photo, expect=1)
    assert "nano-onnx-fp32 runs on the CPU here. onnxruntime: onnxruntime is not installed" in err


def test_bundles_of_several_networks_are_listed(run, exported: Path, photo: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(exported / "nano-onnx-fp32", tmp_path / "exported" / name)
    manifest = tmp_path / "exported" / "two" / "manifest.json"
    data = json.loads(manifest.read_text())
    data["name"], data["checkpoint"]["sha256"] = "other-onnx-fp32", "0" * 64
    manifest.write_text(json.dumps(data))
    _, err = run(photo, expect=1, bundle=None)
    assert "exported holds several networks: nano-onnx-fp32, other-onnx-fp32; name one" in err
    assert json.loads(run(photo, "--json", bundle="exported/two")[0])["name"] == "other-onnx-fp32"


def test_a_checkpoint_runs_in_torch(run, exported: Path, photo: Path, tmp_path: Path) -> None:
    report = json.loads(run(photo, "--json", "--checkpoint", "nano", bundle=None)[0])
    assert report["runtime"] == "torch" and report["trained"] is False
    depth = expected_depth(exported / "nano-onnx-fp32", np.asarray(Image.open(photo)))
    assert np.abs(metres(tmp_path / "predicted" / "room_depth.png") - depth).max() <= 0.005


def test_torch_is_not_needed(exported: Path, photo: Path, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('torch', 'timm', 'onnx', 'coremltools', 'h5py'): sys.modules[name] = None\n"
        "from runtimes.predict_cli import main; main()\n"
    )
    args = [photo, "--bundle", exported / "nano-onnx-fp32", "--ply", "-o", tmp_path, "--json"]
    done = subprocess.run([sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runtime"] == "onnxruntime"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, runtimes.predict_cli as m\n"
        "try:\n    sys.argv = ['x', '--help']; m.main()\n"
        "except SystemExit: pass\n"
        "print('HEAVY', sorted({'torch', 'timm', 'onnxruntime', 'openvino', 'h5py', 'PIL'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "--ply" in done.stdout and "HEAVY []" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def bad(photo: Path, tmp_path: Path) -> Path:
    """A folder of things to refuse, and two good images of one name."""
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder").mkdir()
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save(tmp_path / "deep.png")
    for path in (tmp_path / "a.png", tmp_path / "folder" / "A.png", tmp_path / "a_depth.png"):
        shutil.copy(photo, path)
    return tmp_path


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none.png"], "There is no file none.png"),
        (["a.png", "text.png"], "text.png is no image, or of a format"),
        (["folder"], "folder is a folder; name the images in it"),
        (["deep.png"], "deep.png has one channel of more than 8 bits"),
        (["a.png", "folder/A.png"], "a.png and folder/A.png would both be written to A_depth.png"),
        (["a.png", "a.png"], "a.png and a.png would both be written to a_depth.png"),
        (["a.png", "a_depth.png", "-o", "."], "would overwrite the image a_depth.png"),
        (["a.png", "-o", "text.png"], "text.png is a file; -o names a folder"),
        (["a.png", "-o", "text.png/sub"], "Cannot write to text.png/sub: Not a directory"),
        (["a.png", "--fov", "60"], "add --ply"),
        (["a.png", "--ply", "--fov", "60", "--intrinsics", "1,1,1,1"], "not both"),
        (["a.png", "--ply", "--fov", "180"], "180.0 is not in the range 0<x<180"),
        (["a.png", "--ply", "--intrinsics", "1,2,3"], "'1,2,3' is not FX,FY,CX,CY"),
        (["a.png", "--ply", "--intrinsics", "0,2,3,4"], "Focal lengths are above 0 pixels, not 0 and 2"),
        (["a.png", "--range", "5,2"], "--range goes from near to far"),
        (["a.png", "--range", "1,nan"], "'1,nan' is not MIN,MAX"),
        (["a.png", "--vfm", "random"], "--vfm goes with --checkpoint"),
        (["a.png", "--checkpoint", "nano"], "not both"),
    ],
)
def test_bad_input_is_one_sentence_before_a_model_is_loaded(
    run, bad: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], said: str
) -> None:
    monkeypatch.setattr("runtimes.predictor.open_bundled", lambda *_: pytest.fail("a model was loaded"))
    assert said in run(*args, expect=1)[1]
    assert not list(bad.rglob("*_colour.png"))


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ("nowhere", "There is no folder nowhere; wedepth-export makes one"),
        ("folder", "folder holds no bundle"),
        (None, "There is no folder exported"),
    ],
)
def test_an_unknown_bundle_is_one_sentence(run, bad: Path, bundle: str | None, said: str) -> None:
    assert said in run("a.png", bundle=bundle, expect=1)[1]


def test_a_bundle_that_cannot_be_run_as_asked_is_one_sentence(run, exported: Path, photo: Path) -> None:
    _, err = run(photo, "--runtime", "openvino", expect=1)
    assert "holds no bundle that openvino runs; it holds nano-onnx-fp32" in err
    _, err = run(photo, "--device", "npu", bundle=exported / "nano-openvino-fp32", expect=1)
    assert "runs on the NPU here. openvino: OpenVINO finds no NPU here" in err


def test_intrinsics_of_another_size_are_refused(run, photo: Path, tmp_path: Path) -> None:
    _, err = run(photo, "--ply", "--intrinsics", "518,518,325,253", expect=1)
    assert "The principal point (325, 253) lies outside an image of 90x130 pixels" in err
    assert not list((tmp_path / "predicted").iterdir())


def test_an_image_that_breaks_off_does_not_stop_the_others(run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:2000])
    out, err = run("cut.png", photo, "--json", expect=1)
    assert err.startswith("Error: Cannot read cut.png") and err.count("\n") == 1
    assert [Path(entry["image"]).name for entry in json.loads(out)["images"]] == ["room.png"]
    assert sorted(os.listdir(tmp_path / "predicted")) == ["room_colour.png", "room_depth.png"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(photo)
    before = (tmp_path / "predicted" / "room_depth.png").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "room_depth.png: No space left on device" in run(photo, expect=1)[1]
    assert (tmp_path / "predicted" / "room_depth.png").read_bytes() == before
    assert sorted(os.listdir(tmp_path / "predicted")) == ["room_colour.png", "room_depth.png"]
