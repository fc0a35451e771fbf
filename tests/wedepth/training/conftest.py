"""A tiny run of `nano` that the tests of training share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from wedepth.training.report import Report
from wedepth.training.run import Request, train
from wedepth.training.sources import Source


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small layers on several threads wait for each other where the cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


def tiny(out: Path, **changed: Any) -> Request:
    """Two epochs of three steps of two rooms at 64×96."""
    settings = {"epochs": 2, "images": 6, "batch": 2} | changed.pop("settings", {})
    base = {
        "data": (Source("rooms:100-103"),),
        "val": (Source("rooms:2"),),
        "out": out,
        "preset": "nano",
        "device": "cpu",
    }
    return Request(**(base | changed), settings=settings)


@pytest.fixture(scope="session")
def tiny_request() -> Callable[..., Request]:
    """Gives the request for a tiny run into a folder, with any of its entries changed."""
    return tiny


@pytest.fixture(scope="session")
def tiny_run() -> Callable[..., dict[str, Any]]:
    """Does that run, quietly; gives its summary."""

    def run(out: Path, **changed: Any) -> dict[str, Any]:
        code, summary = train(tiny(out, **changed), Report(quiet=True))
        assert code == 0
        return summary

    return run


@pytest.fixture(scope="session")
def real_frames() -> str:
    """The folder of real RGB-D frames beside the checkout."""
    folder = Path(__file__).parents[3].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real RGB-D frames are not beside the checkout (../shared/data)")
    return str(folder)
