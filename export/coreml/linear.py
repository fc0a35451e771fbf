"""Lowerings of matrix products, normalisations and reductions."""

import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from export.coreml.node import Node, lowers


@lowers("MatMul")
def matmul(node: Node) -> Var:
    x, y = node.var(0), node.var(1)
    if node.is_constant(1) and y.rank == 2 and x.rank >= 2:
        # `linear` takes the bias that follows into itself, and its weights are what int8 compression looks for.
        return mb.linear(x=x, weight=np.ascontiguousarray(node.array(1).T), name=node.name)
    return mb.matmul(x=x, y=y, name=node.name)


@lowers("Gemm")
def gemm(node: Node) -> Var:
    alpha, beta = np.float32(node.get("alpha", 1.0)), np.float32(node.get("beta", 1.0))
    transpose_x, transpose_y = bool(node.get("transA", 0)), bool(node.get("transB", 0))
    if node.is_constant(1) and not transpose_x and (not node.has(2) or node.is_constant(2)):
        weight = node.array(1) if transpose_y else node.array(1).T
        bias = np.broadcast_to(beta * node.array(2), weight.shape[:1]) if node.has(2) else None
        return mb.linear(x=node.var(0), weight=np.ascontiguousarray(alpha * weight), bias=bias, name=node.name)
    product = mb.matmul(x=node.var(0), y=node.var(1), transpose_x=transpose_x, transpose_y=transpose_y)
    scaled = mb.mul(x=product, y=alpha, name=node.name if not node.has(2) else f"{node.name}_product")
    return mb.add(x=scaled, y=mb.mul(x=node.var(2), y=beta), name=node.name) if node.has(2) else scaled


@lowers("LayerNormalization")
def layer_norm(node: Node) -> Var:
    x = node.var(0)
    axes = list(range(node.get("axis", -1) % x.rank, x.rank))
    beta = node.array(2) if node.has(2) else None
    epsilon = np.float32(node.get("epsilon", 1e-5))
    return mb.layer_norm(x=x, axes=axes, gamma=node.array(1), beta=beta, epsilon=epsilon, name=node.name)


@lowers("InstanceNormalization")
def instance_norm(node: Node) -> Var:
    epsilon = np.float32(node.get("epsilon", 1e-5))
    return mb.instance_norm(x=node.var(0), gamma=node.array(1), beta=node.array(2), epsilon=epsilon, name=node.name)


@lowers("GroupNormalization")
def group_norm(node: Node) -> Var:
    x, groups = node.var(0), node.get("num_groups")
    channels = x.shape[1]
    epsilon = np.float32(node.get("epsilon", 1e-5))
    grouped = mb.reshape(x=x, shape=[x.shape[0], groups, -1], name=f"{node.name}_groups")
    normed = mb.instance_norm(x=grouped, epsilon=epsilon, name=f"{node.name}_normed")
    normed = mb.reshape(x=normed, shape=x.shape, name=f"{node.name}_channels")
    # Opset 21 gives a scale and a bias a channel, opset 18 one a group.
    scale, bias = (
        np.repeat(v, channels // v.size).reshape(-1, *[1] * (x.rank - 2)) for v in (node.array(1), node.array(2))
    )
    return mb.add(x=mb.mul(x=normed, y=scale, name=f"{node.name}_scaled"), y=bias, name=node.name)


@lowers("BatchNormalization")
def batch_norm(node: Node) -> Var:
    gamma, beta, mean, variance = (node.array(i) for i in range(1, 5))
    epsilon = np.float32(node.get("epsilon", 1e-5))
    if node.var(0).rank < 3:  # MIL's batch_norm begins at [N,C,L]
        scale = gamma / np.sqrt(variance + epsilon)
        scaled = mb.mul(x=node.var(0), y=scale, name=f"{node.name}_scaled")
        return mb.add(x=scaled, y=beta - mean * scale, name=node.name)
    return mb.batch_norm(
        x=node.var(0), mean=mean, variance=variance, gamma=gamma, beta=beta, epsilon=epsilon, name=node.name
    )


@lowers("ReduceMax", "ReduceMean", "ReduceSum")
def reduce(node: Node) -> Var:
    x, axes = node.var(0), node.axes(1)
    if not axes and node.get("noop_with_empty_axes", 0):
        return mb.identity(x=x, name=node.name)
    op = {"ReduceMax": mb.reduce_max, "ReduceMean": mb.reduce_mean, "ReduceSum": mb.reduce_sum}[node.kind]
    return op(x=x, axes=axes or list(range(x.rank)), keep_dims=bool(node.get("keepdims", 1)), name=node.name)


@lowers("GlobalAveragePool")
def global_average_pool(node: Node) -> Var:
    x = node.var(0)
    return mb.reduce_mean(x=x, axes=list(range(2, x.rank)), keep_dims=True, name=node.name)
