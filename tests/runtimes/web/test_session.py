"""Artifacts in a real browser, where there is one; what is refused before one is started."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from export import lookup
from export.onnx import convert
from runtimes.bundle import Bundle, open_bundle
from runtimes.errors import DeviceUnavailable
from runtimes.parity import Frames, Harness
from runtimes.registry import STAND_INS, Runtime, predict
from runtimes.web import litert, onnxruntime, session
from runtimes.web.browser import FLAGS, find_chromium
from runtimes.web.packages import find_modules
from runtimes.web.session import WebSession
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

ENGINES = {"onnx": onnxruntime.ENGINE, "tflite": litert.ENGINE}
WEBASSEMBLY = [runtime for runtime in STAND_INS.values() if runtime.stand_in == "web" and runtime.device == "cpu"]


@pytest.fixture
def chromium() -> None:
    pytest.importorskip("playwright", reason="playwright is not installed (pip install 'wedepth[web]')")
    try:
        find_chromium(), find_modules()
    except DeviceUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def opened() -> Iterator[list[WebSession]]:
    sessions: list[WebSession] = []
    yield sessions
    for one in sessions:
        one.close()


def nano(exported: Path, target: str) -> Bundle:
    return open_bundle(exported / f"nano-{target}-fp32")


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("runtime", WEBASSEMBLY, ids=lambda runtime: runtime.name)
def test_webassembly_gives_torchs_depth_and_says_where_it_ran(
    exported: Path, runtime: Runtime, opened: list[WebSession]
) -> None:
    bundle = nano(exported, runtime.target)
    one = WebSession(ENGINES[runtime.target], bundle.artifact, "cpu", threads=2)
    opened.append(one)
    image, expected = bundle.sample()
    for _ in range(2):  # the second time with what the first left behind
        assert (np.abs(predict(one, bundle, image) - expected) / expected).max() <= 1e-3
    assert (one.runtime, one.device, one.details["threads"]) == (runtime.name, "cpu", 2)
    assert one.details["browser"].startswith("Chromium ")
    placed = one.placed(image.astype(np.float32))
    assert placed is None if runtime.target == "tflite" else placed and placed.keys() == {"cpu"}


@pytest.mark.usefixtures("chromium")
def test_webgpu_is_read_back_as_swiftshader_with_the_ops_that_it_took(tmp_path: Path, opened: list[WebSession]) -> None:
    graph = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 20]> g (float[1,3,4,6] image) => (float[1,3,4,6] depth) '
        "{ depth = Relu(image) }"
    )
    onnx.save(graph, tmp_path / "model.onnx")
    one = WebSession(onnxruntime.ENGINE, tmp_path / "model.onnx", "gpu", threads=1)
    opened.append(one)
    image = np.random.default_rng(0).normal(size=(1, 3, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(one.run(image), np.maximum(image, 0))
    assert (one.runtime, one.device, one.placed(image)) == ("onnxruntime-webgpu", "gpu", {"gpu": 1})
    assert "swiftshader" in one.details["adapter"].lower()


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("target", ENGINES)
def test_webgpu_takes_the_whole_network_and_gives_torchs_depth(
    exported: Path, target: str, opened: list[WebSession]
) -> None:
    bundle = nano(exported, target)
    one = WebSession(ENGINES[target], bundle.artifact, "gpu", threads=1)
    opened.append(one)
    image, expected = bundle.sample()
    assert (np.abs(predict(one, bundle, image) - expected) / expected).max() <= 1e-5
    placed = one.placed(image.astype(np.float32))
    assert placed is not None and placed.keys() == {"gpu"} and placed["gpu"] > 1000
    assert "elsewhere" not in one.details


@pytest.mark.usefixtures("chromium")
def test_webgpu_takes_sampling_in_many_blocks(
    nano_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[WebSession]
) -> None:
    """As larger networks have it: cut into more tensors than a shader has buffers, and into numbers of rows."""
    monkeypatch.setattr(lookup, "BLOCK", 2**16)
    convert(nano_hub, tmp_path / "model.onnx", precision="fp32", metadata={})
    one = WebSession(onnxruntime.ENGINE, tmp_path / "model.onnx", "gpu", threads=1)
    opened.append(one)
    placed = one.placed(np.zeros(0, np.float32))
    assert placed is not None and placed.keys() == {"gpu"} and placed["gpu"] > 1400


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("target", ENGINES)
def test_webgpu_is_absent_where_the_browser_has_none(exported: Path, target: str) -> None:
    with pytest.raises(DeviceUnavailable, match="no WebGPU adapter"):
        WebSession(ENGINES[target], nano(exported, target).artifact, "gpu", threads=1, flags=FLAGS["cpu"])


@pytest.mark.usefixtures("chromium")
def test_a_fall_back_to_webassembly_is_no_gpu(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(session.BACKENDS, "gpu", "wasm")
    with pytest.raises(DeviceUnavailable, match="ran none of the ops on the GPU"):
        WebSession(onnxruntime.ENGINE, nano(exported, "onnx").artifact, "gpu", threads=1)


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("target", ENGINES)
def test_a_broken_artifact_is_a_sentence(target: str, tmp_path: Path) -> None:
    broken = tmp_path / f"model.{target}"
    broken.write_bytes(b"not a model at all")
    with pytest.raises(WedepthError, match="cannot load model") as caught:
        WebSession(ENGINES[target], broken, "cpu", threads=1)
    assert not isinstance(caught.value, DeviceUnavailable)


@pytest.mark.parametrize(
    ("target", "most"), [("onnx", "4 GB .* at most 1024 MB"), ("tflite", "2 GB .* at most 512 MB")]
)
def test_what_is_too_large_for_a_page_is_refused_before_one_is_opened(target: str, most: str, tmp_path: Path) -> None:
    artifact = tmp_path / "model"
    with artifact.open("wb") as file:
        file.truncate(ENGINES[target].memory // 4 + 1)
    with pytest.raises(WedepthError, match=f"model does not fit into a page: .* has {most}"):
        WebSession(ENGINES[target], artifact, "cpu", threads=1)


def test_weights_in_a_file_of_their_own_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"1")
    (tmp_path / "model.onnx.data").write_bytes(b"1")
    with pytest.raises(WedepthError, match="takes one file"):
        WebSession(onnxruntime.ENGINE, tmp_path / "model.onnx", "cpu", threads=1)


def test_without_a_browser_the_row_is_not_run_and_untimed(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    harness = Harness(Frames(rooms(1, (64, 96))), lambda name, done: None)
    row = harness.run(nano(exported, "onnx"), "onnxruntime-web", "cpu").row
    assert row.status == "not_run" and row.latency is None
    assert row.stand_in == STAND_INS["onnxruntime-web"].proves
    assert "is not installed here" in (row.reason or "")
