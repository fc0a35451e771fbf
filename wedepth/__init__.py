"""WEDepth metric depth: the network, its checkpoints, frames and metrics. `wedepth.load` is the way in."""

from typing import TYPE_CHECKING

from wedepth.errors import WedepthError

if TYPE_CHECKING:
    from wedepth.checkpoint import load

__all__ = ["WedepthError", "load"]


def __getattr__(name: str) -> object:
    # torch is imported only where a network is built; frames, metrics and bundles need numpy alone.
    if name == "load":
        from wedepth.checkpoint import load

        return load
    raise AttributeError(f"module 'wedepth' has no attribute {name!r}")
