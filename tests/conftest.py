"""What several tests need: the nano network exported once, and no hub or cache of the person who runs the tests."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from calib.plan import Plan

NANO_TARGETS = ("onnx", "openvino", "coreml", "tflite")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundles of `nano` for every target in fp32 and fp16, as `wedepth-export` makes them."""
    from export.pipeline import run
    from export.targets import FLOATS, TARGETS
    from wedepth import load

    out = tmp_path_factory.mktemp("exported")
    made, failed = run(load("nano"), list(TARGETS.values()), FLOATS, (64, 96), out, lambda _: None)
    assert failed == []
    assert len(made) == len(TARGETS) * len(FLOATS)
    return out


@pytest.fixture(scope="session")
def nano_hub(exported: Path) -> Path:
    """The hub of `nano` at 64×96."""
    return exported / "nano-hub" / "hub.onnx"


@pytest.fixture(scope="session")
def nano_plan(nano_hub: Path) -> "Plan":
    """Every operator of `nano` in int8 but those of the first head, with ranges from four rooms."""
    import onnx

    from calib.ops import find_ops, tensors_of
    from calib.plan import Plan
    from calib.ranges import collect
    from calib.session import to_hub
    from wedepth.rooms import rooms

    ops = find_ops(onnx.load(str(nano_hub)))
    images = [to_hub(frame.image) for frame in rooms(4, (64, 96))]
    ranges = collect(nano_hub, (*tensors_of(ops), "depth"), images, lambda: None)
    return Plan(ops, frozenset({"heads.heads.0"}), ranges)
