"""What several tests need: the nano network exported once, and no hub or cache of the person who runs the tests."""

from pathlib import Path

import pytest

NANO_TARGETS = ("onnx", "openvino", "coreml", "tflite")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundles of `nano` for every target in fp32 and fp16, as `wedepth-export` makes them."""
    from export.pipeline import run
    from export.targets import PRECISIONS, TARGETS
    from wedepth import load

    out = tmp_path_factory.mktemp("exported")
    made, failed = run(load("nano"), list(TARGETS.values()), PRECISIONS, (64, 96), out, lambda _: None)
    assert failed == []
    assert len(made) == len(TARGETS) * len(PRECISIONS)
    return out
