"""TFLite artifacts: run, read back, refused."""

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.tflite import convert
from runtimes.errors import DeviceUnavailable
from runtimes.tflite import CompiledSession, open_session
from wedepth.errors import WedepthError

GRAPH = """<ir_version: 9, opset_import: ["" : 20]> g (float[1,3,4,6] image) => (float[1,1,4,6] depth) {
    depth = ReduceMean<keepdims = 1>(image, axes) }"""


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return save(GRAPH, tmp_path)


def save(text: str, folder: Path) -> Path:
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "axes"))
    onnx.save(model, folder / "model.onnx")
    convert(folder / "model.onnx", folder / "model.tflite", precision="fp32", metadata={})
    return folder / "model.tflite"


def image() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (1, 4, 6, 3)).astype(np.float32)


def test_cpu(artifact: Path) -> None:
    session = open_session(artifact, device="cpu", threads=1)
    assert (session.runtime, session.device, session.activations) == ("tflite", "cpu", "float32")
    assert session.details["delegate"] == "XNNPACK"
    np.testing.assert_allclose(session.run(image()), image().mean(axis=3, keepdims=True), rtol=1e-6)


def test_default_threads_and_two_runs(artifact: Path) -> None:
    session = open_session(artifact, device="cpu", threads=None)
    first, second = session.run(image()), session.run(image() / 2)
    np.testing.assert_allclose(first, second * 2, rtol=1e-6)


def test_compiled_road(artifact: Path) -> None:
    """The road that the GPU takes, on the CPU."""
    session = CompiledSession(artifact, "cpu")
    np.testing.assert_allclose(session.run(image()), image().mean(axis=3, keepdims=True), rtol=1e-6)


def test_wrong_shape(artifact: Path) -> None:
    with pytest.raises(WedepthError, match=r"takes \[1, 4, 6, 3\], not \[1, 3, 4, 6\]"):
        open_session(artifact, device="cpu", threads=1).run(image().transpose(0, 3, 1, 2))


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("keep", [0, 0.005, 0.5])
def test_corrupt(artifact: Path, device: str, keep: float) -> None:
    """A broken file is an error on every device, not an absent device."""
    content = artifact.read_bytes()
    artifact.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(WedepthError, match=r"cannot load model\.tflite") as caught:
        open_session(artifact, device=device, threads=1)
    assert not isinstance(caught.value, DeviceUnavailable)


def test_other_signature(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match="no one signature from 'image' to 'depth'"):
        open_session(save(GRAPH.replace("depth", "disparity"), tmp_path), device="cpu", threads=1)


def test_gpu(artifact: Path) -> None:
    """Runs where there is one; else it is said to be absent, and nothing else runs in its place."""
    try:
        session = open_session(artifact, device="gpu", threads=None)
    except DeviceUnavailable as error:
        assert "GPU" in str(error)
    else:
        np.testing.assert_allclose(session.run(image()), image().mean(axis=3, keepdims=True), rtol=1e-2)


def test_npu(artifact: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="without a word"):
        open_session(artifact, device="npu", threads=None)


def test_no_interpreter(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.tflite.INTERPRETERS", ("no_such_interpreter",))
    assert importlib.util.find_spec("no_such_interpreter") is None
    with pytest.raises(WedepthError, match=r"pip install 'wedepth\[tflite\]'"):
        open_session(artifact, device="cpu", threads=1)


def test_chatter_stays_off_stderr(artifact: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_session(artifact, device="cpu", threads=1).run(image())
    assert capfd.readouterr() == ("", "")
