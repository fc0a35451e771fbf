"""`python -m wedepth.rooms FOLDER`: rooms as files, an RGB-D folder with a manifest that any tool can read."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from rich.progress import track

from wedepth.commands import Size, guarded
from wedepth.data import Frame, open_dataset
from wedepth.errors import WedepthError
from wedepth.files import write_beside
from wedepth.picture import colour, save, sheet
from wedepth.rooms import SIZE, render

COLUMNS = 6
SCALE = (0.5, 6.0)
"""Metres of the contact sheet's colours."""


def write(folder: Path, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """One room as two PNGs, RGB and millimetres (16 bits, 0 = unknown); its entry in the manifest."""
    frame = render(seed, size)
    image, depth = f"{seed}_rgb.png", f"{seed}_depth.png"
    Image.fromarray(frame.image).save(folder / image)
    Image.fromarray((frame.depth * 1000).round().astype(np.uint16)).save(folder / depth)
    entry = {"dataset": "rooms", "name": str(seed), "rgb": image, "depth": depth, "depth_scale": 1000}
    return entry | {"scene_group": frame.scene_group, "split": "rooms", "registered": True}


def contact_sheet(frames: Sequence[Frame]) -> Image.Image:
    """The frames' images in rows, under each row their depth on one scale, black where it is unknown."""
    rows: list[list[tuple[str, np.ndarray]]] = []
    for start in range(0, len(frames), COLUMNS):
        row = frames[start : start + COLUMNS]
        rows.append([("", frame.image) for frame in row])
        rows.append([("", colour(frame.depth, *SCALE)) for frame in row])
    return sheet(rows)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--first", default=0, show_default=True, help="The first room's seed.")
@click.option("--count", default=64, show_default=True, type=click.IntRange(min=1), help="How many rooms.")
@click.option("--size", type=Size(), default=f"{SIZE[0]}x{SIZE[1]}", show_default=True, help="In pixels.")
@click.option("--sheet", "picture", type=click.Path(path_type=Path), help="Also a contact sheet of them all (PNG).")
def rooms(folder: Path, first: int, count: int, size: tuple[int, int], picture: Path | None) -> None:
    """Draw furnished rooms with exact depth into FOLDER: RGB and depth as PNG, and a manifest.json."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WedepthError(f"Cannot write to {folder}: {error.strerror}.") from None
    draw = partial(write, folder, size)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        seeds = range(first, first + count)
        entries = list(track(pool.map(draw, seeds, chunksize=4), description="Drawing rooms", total=count))
    write_beside(folder / "manifest.json", lambda beside: beside.write_text(json.dumps(entries, indent=1)))
    if picture:
        save(contact_sheet(list(open_dataset(folder))), picture)


if __name__ == "__main__":
    guarded(rooms)
