"""Files that are there whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wedepth.errors import WedepthError


def write_beside(path: Path, write: Callable[[Path], object], errors: tuple[type[Exception], ...] = (OSError,)) -> None:
    """Let `write` make a file beside `path`, then put it in its place; a full or closed disk is one sentence.

    `errors` are those by which `write` says that it could not.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(beside)
        os.replace(beside, path)
    except errors as error:
        raise WedepthError(f"Cannot write {path}: {_reason(error)}.") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0].rstrip(".")
