"""Files that are there whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from wedepth.errors import WedepthError


def write_beside(path: Path, write: Callable[[Path], object], errors: tuple[type[Exception], ...] = (OSError,)) -> None:
    """Let `write` make a file beside `path`, then put it in its place; a full or closed disk is one sentence.

    It is on the disk before it is in its place: after a power cut there is the old file or the new one, and a disk that
    tells only then that it is full (a quota, a network's) has left the old one.

    `errors` are those by which `write` says that it could not.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(beside)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(beside, path)
    except errors as error:
        raise WedepthError(f"Cannot write {path}: {_reason(error)}.") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0].rstrip(".")
