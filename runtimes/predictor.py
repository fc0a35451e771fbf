"""Any network ready for any image: a bundle in its runtime, or a checkpoint in torch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtimes.bundle import Bundle, bundle_folders, open_bundle, read_manifest
from runtimes.errors import DeviceUnavailable
from runtimes.registry import RUNTIMES, Session, open_session, predict
from wedepth.data import resize_depth, resize_image
from wedepth.errors import WedepthError


@dataclass(frozen=True, slots=True)
class Predictor:
    """A network that runs. `run` takes an RGB image [H,W,3] of `size` and gives depth [H,W] in metres."""

    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    size: tuple[int, int]
    name: str
    runtime: str
    device: str
    trained: bool
    weights: str
    """What the weights are, in words."""

    def depth(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Depth [H,W] in metres (0 = unknown) of an RGB image [H,W,3] of any size, and the run's milliseconds.

        The image is squeezed to the network's size, as for parity, and the depth stretched back.
        """
        small = resize_image(image, self.size)
        start = time.perf_counter()
        found = self.run(small)
        milliseconds = 1000 * (time.perf_counter() - start)
        depth = resize_depth(found, (image.shape[0], image.shape[1]))
        return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0)), milliseconds


def open_bundled(folder: Path, runtime: str | None, device: str) -> Predictor:
    """The first bundle in `folder` (itself one, or a folder of them) that runs on `device`.

    Runtimes come in the registry's order, fp32 before the rest; `runtime` leaves one of them. WedepthError where none
    runs, or where the bundles are of several networks: which one is meant is the person's to say.
    """
    reasons: dict[str, str] = {}
    for path, name in _candidates(folder, runtime):
        if name in reasons:
            continue
        bundle = open_bundle(path)
        try:
            return _of_bundle(bundle, open_session(RUNTIMES[name], bundle.artifact, device))
        except DeviceUnavailable as error:
            reasons[name] = str(error)
    why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise WedepthError(f"Nothing in {folder} runs on the {device.upper()} here. {why}.")


def open_checkpoint(source: str, vfm: str | None, device: str, say: Callable[[str], None]) -> Predictor:
    """A preset or checkpoint in torch at its config's size; WedepthError where it or the device is not to be had."""
    try:
        from runtimes.torch import TorchSession
        from wedepth.checkpoint import load
    except ModuleNotFoundError as error:
        raise WedepthError(f"--checkpoint needs {error.name}: pip install 'wedepth[torch]'.") from None
    network = load(source, vfm=vfm, say=say)
    try:
        session = TorchSession(network, device)
    except DeviceUnavailable as error:
        raise WedepthError(f"{error}.") from None

    def run(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return session.run(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))[0, 0]

    height, width = network.config.image_size
    record = network.provenance
    words = f"{record.source}: {record.weights}; VFM: {record.vfm}."
    return Predictor(run, (height, width), Path(source).name, "torch", session.device, record.trained, words)


def _of_bundle(bundle: Bundle, session: Session) -> Predictor:
    manifest = bundle.manifest
    return Predictor(
        lambda image: predict(session, bundle, image),
        manifest.size,
        manifest.name,
        session.runtime,
        session.device,
        manifest.checkpoint.trained,
        str(manifest.checkpoint),
    )


def _candidates(folder: Path, runtime: str | None) -> list[tuple[Path, str]]:
    """Bundles of one network, each with the name of its runtime, in the order in which they are tried."""
    manifests = {path: read_manifest(path) for path in bundle_folders(folder)}
    found = [
        (path, name)
        for name, info in RUNTIMES.items()
        for path, manifest in sorted(manifests.items(), key=lambda pair: pair[1].precision.name != "fp32")
        if manifest.target == info.target and runtime in (None, name)
    ]
    names = ", ".join(manifest.name for manifest in manifests.values())
    if not found:
        raise WedepthError(f"{folder} holds no bundle that {runtime or 'a known runtime'} runs; it holds {names}.")
    if len({(manifests[path].checkpoint.sha256, manifests[path].size) for path, _ in found}) > 1:
        raise WedepthError(f"{folder} holds several networks: {names}; name one of these with --bundle.")
    return found
