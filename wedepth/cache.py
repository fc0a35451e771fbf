"""The folder where what was fetched or found once is kept: published weights, a page's packages."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cache_folder() -> Path:
    """`$WEDEPTH_CACHE`, else `wedepth` in the user's cache folder."""
    if folder := os.environ.get("WEDEPTH_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wedepth"


def keep(state: "dict[str, Tensor]", file: Path, what: str, say: Callable[[str], None]) -> None:
    """Write tensors to a file of the cache, whole or not at all; `say` is told when that cannot be."""
    from safetensors.torch import save_file

    beside = file.with_suffix(f".{os.getpid()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, beside)
        beside.replace(file)
    except OSError as error:
        say(f"{what} could not be kept in {file.parent}: {error}.")
    finally:
        beside.unlink(missing_ok=True)
