"""The golden samples of a few bundles, each run once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from export.embed.golden import Golden, run_golden
from runtimes.bundle import open_bundle


@pytest.fixture(scope="session")
def golden_of(exported: Path) -> Callable[[str], Golden]:
    """A bundle's name to its golden sample."""
    known: dict[str, Golden] = {}

    def golden(name: str) -> Golden:
        if name not in known:
            known[name] = run_golden(open_bundle(exported / name))
        return known[name]

    return golden


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    """A copy of an ONNX bundle, to write into."""
    return Path(shutil.copytree(exported / "nano-onnx-fp32", tmp_path / "nano-onnx-fp32"))
