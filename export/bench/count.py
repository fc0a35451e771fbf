"""What a graph holds: nodes, multiply-accumulates by part of the network and by kind of operator, and ONNX Runtime's
time by kind."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runtimes.npu.read_onnx import MULTIPLYING, macs_of
from wedepth.errors import WedepthError

if TYPE_CHECKING:
    import onnx

PARTS = ("vfm", "encoder", "prompts", "split", "inject", "fuse", "decoder", "heads")
PROFILED_RUNS = 5
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Count:
    """One graph for one image. Only products of matrices and convolutions are counted as multiply-accumulates."""

    nodes: int
    macs: int
    by_part: dict[str, int]
    by_kind: dict[str, int]
    nodes_by_kind: dict[str, int]
    pairs: int
    """Multiply-accumulates between two activations: what attention does for each pair of tokens."""


def count_ops(path: Path) -> int:
    """Nodes of an ONNX graph."""
    import onnx

    return len(onnx.load(str(path), load_external_data=False).graph.node)


def count(path: Path) -> Count:
    """Count an ONNX file of fixed sizes; WedepthError where a size is open that a product needs."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    return count_model(model)


def count_model(model: "onnx.ModelProto") -> Count:
    """The same of a graph in memory, whose nodes are renamed after their modules where the exporter tells."""
    from export.names import name_by_module

    if any(node.metadata_props for node in model.graph.node):
        name_by_module(model)
    shapes = _shapes(model)
    constants = _constants(model)
    parts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    pairs = 0
    for node in model.graph.node:
        if node.op_type not in MULTIPLYING:
            continue
        macs = _macs(node, shapes)
        parts[part_of(node.name)] += macs
        kinds[node.op_type] += macs
        pairs += macs if not constants & set(node.input[:2]) else 0
    names = Counter(node.op_type for node in model.graph.node)
    return Count(len(model.graph.node), sum(kinds.values()), dict(parts), dict(kinds), dict(names.most_common()), pairs)


def part_of(name: str) -> str:
    """The part of the network that a node belongs to by its module's name: `prompted.vfm.blocks.7…` is the vfm's."""
    first, _, rest = name.replace("/", ".").partition(".")
    if first == "prompted":
        return "vfm" if rest.startswith("vfm") else "prompts"
    return first if first in PARTS else OTHER


def time_by_kind(path: Path, threads: int) -> dict[str, float]:
    """Each kind's share of ONNX Runtime's time, from its profiler; kinds of the graph as ONNX Runtime fuses it."""
    import numpy as np
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        image = np.random.default_rng(0).uniform(-2, 2, entry.shape).astype(np.float32)
        for _ in range(1 + PROFILED_RUNS):
            session.run(None, {entry.name: image})
        events = json.loads(Path(session.end_profiling()).read_text())
    return shares_of(events)


def shares_of(events: Iterable[dict]) -> dict[str, float]:
    """Shares by kind of the kernels' time in a profile, largest first."""
    spent: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    total = sum(spent.values())
    return {kind: time / total for kind, time in spent.most_common()}


def _macs(node: "onnx.NodeProto", shapes: dict[str, list[int]]) -> int:
    import onnx

    first, second, result = (_known(shapes, name, node) for name in (*node.input[:2], node.output[0]))
    options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return macs_of(node.op_type, options, first, second, result)


def _known(shapes: dict[str, list[int]], name: str, node: "onnx.NodeProto") -> list[int]:
    shape = shapes.get(name)
    if shape is None or 0 in shape:
        raise WedepthError(f"The graph's {name!r}, which {node.name!r} multiplies, has no fixed size to count with.")
    return shape


def _shapes(model: "onnx.ModelProto") -> dict[str, list[int]]:
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
    return shapes


def _constants(model: "onnx.ModelProto") -> set[str]:
    """Initialisers, and what is computed from them alone: a naive graph transposes its weights."""
    known = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if all(name in known for name in node.input if name):
            known.update(node.output)
    return known
