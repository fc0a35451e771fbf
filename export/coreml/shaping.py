"""Lowerings of ops that move values and leave them as they are. All shapes are known: the hub's size is fixed."""

import math

import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from export.coreml.node import Node, lowers

PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


@lowers("Reshape")
def reshape(node: Node) -> Var:
    x, wanted = node.var(0), node.numbers(1)
    if not node.get("allowzero", 0):
        wanted = [x.shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    if 0 in wanted:
        node.refuse(f"it makes an empty tensor of shape {wanted}")
    if -1 in wanted:
        wanted[wanted.index(-1)] = math.prod(x.shape) // -math.prod(wanted)
    return mb.reshape(x=x, shape=wanted, name=node.name)


@lowers("Flatten")
def flatten(node: Node) -> Var:
    x, axis = node.var(0), node.get("axis", 1)
    if axis < 0:
        axis += x.rank
    return mb.reshape(x=x, shape=[math.prod(x.shape[:axis]), math.prod(x.shape[axis:])], name=node.name)


@lowers("Transpose")
def transpose(node: Node) -> Var:
    x = node.var(0)
    return mb.transpose(x=x, perm=node.get("perm", list(range(x.rank))[::-1]), name=node.name)


@lowers("Unsqueeze")
def unsqueeze(node: Node) -> Var:
    return mb.expand_dims(x=node.var(0), axes=node.axes(1), name=node.name)


@lowers("Squeeze")
def squeeze(node: Node) -> Var:
    return mb.squeeze(x=node.var(0), axes=node.axes(1), name=node.name)


@lowers("Concat")
def concat(node: Node) -> Var:
    return mb.concat(values=node.vars(), axis=node.get("axis"), name=node.name)


@lowers("Split")
def split(node: Node) -> list[Var]:
    x, axis, count = node.var(0), node.get("axis", 0), len(node.outputs)
    size = x.shape[axis]
    chunk = math.ceil(size / count)
    sizes = node.numbers(1, [chunk] * (count - 1) + [size - chunk * (count - 1)])
    parts = mb.split(x=x, split_sizes=sizes, axis=axis, name=node.name)
    return list(parts) if isinstance(parts, list | tuple) else [parts]


@lowers("Slice")
def slice_(node: Node) -> Var:
    x = node.var(0)
    starts, ends = node.numbers(1), node.numbers(2)
    axes = node.numbers(3, list(range(len(starts))))
    steps = node.numbers(4, [1] * len(starts))
    begin, end, stride = [0] * x.rank, list(x.shape), [1] * x.rank
    for start, stop, axis, step in zip(starts, ends, axes, steps, strict=True):
        # Python clips as ONNX does; a stop of -1 then means "past the first element" and becomes a mask.
        begin[axis], end[axis], stride[axis] = slice(start, stop, step).indices(x.shape[axis])
    if any(len(range(*bounds)) == 0 for bounds in zip(begin, end, stride, strict=True)):
        node.refuse(f"it makes an empty tensor of {x.shape}")
    to_the_end = [stop in (-1, size) for stop, size in zip(end, x.shape, strict=True)]
    end = [max(stop, 0) for stop in end]
    return mb.slice_by_index(x=x, begin=begin, end=end, stride=stride, end_mask=to_the_end, name=node.name)


@lowers("Gather")
def gather(node: Node) -> Var:
    x, indices = node.var(0), node.array(1)
    axis = node.get("axis", 0) % x.rank
    indices = np.where(indices < 0, indices + x.shape[axis], indices).astype(np.int32)  # MIL counts from 0 only
    if indices.ndim or x.rank == 1:
        return mb.gather(x=x, indices=indices, axis=axis, name=node.name)
    begin, end = [0] * x.rank, list(x.shape)
    begin[axis], end[axis] = int(indices), int(indices) + 1
    only = [i == axis for i in range(x.rank)]
    rest = [not squeezed for squeezed in only]
    return mb.slice_by_index(x=x, begin=begin, end=end, end_mask=rest, squeeze_mask=only, name=node.name)


@lowers("Expand")
def expand(node: Node) -> Var:
    x, wanted = node.var(0), node.numbers(1)
    shape = np.broadcast_shapes(x.shape, tuple(wanted))
    sizes = (1,) * (len(shape) - x.rank) + tuple(x.shape)
    if len(sizes) > x.rank:
        x = mb.reshape(x=x, shape=sizes, name=f"{node.name}_ranked")
    if shape == sizes:
        return mb.identity(x=x, name=node.name)
    return mb.tile(x=x, reps=[new // old for new, old in zip(shape, sizes, strict=True)], name=node.name)


@lowers("Pad")
def pad(node: Node) -> Var:
    x, mode = node.var(0), PAD_MODES.get(node.get("mode", "constant"))
    pads = node.numbers(1)
    axes = node.numbers(3, list(range(x.rank)))
    if mode is None or min(pads) < 0:
        node.refuse(f"it pads by {pads} in mode {node.get('mode', 'constant')!r}; write a crop as a Slice")
    amounts = [0] * (2 * x.rank)
    for i, axis in enumerate(axes):
        amounts[2 * (axis % x.rank)], amounts[2 * (axis % x.rank) + 1] = pads[i], pads[i + len(axes)]
    while len(amounts) > 2 and amounts[:2] == [0, 0]:  # Core ML reflects and replicates along the last two axes only
        amounts = amounts[2:]
    value = np.float32(node.number(2, 0.0))
    return mb.pad(x=x, pad=amounts, mode=mode, constant_val=value, name=node.name)


@lowers("DepthToSpace")
def depth_to_space(node: Node) -> Var:
    # ONNX's DCR order is TensorFlow's depth_to_space, its CRD order torch's pixel_shuffle.
    if node.get("mode", "DCR") == "DCR":
        return mb.depth_to_space(x=node.var(0), block_size=node.get("blocksize"), name=node.name)
    return mb.pixel_shuffle(x=node.var(0), upscale_factor=node.get("blocksize"), name=node.name)
