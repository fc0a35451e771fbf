"""A person's own images: looked at before a model is loaded, read the way up that they are shown."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from wedepth.errors import WedepthError


def check_photos(paths: Sequence[Path]) -> None:
    """Read the header of every image; WedepthError for the first that is missing, or no image of 8 bits a channel."""
    for path in paths:
        _open(path).close()


def read_photo(path: Path) -> NDArray[np.uint8]:
    """An image file as RGB [H,W,3], turned as its EXIF orientation says; WedepthError where it cannot be read."""
    with _open(path) as image:
        try:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise WedepthError(f"Cannot read {path}: {error}.") from None


def _open(path: Path) -> Image.Image:
    if path.is_dir():
        raise WedepthError(f"{path} is a folder; name the images in it, such as {path / '*.jpg'}.")
    try:
        image = Image.open(path)
    except FileNotFoundError:
        raise WedepthError(f"There is no file {path}.") from None
    except UnidentifiedImageError:
        raise WedepthError(f"{path} is no image, or of a format that Pillow does not read.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise WedepthError(f"Cannot read {path}: {error}.") from None
    if image.mode[0] in "IF":  # Pillow would clip these at 255 on their way to RGB
        image.close()
        raise WedepthError(f"{path} has one channel of more than 8 bits; a network takes photographs, RGB.")
    return image
