"""`python -m wedepth.rooms FOLDER`: rooms as files, an RGB-D folder with a manifest that any tool can read."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from rich.progress import track

from wedepth.rooms import SIZE, render


def write(folder: Path, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """One room as two PNGs, RGB and millimetres (16 bits, 0 = unknown); its entry in the manifest."""
    frame = render(seed, size)
    image, depth = f"{seed}_rgb.png", f"{seed}_depth.png"
    Image.fromarray(frame.image).save(folder / image)
    Image.fromarray((frame.depth * 1000).round().astype(np.uint16)).save(folder / depth)
    entry = {"dataset": "rooms", "name": str(seed), "rgb": image, "depth": depth, "depth_scale": 1000}
    return entry | {"scene_group": frame.scene_group, "split": "rooms", "registered": True}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--first", default=0, show_default=True, help="The first room's seed.")
@click.option("--count", default=64, show_default=True, type=click.IntRange(min=1), help="How many rooms.")
@click.option("--size", default=f"{SIZE[0]}x{SIZE[1]}", show_default=True, help="Height x width in pixels.")
def main(folder: Path, first: int, count: int, size: str) -> None:
    """Draw furnished rooms with exact depth into FOLDER: RGB and depth as PNG, and a manifest.json."""
    height, _, width = size.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise click.BadParameter(f"{size} is no size; write 288x384, say.")
    folder.mkdir(parents=True, exist_ok=True)
    draw = partial(write, folder, (int(height), int(width)))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        seeds = range(first, first + count)
        entries = list(track(pool.map(draw, seeds, chunksize=4), description="Drawing rooms", total=count))
    (folder / "manifest.json").write_text(json.dumps(entries, indent=1))


if __name__ == "__main__":
    main()
