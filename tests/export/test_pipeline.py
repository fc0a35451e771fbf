import threading
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import export.onnx
import export.openvino
import export.pipeline as pipeline
import export.workspace
from export.targets import TARGETS
from runtimes.bundle import open_bundle
from wedepth import load
from wedepth.errors import WedepthError


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture
def quick_hub(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub that was already made, instead of tracing the network again."""
    made = exported / "nano-hub" / "hub.onnx"
    monkeypatch.setattr(export.onnx, "export_onnx", lambda network, size, path: path.write_bytes(made.read_bytes()))


def run(nano, out: Path, *targets: str):
    return pipeline.run(nano, [TARGETS[t] for t in targets], ["fp32"], (64, 96), out, lambda _: None)


def test_a_mismatch_is_a_failure_with_the_numbers_and_no_bundle(nano, quick_hub, tmp_path, monkeypatch) -> None:
    # Torch's side of the comparison is made 1 % deeper: every artifact is now wrong.
    samples = pipeline._samples

    def deeper(*args):
        taken = samples(*args)
        return pipeline.Samples(taken.images, [depth * np.float32(1.01) for depth in taken.depths])

    monkeypatch.setattr(pipeline, "_samples", deeper)
    made, failed = run(nano, tmp_path, "onnx", "openvino")
    assert made == [] and len(failed) == 2
    assert "does not compute what torch does" in failed[0] and "9.9" in failed[0]
    assert [p.name for p in tmp_path.iterdir()] == ["nano-hub"]


def test_a_conversion_that_fails_keeps_the_older_bundle_and_the_others(nano, quick_hub, tmp_path, monkeypatch) -> None:
    made, _ = run(nano, tmp_path, "openvino")
    before = (tmp_path / "nano-openvino-fp32" / "manifest.json").read_bytes()

    def broken(hub, out, **_):
        out.write_text("half")
        raise WedepthError("OpenVINO has no lowering for Frobnicate at node x.")

    monkeypatch.setattr(export.openvino, "convert", broken)
    made, failed = run(nano, tmp_path, "onnx", "openvino")
    assert [artifact.target for artifact in made] == ["onnx"]
    assert failed == ["openvino fp32: OpenVINO has no lowering for Frobnicate at node x."]
    assert (tmp_path / "nano-openvino-fp32" / "manifest.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nano-hub", "nano-onnx-fp32", "nano-openvino-fp32"]


def test_an_older_bundle_is_replaced_whole(nano, quick_hub, tmp_path: Path) -> None:
    old = tmp_path / "nano-openvino-fp32"
    old.mkdir()
    (old / "stale.txt").write_text("x")
    made, failed = run(nano, tmp_path, "openvino")
    assert failed == [] and made[0].bytes == open_bundle(old).manifest.artifact.bytes
    assert not (old / "stale.txt").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nano-hub", "nano-openvino-fp32"]


def test_a_disk_without_room_is_refused_before_anything_is_made(nano, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(export.workspace.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(WedepthError, match=r"0.0 GB free, and this export needs about 0.0 GB"):
        run(nano, tmp_path, "onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_second_export_of_another_target_does_not_trace(nano, quick_hub, tmp_path: Path, monkeypatch) -> None:
    run(nano, tmp_path, "openvino")

    def traced(*_) -> None:
        raise AssertionError("traced again")

    monkeypatch.setattr(export.onnx, "_trace", traced)
    monkeypatch.setattr(export.onnx, "export_onnx", traced)
    made, failed = run(nano, tmp_path, "onnx")
    assert failed == [] and [artifact.target for artifact in made] == ["onnx"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nano-hub", "nano-onnx-fp32", "nano-openvino-fp32"]


def test_two_that_put_their_folders_in_one_place_both_go_on(tmp_path: Path) -> None:
    final, faults = tmp_path / "bundle", []

    def put(number: int) -> None:
        try:
            for turn in range(50):
                folder = tmp_path / f"work{number}" / str(turn)
                folder.mkdir(parents=True)
                (folder / "whole").write_text("x")
                export.workspace.replace(folder, final)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [] and (final / "whole").is_file()


def test_a_network_that_nobody_else_has_is_freed_before_anything_is_converted(
    quick_hub, tmp_path: Path, monkeypatch
) -> None:
    held = [load("nano")]
    weight = weakref.ref(held[0].prompted.vfm.patch_embed.proj.weight)
    alive = []
    convert = export.openvino.convert

    def watched(*args, **options):
        alive.append(weight() is not None)
        return convert(*args, **options)

    monkeypatch.setattr(export.openvino, "convert", watched)
    target = [TARGETS["openvino"]]
    made, failed = pipeline.run(held.pop(), target, ["fp32"], (64, 96), tmp_path, lambda _: None)
    assert failed == [] and len(made) == 1 and alive == [False]
