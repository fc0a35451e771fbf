import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wedepth.data import open_dataset, resize_depth, resize_image
from wedepth.errors import WedepthError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def write_pair(folder: Path, stem: str, size: tuple[int, int], value: int) -> tuple[str, str]:
    """A grey image and a constant 16-bit depth; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(folder / f"{stem}_rgb.png")
    Image.fromarray(np.full(size, value, np.uint16)).save(folder / f"{stem}_depth.png")
    return f"{stem}_rgb.png", f"{stem}_depth.png"


def entry(rgb: str, depth: str, **changed: object) -> dict[str, object]:
    base = {
        "dataset": "nyu_x", "name": "a", "rgb": rgb, "depth": depth, "depth_scale": 1000, "split": "eval",
        "scene_group": "kitchen", "registered": True,
    }  # fmt: skip
    return base | changed


def write_manifest(folder: Path, *entries: dict[str, object]) -> Path:
    (folder / "manifest.json").write_text(json.dumps(entries))
    return folder


def test_an_rgbd_folder(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path, "a", (480, 640), 2500)
    sha = hashlib.sha256((tmp_path / rgb).read_bytes()).hexdigest()[:16]
    (frame,) = open_dataset(write_manifest(tmp_path, entry(rgb, depth, rgb_sha256=sha)))
    assert frame.image.shape == (480, 640, 3) and frame.depth[0, 0] == pytest.approx(2.5)
    assert frame.scene_group == "kitchen" and (frame.min_depth, frame.max_depth) == (0.01, 10.0)
    rows, cols = np.nonzero(frame.valid)  # the Eigen crop
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (45, 470, 41, 600)


def test_splits_and_data_sets_are_chosen_by_name(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "a", (32, 32), 1000)
    write_manifest(
        tmp_path,
        entry(*pair, split="calib"),
        entry(*pair, dataset="tum_y"),
        entry(*pair, dataset="seven", split="unregistered", registered=False),
    )
    assert len(open_dataset(tmp_path)) == 2
    assert len(open_dataset(tmp_path, "eval")) == 1
    assert [f.name for f in open_dataset(tmp_path, "nyu")] == ["nyu_x/a"]
    assert len(open_dataset(tmp_path, "calib/nyu")) == 1
    (frame,) = open_dataset(tmp_path, "unregistered")
    assert not frame.valid.any()
    for split in ("train", "calib/tum", "train/nyu"):
        with pytest.raises(WedepthError, match="its splits are calib, eval, unregistered"):
            open_dataset(tmp_path, split)


def test_kitti_is_cut_scaled_and_cropped(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path, "a", (375, 1242), 256 * 20)
    (tmp_path / "test.txt").write_text(f"{rgb} {depth} 721.5\nmissing.png None 721.5\n")
    (frame,) = open_dataset(tmp_path)
    assert frame.image.shape == (352, 1216, 3) and frame.depth[0, 0] == 20 and frame.max_depth == 80
    rows, cols = np.nonzero(frame.valid)  # the Garg crop of 375×1242, less the 23 rows and 13 columns cut off
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (153 - 23, 370 - 23, 44 - 13, 1196 - 13)


def test_a_split_file_of_another_data_set_is_refused(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path, "a", (240, 320), 1000)
    (tmp_path / "test.txt").write_text(f"{rgb} {depth}\n")
    with pytest.raises(WedepthError, match="240×320, neither NYU's 480×640 nor KITTI's"):
        list(open_dataset(tmp_path))


def test_a_small_kitti_frame_is_refused(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "a", (120, 400), 1000)
    with pytest.raises(WedepthError, match="must be at least 352×1216"):
        list(open_dataset(write_manifest(tmp_path, entry(*pair, dataset="kitti_x"))))


def test_the_path_does_not_decide_whose_frames_they_are(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path / "kittipaul", "a", (480, 640), 2500)
    (tmp_path / "kittipaul" / "test.txt").write_text(f"{rgb} {depth}\n")
    (frame,) = open_dataset(tmp_path / "kittipaul")
    assert frame.depth[0, 0] == 2.5 and frame.max_depth == 10


def test_nyu_split_files(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path / "bath", "a", (480, 640), 1500)
    (tmp_path / "nyu_train.txt").write_text(f"/bath/{rgb} /bath/{depth} 518.8\n" * 2)
    (tmp_path / "nyu_test.txt").write_text(f"bath/{rgb} bath/{depth}\n")
    assert len(open_dataset(tmp_path, "train")) == 2
    (frame,) = open_dataset(tmp_path, "test")
    assert frame.depth[5, 5] == 1.5 and frame.scene_group == "bath" and frame.max_depth == 10
    assert len(open_dataset(tmp_path / "nyu_test.txt")) == 1
    with pytest.raises(WedepthError, match="is one split already"):
        open_dataset(tmp_path / "nyu_test.txt", "train")
    with pytest.raises(WedepthError, match=r"nyu_test.txt, nyu_train.txt; name one with --split"):
        open_dataset(tmp_path)


@pytest.fixture
def mat(tmp_path: Path) -> Path:
    """Three frames stored as MATLAB stores them, with the Eigen split beside."""
    h5py = pytest.importorskip("h5py")
    io = pytest.importorskip("scipy.io")
    path = tmp_path / "nyu_depth_v2_labeled.mat"
    images = np.zeros((3, 3, 640, 480), np.uint8)
    images[:, 0, 600, 10] = 200  # red at row 10, column 600
    depths = np.arange(1, 4, dtype=np.float32)[:, None, None] * np.ones((3, 640, 480), np.float32)
    with h5py.File(path, "w") as file:
        file["images"], file["depths"] = images, depths
    io.savemat(tmp_path / "splits.mat", {"trainNdxs": [[1], [3]], "testNdxs": [[2]]})
    return path


def test_the_nyu_mat_and_its_eigen_split(mat: Path) -> None:
    assert len(open_dataset(mat)) == 3
    assert [f.name for f in open_dataset(mat, "train")] == ["nyu/0", "nyu/2"]
    for split in ("test", "eval"):
        (frame,) = open_dataset(mat, split)
        assert frame.image.shape == (480, 640, 3) and frame.image[10, 600].tolist() == [200, 0, 0]
        assert frame.depth.shape == (480, 640) and frame.depth[0, 0] == 2 and frame.valid[100, 100]


def test_a_mat_that_cannot_be_used_is_a_sentence(mat: Path, tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="no split 'val'"):
        open_dataset(mat, "val")
    (tmp_path / "splits.mat").unlink()
    with pytest.raises(WedepthError, match=r"own splits.mat in"):
        open_dataset(mat, "test")
    mat.write_bytes(mat.read_bytes()[:1000])
    with pytest.raises(WedepthError, match="cut short"):
        open_dataset(mat)


def write_mat(path: Path, **datasets: object) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in datasets.items():
            file[name] = value
    return path


def test_a_mat_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    small = np.zeros((2, 3, 6, 4), np.uint8)
    for images, depths, said in (
        (small.astype(np.float32), np.ones((2, 6, 4)), "images of float32"),
        (small, np.ones((3, 6, 4)), "do not belong together"),
    ):
        with pytest.raises(WedepthError, match=said):
            open_dataset(write_mat(path, images=images, depths=depths))
    with pytest.raises(WedepthError, match=r"is not nyu_depth_v2_labeled.mat"):
        open_dataset(write_mat(path, **{"images/inside": small, "depths": np.ones((2, 6, 4))}))


def test_a_damaged_frame_of_a_mat_is_a_sentence(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.mat"
    noise = np.random.default_rng(0).integers(0, 255, (1, 3, 64, 48), np.uint8)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=noise, chunks=noise.shape, compression="gzip")
        file["depths"] = np.ones((1, 64, 48), np.float32)
        start = images.id.get_chunk_info(0).byte_offset
    raw = bytearray(path.read_bytes())
    raw[start + 100 : start + 200] = bytes(100)
    path.write_bytes(raw)
    with pytest.raises(WedepthError, match=r"Frame 0 of .* is damaged"):
        list(open_dataset(path))


def test_scenes_of_a_mat_are_its_groups(mat: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(mat, "a") as file:
        scenes = file.create_dataset("scenes", (1, 3), dtype=h5py.ref_dtype)
        for index, name in enumerate(("kitchen_0001", "bath_0002", "bath_0002")):
            file[f"names/{index}"] = np.array([[ord(letter)] for letter in name], np.uint16)
            scenes[0, index] = file[f"names/{index}"].ref
    assert [f.scene_group for f in open_dataset(mat)] == ["kitchen_0001", "bath_0002", "bath_0002"]


def test_rooms_need_no_file() -> None:
    assert len(open_dataset("rooms:3")) == 3 and len(open_dataset("rooms")) == 8
    (one, two) = open_dataset("rooms:5-7")
    assert (one.scene_group, two.name) == ("room 5", "room 6")
    for name, split in (
        ("rooms:x", None),
        ("rooms:0", None),
        ("rooms:7-5", None),
        ("rooms:5-", None),
        ("rooms", "eval"),
    ):
        with pytest.raises(WedepthError, match="rooms"):
            open_dataset(name, split)


def test_bad_folders_are_one_sentence(tmp_path: Path) -> None:
    rgb, depth = write_pair(tmp_path, "a", (32, 32), 1000)
    small, _ = write_pair(tmp_path, "small", (16, 16), 1000)
    (tmp_path / "cut.png").write_bytes((tmp_path / rgb).read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.txt").write_text("only_one_word\n")
    with pytest.raises(WedepthError, match="There is no"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(WedepthError, match=r"no manifest.json, no split file"):
        open_dataset(tmp_path / "empty")
    with pytest.raises(WedepthError, match="line 1 is not 'rgb depth'"):
        open_dataset(tmp_path / "words.txt")
    for changed, said in (
        ({"rgb": "gone.png"}, "There is no file"),
        ({"rgb": "cut.png"}, "Cannot read"),
        ({"rgb": small}, "they must agree"),
        ({"depth": rgb}, "is no depth map"),
        ({"rgb_sha256": "0" * 16}, "not the file its manifest describes"),
    ):
        dataset = open_dataset(write_manifest(tmp_path, entry(rgb, depth) | changed))
        with pytest.raises(WedepthError, match=said):
            list(dataset)
    Image.fromarray(np.full((32, 32), 100, np.uint8)).save(tmp_path / "byte.png")
    with pytest.raises(WedepthError, match="one channel of 16 bits"):
        list(open_dataset(write_manifest(tmp_path, entry(rgb, "byte.png"))))
    for scale in (0, -1, "1000"):
        with pytest.raises(WedepthError, match="depth_scale is values per metre"):
            open_dataset(write_manifest(tmp_path, entry(rgb, depth, depth_scale=scale)))
    with pytest.raises(WedepthError, match="rgb, split must be text"):
        open_dataset(write_manifest(tmp_path, entry(rgb, depth) | {"rgb": None, "split": 1}))
    bad = entry(rgb, depth)
    del bad["depth_scale"]
    with pytest.raises(WedepthError, match="lacks depth_scale"):
        open_dataset(write_manifest(tmp_path, bad))
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(WedepthError, match="no list of frames"):
        open_dataset(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(WedepthError, match="There is no frame in"):
        open_dataset(tmp_path)


def test_resizes_keep_values_and_shapes() -> None:
    ramp = np.tile(np.linspace(1, 9, 64, dtype=np.float32), (48, 1))
    assert np.abs(resize_depth(resize_depth(ramp, (96, 128)), (48, 64)) - ramp).max() < 0.1
    image = np.full((48, 64, 3), 7, np.uint8)
    assert resize_image(image, (24, 32)).shape == (24, 32, 3) and (resize_image(image, (24, 32)) == 7).all()
    assert resize_image(image, (48, 64)) is image


def test_the_real_frames_open() -> None:
    if not SHARED.is_dir():
        pytest.skip("the real RGB-D frames are not beside the checkout (../shared/data)")
    frames = open_dataset(SHARED, "nyu")
    assert len(frames) == 11
    for frame in frames:
        assert 0.3 < np.median(frame.depth[frame.valid]) < 6
    (kitti, *_) = open_dataset(SHARED, "outdoor")
    assert kitti.depth.shape == (352, 1216) and 0.05 < kitti.valid.mean() < 0.5
    assert len(open_dataset(SHARED)) == 69
