"""Torch's side of the parity contract: the network that a bundle was made from, run once for all bundles of it."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from runtimes.bundle import Bundle, Manifest
from runtimes.errors import DeviceUnavailable
from runtimes.parity import Depth, Row, Run, measure
from runtimes.registry import run_timed
from wedepth.data import Frame, resize_image
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.torch import TorchSession


class References:
    """The reference of every network and input size among the bundles, each run once."""

    def __init__(
        self,
        frames: Sequence[Frame],
        checkpoint: str | None,
        vfm: str | None,
        device: str,
        step: Callable[[str], None],
    ) -> None:
        self._frames, self._checkpoint, self._vfm = frames, checkpoint, vfm
        self._device, self._step = device, step
        self._found: dict[tuple[str, tuple[int, int]], Run] = {}

    def of(self, bundle: Bundle) -> Run:
        """The reference of this bundle's network at its size."""
        key = bundle.manifest.checkpoint.sha256, bundle.manifest.size
        if key not in self._found:
            self._found[key] = self._run(bundle.manifest)
        return self._found[key]

    def depths(self, bundle: Bundle) -> list[Depth] | None:
        """Torch's depth [H,W] of every frame for this bundle's network, or None where torch did not run."""
        return self.of(bundle).depths

    def runs(self, bundles: Sequence[Bundle]) -> list[Run]:
        """The reference of every network among the bundles."""
        runs = {id(run): run for run in map(self.of, bundles)}
        return list(runs.values())

    def _run(self, manifest: Manifest) -> Run:
        row = Row(
            "torch", "-", self._device, "fp32", "pass",
            bundle=manifest.checkpoint.source, trained=manifest.checkpoint.trained,
        )  # fmt: skip
        try:
            session = self._open(manifest)
        except DeviceUnavailable as error:
            return Run(replace(row, status="not_run", reason=str(error)), None)
        images = (resize_image(frame.image, manifest.size) for frame in self._frames)
        inputs = (np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) for image in images)
        outputs, times = run_timed(session, inputs, self._step)
        depths = [output[0, 0] for output in outputs]
        return Run(replace(row, **measure(depths, times, self._frames)), depths)

    def _open(self, manifest: Manifest) -> "TorchSession":
        if not importlib.util.find_spec("torch") or not importlib.util.find_spec("timm"):
            raise DeviceUnavailable("torch and timm are not installed here (pip install 'wedepth[torch]')")
        from runtimes.torch import TorchSession
        from wedepth.checkpoint import load, network_hash
        from wedepth.config import PRESETS, Config

        record = manifest.checkpoint
        source = self._checkpoint or record.source
        carries_config = source in PRESETS or source.endswith(".safetensors")
        vfm = self._vfm or ("random" if record.vfm.startswith("random") else None)
        try:
            config = None if carries_config else Config.from_dict(manifest.config)
            network = load(source, config=config, vfm=vfm, say=lambda line: print(line, file=sys.stderr))
        except WedepthError as error:
            if self._checkpoint:
                raise
            raise DeviceUnavailable(f"the network of this bundle is not to be had: {error}") from None
        found = network_hash(network)
        if found != record.sha256:
            raise WedepthError(
                f"{source} is not the network that {manifest.name} was exported from: its weights hash to "
                f"{found[:12]}…, the manifest says {record.sha256[:12]}…; name the right one with --checkpoint."
            )
        return TorchSession(network, self._device)
