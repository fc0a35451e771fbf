"""Hubs whose weights stand beside them, as those of `paper` do: read as they lie, and converted like any other."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from export import coreml, tflite
from export.weights import read_hub
from runtimes.mil_program import load_program
from wedepth.errors import WedepthError


@pytest.fixture
def beside(nano_hub: Path, tmp_path: Path) -> Path:
    """The hub of `nano` with its weights in a file beside it."""
    hub = tmp_path / "hub.onnx"
    onnx.save_model(
        onnx.load(str(nano_hub)), hub, save_as_external_data=True, location="hub.onnx.data", size_threshold=1024
    )
    return hub


def test_weights_are_read_as_they_lie_in_the_file(beside: Path, nano_hub: Path) -> None:
    model, constants = read_hub(beside)
    inside = read_hub(nano_hub)[1]
    assert model.ByteSize() < 900_000 < beside.with_name("hub.onnx.data").stat().st_size
    assert constants.keys() == inside.keys()
    for name, value in constants.items():
        np.testing.assert_array_equal(value, inside[name])
        assert value.dtype == inside[name].dtype and value.shape == inside[name].shape
    large = max(constants.values(), key=lambda value: value.nbytes)
    base = large
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base.obj if isinstance(base.base, memoryview) else base.base
    assert isinstance(base, np.memmap) and not large.flags.writeable


def test_weights_that_end_early_are_a_sentence(beside: Path) -> None:
    weights = beside.with_name("hub.onnx.data")
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(WedepthError, match=r"Cannot read the weights of .*hub\.onnx: hub\.onnx\.data ends before "):
        read_hub(beside)


def test_weights_that_are_missing_are_a_sentence(beside: Path) -> None:
    beside.with_name("hub.onnx.data").unlink()
    with pytest.raises(WedepthError, match=r"Cannot read the weights of .*No such file"):
        read_hub(beside)


def test_a_file_that_is_no_graph_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WedepthError, match=r"Cannot read .*missing\.onnx as an ONNX graph: No such file"):
        read_hub(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(WedepthError, match=r"Cannot read .*text\.onnx as an ONNX graph"):
        read_hub(tmp_path / "text.onnx")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tflite_is_the_same_wherever_the_weights_were(beside: Path, nano_hub: Path, tmp_path: Path, precision) -> None:
    for hub, name in ((beside, "beside"), (nano_hub, "inside")):
        tflite.convert(hub, tmp_path / name, precision=precision, metadata={})
    assert (tmp_path / "beside").read_bytes() == (tmp_path / "inside").read_bytes()


def test_core_ml_is_the_same_wherever_the_weights_were(beside: Path, nano_hub: Path, tmp_path: Path) -> None:
    programs = []
    for hub, name in ((beside, "beside.mlpackage"), (nano_hub, "inside.mlpackage")):
        coreml.convert(hub, tmp_path / name, precision="fp16", metadata={})
        programs.append(load_program(tmp_path / name))
    first, second = programs
    assert first.operations == second.operations
    assert first.constants.keys() == second.constants.keys()
    for name, value in first.constants.items():
        np.testing.assert_array_equal(value, second.constants[name])
