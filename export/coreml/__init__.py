"""ONNX hub → Core ML: the graph rebuilt op by op as a MIL program, which coremltools optimises and saves.

coremltools itself reads no ONNX since version 6, and its torch frontend stops at torch 2.7.
"""

from export.coreml.package import convert

__all__ = ["convert"]
