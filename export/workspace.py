"""Where an export works: a folder that is gone afterwards, renames by which what is finished gets its place, and
memory that is given back."""

import contextlib
import ctypes
import errno
import gc
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wedepth.errors import WedepthError

CHUNK = 2**24


@contextlib.contextmanager
def workspace(out: Path, needed: int) -> Iterator[Path]:
    """A folder inside `out`, on its disk, that is gone afterwards; a disk that is full, or will be, is a sentence."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(out).free) < needed:
            raise WedepthError(
                f"{out} has {free / 1e9:.1f} GB free, and this export needs about {needed / 1e9:.1f} GB."
            )
        folder = Path(tempfile.mkdtemp(prefix=".wedepth-", dir=out))
    except OSError as error:
        raise WedepthError(f"Cannot write to {out}: {error.strerror}.") from None
    try:
        yield folder
    except OSError as error:
        if error.errno is None:
            raise
        raise WedepthError(f"Cannot write to {out}: {os.strerror(error.errno)}.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace(folder: Path, final: Path) -> None:
    """Put a finished folder in the place of an older one, which goes where the folder was made.

    Renames only, so that what has the name is always whole; another export that puts its own there at the same moment
    is overtaken.
    """
    for attempt in range(100):
        with contextlib.suppress(FileNotFoundError):
            final.replace(folder.with_name(f"{folder.name}.old{attempt}"))
        try:
            folder.replace(final)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise WedepthError(f"Cannot write {final}: another program keeps making it.")


def copy_hashed(source: Path, target: Path) -> str:
    """Copy a file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            written.write(chunk)
    return digest.hexdigest()


def give_back() -> None:
    """Return what is free to the system: glibc keeps a freed network, 1.7 GB of `paper`, for itself."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)
