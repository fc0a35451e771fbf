"""How large a bundle's artifact is, and how much of that a download saves by compressing."""

import functools
import gzip
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtimes.bundle import Bundle

GZIP_LEVEL, BROTLI_QUALITY = 6, 5  # as web servers have them that compress as they send
# Below it, compressing costs a phone more time than it saves.
WORTH = 0.1


@dataclass(frozen=True, slots=True)
class Size:
    """A file of the artifact, or all of them together: bytes as they are, and compressed. `brotli` is None where the
    package of that name is not installed."""

    name: str
    bytes: int
    gzip: int
    brotli: int | None


def sizes_of(bundle: Bundle) -> list[Size]:
    """Every file of the bundle's artifact; where there are several, all together as the last."""
    sizes = [_size(bundle.folder / name, name) for name in sorted(bundle.manifest.artifact.files)]
    return sizes if len(sizes) == 1 else [*sizes, _total(sizes)]


def to_markdown(sizes: Sequence[Size]) -> str:
    """A table, and a sentence on what compressing is worth."""
    lines = ["| file | MB | gzip | brotli |", "|---|---:|---:|---:|"]
    lines += [f"| `{s.name}` | {_mb(s.bytes)} | {_mb(s.gzip)} | {_mb(s.brotli)} |" for s in sizes]
    if sizes[-1].brotli is None:
        lines += ["", "Brotli was not measured: `pip install brotli`."]
    return "\n".join([*lines, "", worth(sizes)])


def worth(sizes: Sequence[Size]) -> str:
    """What compressing takes off, and so whether it is worth it, in a sentence or two."""
    whole = sizes[-1]
    saved = 1 - min(whole.gzip, whole.brotli or whole.gzip) / whole.bytes
    said = f"Compressing takes off {saved:.0%}."
    if saved < WORTH:
        return f"{said} Trained weights are nearly noise: serve them as they are."
    return f"{said} It is worth it where downloads are slow."


def _size(file: Path, name: str) -> Size:
    content = file.read_bytes()
    compress = _brotli()
    return Size(
        name, len(content), len(gzip.compress(content, GZIP_LEVEL, mtime=0)), compress and len(compress(content))
    )


def _total(sizes: Sequence[Size]) -> Size:
    brotli = [size.brotli for size in sizes if size.brotli is not None]
    return Size(
        "together",
        sum(size.bytes for size in sizes),
        sum(size.gzip for size in sizes),
        sum(brotli) if len(brotli) == len(sizes) else None,
    )


def _brotli() -> Callable[[bytes], bytes] | None:
    if importlib.util.find_spec("brotli") is None:
        return None
    import brotli

    return functools.partial(brotli.compress, quality=BROTLI_QUALITY)


def _mb(count: int | None) -> str:
    return "–" if count is None else f"{count / 1e6:.1f}" if count >= 1e5 else f"{count / 1e6:.3f}"
