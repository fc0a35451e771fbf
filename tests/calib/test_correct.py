from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from calib.correct import log_bias, scale_hub
from calib.session import open_hub, to_hub
from wedepth.errors import WedepthError
from wedepth.rooms import rooms


def test_the_bias_is_of_log_depth_and_every_frame_counts_the_same() -> None:
    ones = np.ones((2, 2), np.float32)
    wide = np.ones((4, 4), np.float32)
    assert log_bias([1.02 * ones, 0.99 * wide], [ones, wide]) == pytest.approx(np.log(1.02 * 0.99) / 2, rel=1e-4)


def test_every_depth_of_the_hub_is_multiplied(nano_hub: Path, tmp_path: Path) -> None:
    scale_hub(nano_hub, tmp_path / "scaled.onnx", 1.01)
    (frame,) = rooms(1, (64, 96))
    before, after = (
        open_hub(path).run(None, {"image": to_hub(frame.image)})[0] for path in (nano_hub, tmp_path / "scaled.onnx")
    )
    assert np.allclose(after, 1.01 * before, rtol=1e-5)
    assert not np.allclose(after, before, rtol=1e-3)


def test_a_graph_whose_depth_is_no_exp_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Exp", ["image"], ["depth"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("image", "depth")]
    onnx.save(helper.make_model(helper.make_graph([node], "g", values[:1], values[1:])), str(tmp_path / "g.onnx"))
    with pytest.raises(WedepthError, match="its scale cannot be corrected"):
        scale_hub(tmp_path / "g.onnx", tmp_path / "out.onnx", 1.1)
    assert not (tmp_path / "out.onnx").exists()
