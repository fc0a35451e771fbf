"""Lowerings of element-wise ops and activations."""

import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from export.coreml.node import LOWERINGS, Lowering, Node, lowers

# Cast's targets: MIL has no 64-bit numbers, and fp16 is decided by the precision of the whole program.
CASTS = {1: "fp32", 10: "fp32", 11: "fp32", 6: "int32", 7: "int32", 9: "bool"}


def _binary(op: str) -> Lowering:
    return lambda node: getattr(mb, op)(x=node.var(0), y=node.var(1), name=node.name)


def _unary(op: str) -> Lowering:
    return lambda node: getattr(mb, op)(x=node.var(0), name=node.name)


LOWERINGS.update(
    Add=_binary("add"),
    Sub=_binary("sub"),
    Mul=_binary("mul"),
    Div=_binary("real_div"),
    Cos=_unary("cos"),
    Erf=_unary("erf"),
    Exp=_unary("exp"),
    Relu=_unary("relu"),
    Sigmoid=_unary("sigmoid"),
    Sin=_unary("sin"),
    Sqrt=_unary("sqrt"),
    Tanh=_unary("tanh"),
)


@lowers("Pow")
def pow_(node: Node) -> Var:
    # coremltools folds sqrt(pow(x, 2)) to x, which is wrong for x < 0; x·x is safe from it.
    if node.is_constant(1) and np.all(node.array(1) == 2):
        return mb.mul(x=node.var(0), y=node.var(0), name=node.name)
    return mb.pow(x=node.var(0), y=node.var(1), name=node.name)


@lowers("Neg")
def neg(node: Node) -> Var:
    return mb.mul(x=node.var(0), y=np.float32(-1), name=node.name)


@lowers("Reciprocal")
def reciprocal(node: Node) -> Var:
    # Not mb.inverse, which adds an epsilon to what it divides by.
    return mb.real_div(x=np.float32(1), y=node.var(0), name=node.name)


@lowers("Log")
def log(node: Node) -> Var:
    return mb.log(x=node.var(0), epsilon=np.float32(0), name=node.name)


@lowers("Max", "Min")
def extremum(node: Node) -> Var:
    op = mb.maximum if node.kind == "Max" else mb.minimum
    first, *rest = node.vars()
    if not rest:
        return mb.identity(x=first, name=node.name)
    for i, var in enumerate(rest):
        name = node.name if i == len(rest) - 1 else f"{node.name}_{i}"
        first = op(x=first, y=var, name=name)
    return first


@lowers("Clip")
def clip(node: Node) -> Var:
    low, high = node.number(1, -np.inf), node.number(2, np.inf)
    # Exporters write "no bound" as ±3.4e38, which fp16 does not hold.
    low, high = (-np.inf if low < -1e38 else low), (np.inf if high > 1e38 else high)
    x = node.var(0)
    if (low, high) == (0, 6):
        return mb.relu6(x=x, name=node.name)
    if np.isinf(low) and np.isinf(high):
        return mb.identity(x=x, name=node.name)
    if np.isinf(high):
        return mb.maximum(x=x, y=np.float32(low), name=node.name)
    if np.isinf(low):
        return mb.minimum(x=x, y=np.float32(high), name=node.name)
    return mb.clip(x=x, alpha=np.float32(low), beta=np.float32(high), name=node.name)


@lowers("Gelu")
def gelu(node: Node) -> Var:
    mode = "TANH_APPROXIMATION" if node.get("approximate", "none") == "tanh" else "EXACT"
    return mb.gelu(x=node.var(0), mode=mode, name=node.name)


@lowers("HardSigmoid")
def hard_sigmoid(node: Node) -> Var:
    alpha, beta = np.float32(node.get("alpha", 0.2)), np.float32(node.get("beta", 0.5))
    return mb.sigmoid_hard(x=node.var(0), alpha=alpha, beta=beta, name=node.name)


@lowers("HardSwish")
def hard_swish(node: Node) -> Var:
    gate = mb.sigmoid_hard(x=node.var(0), alpha=np.float32(1 / 6), beta=np.float32(0.5), name=f"{node.name}_gate")
    return mb.mul(x=node.var(0), y=gate, name=node.name)


@lowers("Softmax")
def softmax(node: Node) -> Var:
    return mb.softmax(x=node.var(0), axis=node.get("axis", -1), name=node.name)


@lowers("Cast")
def cast(node: Node) -> Var:
    kind = CASTS.get(node.get("to"))
    if kind is None:
        node.refuse(f"it casts to ONNX type {node.get('to')}, and known are {', '.join(map(str, CASTS))}")
    return mb.cast(x=node.var(0), dtype=kind, name=node.name)


@lowers("Identity")
def identity(node: Node) -> Var:
    return mb.identity(x=node.var(0), name=node.name)
