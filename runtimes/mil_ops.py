"""What MIL operations compute, in torch. Functions take MIL's parameters by MIL's names; floats come as float32.

Semantics are those that coremltools 9 documents for the iOS 17 opset; what it leaves open is refused.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Op = Callable[..., Tensor | tuple[Tensor, ...]]
OPS: dict[str, Op] = {}


class Unknown(Exception):
    """A form of an operation that this interpreter does not know; the text says which."""


def op(function: Op) -> Op:
    """Enter a function in the table under its own name."""
    OPS[function.__name__] = function
    return function


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Op:
    return lambda x, y: function(torch.as_tensor(x), torch.as_tensor(y))


OPS.update(
    # element by element, with NumPy's broadcasting
    add=_binary(torch.add),
    maximum=_binary(torch.maximum),
    minimum=_binary(torch.minimum),
    mul=_binary(torch.mul),
    pow=_binary(torch.pow),
    real_div=_binary(torch.div),
    sub=_binary(torch.sub),
    cos=lambda x: x.cos(),
    erf=lambda x: x.erf(),
    exp=lambda x: x.exp(),
    identity=lambda x: x,
    relu=lambda x: x.relu(),
    relu6=lambda x: x.clamp(0, 6),
    sigmoid=lambda x: x.sigmoid(),
    silu=lambda x: functional.silu(x),
    sin=lambda x: x.sin(),
    sqrt=lambda x: x.sqrt(),
    tanh=lambda x: x.tanh(),
    clip=lambda x, alpha, beta: x.clamp(alpha, beta),
    log=lambda x, epsilon: (x + epsilon).log(),
    sigmoid_hard=lambda x, alpha, beta: (alpha * x + beta).clamp(0, 1),
    softmax=lambda x, axis: x.softmax(axis),
    cast=lambda x, dtype: x,  # every result is converted to the type that the file declares
    # sums and products
    reduce_max=lambda x, axes=None, keep_dims=False: x.amax(_axes(x, axes), keep_dims),
    reduce_mean=lambda x, axes=None, keep_dims=False: x.mean(_axes(x, axes), keep_dims),
    reduce_sum=lambda x, axes=None, keep_dims=False: x.sum(_axes(x, axes), keep_dims),
    linear=lambda x, weight, bias=None: functional.linear(x, weight, bias),
    # the same values in another shape or order
    expand_dims=lambda x, axes: _expand_dims(x, axes),
    reshape=lambda x, shape: x.reshape(shape),
    split=lambda x, axis, split_sizes: x.split(split_sizes, axis),
    squeeze=lambda x, axes=None: x.squeeze(_axes(x, axes)),
    tile=lambda x, reps: x.repeat(reps),
    transpose=lambda x, perm: x.permute(perm),
    pixel_shuffle=lambda x, upscale_factor: functional.pixel_shuffle(x, upscale_factor),
)


@op
def gelu(x: Tensor, mode: str) -> Tensor:
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return functional.gelu(x, approximate="tanh" if mode == "TANH_APPROXIMATION" else "none")


@op
def matmul(x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    return (x.mT if transpose_x else x) @ (y.mT if transpose_y else y)


@op
def layer_norm(
    x: Tensor, axes: list[int], epsilon: float, gamma: Tensor | None = None, beta: Tensor | None = None
) -> Tensor:
    axes = sorted(axis % x.ndim for axis in axes)
    if axes != list(range(x.ndim - len(axes), x.ndim)):
        raise Unknown(f"axes {axes} of {x.ndim} are not the last ones")
    return functional.layer_norm(x, [x.shape[axis] for axis in axes], gamma, beta, epsilon)


@op
def instance_norm(x: Tensor, epsilon: float, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
    return functional.instance_norm(x, weight=gamma, bias=beta, eps=epsilon)


@op
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
) -> Tensor:
    return functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)


@op
def concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    if interleave:
        axis %= values[0].ndim
        return torch.stack(values, axis + 1).flatten(axis, axis + 1)
    return torch.cat(values, axis)


@op
def gather(
    x: Tensor, indices: list[int] | int, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    index = torch.as_tensor(indices)
    if batch_dims or (index < 0).any():
        raise Unknown(f"batch_dims is {batch_dims} and the lowest index {index.min()}")
    axis %= x.ndim
    return x.index_select(axis, index.reshape(-1)).reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


@op
def slice_by_index(
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: Sequence[int] | None = None,
    begin_mask: Sequence[bool] | None = None,
    end_mask: Sequence[bool] | None = None,
    squeeze_mask: Sequence[bool] | None = None,
) -> Tensor:
    no = [False] * x.ndim
    stride, begin_mask, end_mask = stride or [1] * x.ndim, begin_mask or no, end_mask or no
    squeezed = [axis for axis in range(x.ndim) if (squeeze_mask or no)[axis]]
    for axis in range(x.ndim):
        if axis in squeezed:
            x = x.narrow(axis, begin[axis] % x.shape[axis], 1)
            continue
        start = None if begin_mask[axis] else begin[axis]
        stop = None if end_mask[axis] else end[axis]
        picked = range(*slice(start, stop, stride[axis]).indices(x.shape[axis]))
        if stride[axis] == 1:
            x = x.narrow(axis, picked.start, len(picked))
        else:  # torch has no negative steps
            x = x.index_select(axis, torch.tensor(picked))
    return x.squeeze(squeezed) if squeezed else x


@op
def pad(x: Tensor, pad: list[int], mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    if mode == "constant":
        last_axis_first = [amount for i in range(len(pad) - 2, -1, -2) for amount in pad[i : i + 2]]
        return functional.pad(x, last_axis_first, value=constant_val)
    for axis, before, after in zip(range(x.ndim - len(pad) // 2, x.ndim), pad[::2], pad[1::2], strict=True):
        last = x.shape[axis] - 1
        index = torch.arange(-before, last + 1 + after)
        index = index.clamp(0, last) if mode == "replicate" else last - (last - index.abs()).abs()
        x = x.index_select(axis, index)
    return x


@op
def depth_to_space(x: Tensor, block_size: int) -> Tensor:
    n, c, h, w = x.shape
    b = block_size
    return x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // (b * b), h * b, w * b)


@op
def quantize(
    input: Tensor,
    scale: Tensor | float,
    output_dtype: str,
    zero_point: Tensor | list[int] | int = 0,
    axis: int | None = None,
) -> Tensor:
    # Halves go to the even neighbour, and what is outside of the type saturates: as coremltools folds constants.
    limits = {"int8": (-128, 127), "uint8": (0, 255)}
    if output_dtype not in limits:
        raise Unknown(f"output_dtype {output_dtype!r}")
    return ((input / _along(scale, input, axis)).round() + _along(zero_point, input, axis)).clamp(*limits[output_dtype])


@op
def dequantize(
    input: Tensor, scale: Tensor | float, zero_point: Tensor | list[int] | int = 0, axis: int | None = None
) -> Tensor:
    return (input.float() - _along(zero_point, input, axis)) * _along(scale, input, axis)


@op
def constexpr_affine_dequantize(
    quantized_data: Tensor | list[Any], scale: Tensor | float, zero_point: Tensor | list[int] | int, axis: int
) -> Tensor:
    data = torch.as_tensor(quantized_data).float()
    return (data - _along(zero_point, data, axis)) * _along(scale, data, axis)


def _along(value: Any, x: Tensor, axis: int | None) -> Tensor:
    """A scalar, or a vector laid along one axis of x."""
    tensor = torch.as_tensor(value, dtype=torch.float32)
    if tensor.ndim == 0:
        return tensor
    if axis is None or tensor.ndim > 1 or tensor.shape[0] != x.shape[axis]:
        raise Unknown(f"a scale or zero point of shape {tuple(tensor.shape)} along axis {axis} of {tuple(x.shape)}")
    return tensor.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _axes(x: Tensor, axes: list[int] | None) -> list[int]:
    return list(range(x.ndim)) if axes is None else axes


def _expand_dims(x: Tensor, axes: list[int]) -> Tensor:
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x
