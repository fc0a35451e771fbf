from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from calib.ranges import Range, Seen, choose, collect, observe, rounding_error, rules
from calib.session import to_hub
from wedepth.errors import WedepthError
from wedepth.rooms import rooms

TENSORS = ("image", "prompted.vfm.blocks.0.mlp.fc1/MatMul", "depth")


def seen(values: np.ndarray) -> Seen:
    values = np.asarray(values, np.float32)
    return Seen(values.min(axis=1), values.max(axis=1), values)


def test_extremes_are_those_of_the_whole_tensor(nano_hub: Path) -> None:
    images = [to_hub(frame.image) for frame in rooms(3, (64, 96))]
    steps: list[int] = []
    found = observe(nano_hub, TENSORS, images, lambda: steps.append(1))
    assert len(steps) == 3
    model = onnx.load(str(nano_hub))
    for name in TENSORS[1:2]:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for index, image in enumerate(images):
        whole = dict(zip(TENSORS[1:], session.run(list(TENSORS[1:]), {"image": image}), strict=True))
        whole["image"] = image
        for name in TENSORS:
            assert found[name].lows[index] == pytest.approx(whole[name].min(), rel=1e-5, abs=1e-6)
            assert found[name].highs[index] == pytest.approx(whole[name].max(), rel=1e-5, abs=1e-6)
            assert np.isin(np.round(found[name].values[index], 4), np.round(whole[name], 4)).mean() > 0.99
    assert not list(nano_hub.parent.glob(".calib-*"))


def test_min_max_where_the_extremes_matter() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (8, 2000))
    found = choose(seen(values), "x")
    assert (found.low, found.high) == (pytest.approx(-1, abs=0.01), pytest.approx(1, abs=0.01))


def test_a_freak_of_one_image_does_not_coarsen_all_the_others() -> None:
    values = np.random.default_rng(0).normal(0, 1, (64, 4000))
    lows, highs = values.min(axis=1), values.max(axis=1)
    highs[3] = 1000.0  # seen in the extremes, not in the part of the values that was kept
    found = choose(Seen(lows.astype(np.float32), highs.astype(np.float32), values.astype(np.float32)), "x")
    assert found.rule != "min-max" and found.high < 400


def test_zero_is_always_a_value() -> None:
    found = choose(seen(np.random.default_rng(0).uniform(5, 6, (4, 100))), "x")
    assert found.low == 0 and found.zero_point == 0
    negative = Range(-2.0, 0.0, "min-max")
    assert negative.zero_point == 255 and rounding_error(np.zeros(1, np.float32), negative, 2) == 0


def test_one_image_has_min_max_alone() -> None:
    assert choose(seen(np.random.default_rng(0).normal(0, 1, (1, 1000))), "x").rule == "min-max"


def test_what_is_not_finite_is_named() -> None:
    with pytest.raises(WedepthError, match=r"stages\.2 is not finite"):
        choose(seen(np.array([[0.0, np.inf]])), "stages.2")


def test_rules_are_counted(nano_hub: Path) -> None:
    images = [to_hub(frame.image) for frame in rooms(4, (64, 96))]
    assert sum(rules(collect(nano_hub, TENSORS, images, lambda: None)).values()) == len(TENSORS)
