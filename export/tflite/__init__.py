"""ONNX → TFLite, written straight into the file format.

The usual road, litert-torch, takes 82 s and 3.3 GB for a graph of 1 437 nodes, three quarters of it in four passes of
torch's decompositions; this one takes 2 s and 0.6 GB, needs neither torch nor jax, and gives a quarter fewer operators.
"""

from export.tflite.convert import convert

__all__ = ["convert"]
