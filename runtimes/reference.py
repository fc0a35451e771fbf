"""Torch's side of the parity contract: the network that a bundle was made from."""

import importlib.util
import sys
from typing import TYPE_CHECKING

from runtimes.bundle import Manifest
from runtimes.errors import DeviceUnavailable
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from runtimes.torch import TorchSession


def open_reference(
    manifest: Manifest, checkpoint: str | None, vfm: str | None, device: str, threads: int | None
) -> "TorchSession":
    """The network of a bundle in torch: from `checkpoint` and `vfm` where they are named, else where the manifest says.

    Raises DeviceUnavailable where torch, the device or the network is not to be had, WedepthError where the one that
    was named is not to be had or is another than was exported.
    """
    if not importlib.util.find_spec("torch") or not importlib.util.find_spec("timm"):
        raise DeviceUnavailable("torch and timm are not installed here (pip install 'wedepth[torch]')")
    import torch

    from runtimes.torch import TorchSession
    from wedepth.checkpoint import load, network_hash
    from wedepth.config import PRESETS, Config

    if threads:
        torch.set_num_threads(threads)
    record = manifest.checkpoint
    source = checkpoint or record.source
    carries_config = source in PRESETS or source.endswith(".safetensors")
    vfm = vfm or ("random" if record.vfm.startswith("random") else None)
    try:
        config = None if carries_config else Config.from_dict(manifest.config)
        network = load(source, config=config, vfm=vfm, say=lambda line: print(line, file=sys.stderr))
    except WedepthError as error:
        if checkpoint:
            raise
        raise DeviceUnavailable(f"the network of this bundle is not to be had: {error}") from None
    found = network_hash(network)
    if found != record.sha256:
        raise WedepthError(
            f"{source} is not the network that {manifest.name} was exported from: its weights hash to "
            f"{found[:12]}…, the manifest says {record.sha256[:12]}…; name the right one with --checkpoint."
        )
    return TorchSession(network, device)
