"""Names that a person recognises: every node and tensor of the hub is called after the module it came from."""

import ast
from collections import Counter

import onnx

_SCOPES = "pkg.torch.onnx.name_scopes"


def name_by_module(model: onnx.ModelProto) -> None:
    """Rename in place: node `prompted.vfm.blocks.7.mlp.fc1/MatMul`, its output the same; weights after their reader.

    Inputs and outputs of the graph, and weights that kept their parameter's name, stay as they are called but for
    the wrapper's `network.`.
    """
    graph = model.graph
    fixed = {value.name for value in (*graph.input, *graph.output)}
    scopes: dict[str, str] = {}
    renamed: dict[str, str] = {}
    taken: Counter[str] = Counter()

    def unique(name: str) -> str:
        taken[name] += 1
        return name if taken[name] == 1 else f"{name}_{taken[name]}"

    for node in graph.node:
        scope = _scope(node) or next((scopes[i] for i in node.input if i in scopes), "")
        node.name = unique(f"{scope}/{node.op_type}" if scope else node.op_type)
        for index, output in enumerate(node.output):
            scopes[output] = scope
            renamed[output] = node.name if len(node.output) == 1 else f"{node.name}:{index}"
        del node.metadata_props[:]
        node.doc_string = ""
    reader = {name: node.name for node in reversed(graph.node) for name in node.input}
    for tensor in graph.initializer:
        own = tensor.name.removeprefix("network.")
        parameter = "." in tensor.name and "lifted_tensor" not in tensor.name
        renamed[tensor.name] = unique(own if parameter else f"{reader.get(tensor.name, 'unused')}.constant")
    for name in fixed:
        renamed.pop(name, None)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value in (*graph.initializer, *graph.value_info):
        value.name = renamed.get(value.name, value.name)


def _scope(node: onnx.NodeProto) -> str:
    """The innermost module that the exporter recorded for this node, without the wrapper's `network.`."""
    recorded = next((p.value for p in node.metadata_props if p.key == _SCOPES), None)
    if recorded is None:
        return ""
    modules = [scope for scope in ast.literal_eval(recorded)[:-1] if scope not in ("", "network")]
    return modules[-1].removeprefix("network.") if modules else ""
