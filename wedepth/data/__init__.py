"""Frames with metric depth, from the files that people have: `open_dataset` finds out which."""

from wedepth.data.frame import Frame, resize_depth, resize_image
from wedepth.data.open import Dataset, open_dataset

__all__ = ["Dataset", "Frame", "open_dataset", "resize_depth", "resize_image"]
