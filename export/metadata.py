"""What an artifact says of itself in its own format, the same words in all of them: plain ASCII, as all can keep it.

Nothing of it depends on when or where it was written, so that the same network exported again is the same file.
"""

import importlib.metadata
from collections.abc import Mapping
from typing import Any

from runtimes.bundle import METRES

AUTHOR = "wedepth"
INPUT = (
    "RGB image, {width} pixels wide and {height} high, upright, values 0 to 255 as they are: the network normalises "
    "them itself"
)
OUTPUT = "Depth of every pixel along the camera's axis, in metres"
LOG_OUTPUT = "Natural logarithm of the depth in metres of every pixel"


def metadata(
    name: str, precision: str, record: Mapping[str, Any], licence: str, size: tuple[int, int], unit: str
) -> dict[str, str]:
    """What is to be known of the artifact of a bundle called `name`.

    `record` is what `wedepth.checkpoint.describe` says of the network, `size` its height and width, `unit` that of the
    output in the manifest.
    """
    height, width = size
    return {
        "name": name,
        "description": f"WEDepth metric depth in metres from RGB 0..255. {_sentence(record['weights'])}",
        "author": AUTHOR,
        "version": importlib.metadata.version("wedepth"),
        "license": licence,
        "precision": precision,
        "input": INPUT.format(width=width, height=height),
        "output": OUTPUT if unit == METRES else LOG_OUTPUT,
        "trained": "yes" if record["trained"] else "no",
        "vfm": record["vfm"],
        "checkpoint_sha256": record["sha256"],
        "vfm_sha256": record["vfm_sha256"],
    }


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
