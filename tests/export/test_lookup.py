"""Sampling by lookups gives what GridSample gives, in a whole hub and where the points lie outside."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from export import lookup
from export.lookup import look_up, looked_up
from export.openvino import bags
from wedepth.errors import WedepthError

IMAGE = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)


def depth(model: onnx.ModelProto | Path) -> np.ndarray:
    data = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": IMAGE})[0]


def far(hub: Path) -> onnx.ModelProto:
    """A hub whose points are thrown over the borders of all maps, in all directions."""
    model = onnx.load(str(hub))
    (bias,) = [t for t in model.graph.initializer if t.name == "decoder.layers.0.attention.sampling_offsets.bias"]
    offsets = np.random.default_rng(1).uniform(-2, 2, bias.dims[0]).astype(np.float32)
    bias.CopyFrom(numpy_helper.from_array(offsets, bias.name))
    return model


@pytest.mark.parametrize(("block", "blocks"), [(lookup.BLOCK, 1), (2**16, 32)])
def test_lookups_give_what_sampling_gives(
    nano_hub: Path, block: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "BLOCK", block)
    model = far(nano_hub)
    expected = depth(model)
    look_up(model)
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert "GridSample" not in kinds
    assert sum(node.name.startswith("decoder.layers.0.attention/samples_") for node in model.graph.node) == blocks
    assert np.abs(depth(model) / expected - 1).max() < 1e-5
    assert np.abs(depth(nano_hub) / expected - 1).max() > 1e-3  # the points matter


def test_bags_give_what_sampling_gives(nano_hub: Path, tmp_path: Path) -> None:
    import openvino

    model = far(nano_hub)
    expected = depth(model)
    onnx.save(model, tmp_path / "far.onnx")
    with looked_up(tmp_path / "far.onnx", bags=True) as graph:
        bagged = openvino.convert_model(str(graph), extension=[bags()])
    kinds = [node.get_type_name() for node in bagged.get_ops()]
    assert kinds.count("EmbeddingBagPackedSum") == sum(n.op_type == "GridSample" for n in model.graph.node) // 4
    found = openvino.compile_model(bagged, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([IMAGE])[0]
    assert np.abs(found / expected - 1).max() < 1e-5


def test_nothing_is_left_of_the_sampling(nano_hub: Path) -> None:
    model = onnx.load(str(nano_hub))
    before = {tensor.name for tensor in model.graph.initializer}
    look_up(model)
    read = {name for node in model.graph.node for name in node.input}
    tensors = {tensor.name for tensor in model.graph.initializer}
    assert tensors <= read
    assert "decoder.layers.0.attention.centres" in before - tensors
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_the_file_shares_the_hubs_weights_and_goes_away(nano_hub: Path) -> None:
    with looked_up(nano_hub) as graph:
        assert graph.parent == nano_hub.parent and graph != nano_hub
        assert np.abs(depth(graph) / depth(nano_hub) - 1).max() < 1e-5
    assert not graph.exists()


def test_a_table_too_long_for_its_row_numbers_is_refused(nano_hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_ROWS", 100)
    with pytest.raises(WedepthError, match=r"cannot tell \d+ rows apart"):
        look_up(onnx.load(str(nano_hub)))


def test_other_sampling_is_refused() -> None:
    node = onnx.helper.make_node("GridSample", ["image", "grid"], ["depth"], "warp/GridSample")
    values = [onnx.helper.make_tensor_value_info(n, 1, [1, 4, 4, 2]) for n in ("image", "grid", "depth")]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:2], values[2:]))
    with pytest.raises(WedepthError, match="not between three projections"):
        look_up(model)
