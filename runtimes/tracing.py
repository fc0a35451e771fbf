"""Tensors from inside an artifact, by the names that they have in the ONNX graph that all artifacts are made from."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from runtimes.joined import Joined, whole
from wedepth.errors import WedepthError

Values = Mapping[str, NDArray[np.float32]]


class Tracer(Protocol):
    """An artifact whose tensors can be read and replaced."""

    names: list[str]
    """The tensors it has, in the order in which they are computed."""
    at_once: int
    """How many of them are best asked for together."""

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Values
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """The values of `wanted` for an image [1,3,H,W], 0…255.

        Whatever reads a tensor of `forced` reads that value instead of the one that was computed; what is given of
        such a tensor is the computed one. So with all tensors forced, every error is that of its own operators.
        """
        ...


def open_tracer(target: str, artifact: Path, known: Collection[str]) -> Tracer:
    """The tracer of a target's artifact, for those of the `known` ONNX names that it has.

    Raises DeviceUnavailable where the packages for it are missing, and WedepthError for an artifact that has none of
    the names.
    """
    kinds: dict[str, Callable[[Path, Collection[str]], Tracer]] = {
        "onnx": OnnxTracer, "openvino": OpenVINOTracer, "coreml": CoreMLTracer, "tflite": _tflite_tracer,
    }  # fmt: skip
    try:
        tracer = Joined(kinds[target](artifact, dict.fromkeys(known)))
    except ImportError as error:
        raise DeviceUnavailable(f"looking into a {target} artifact needs {error.name}") from None
    if not tracer.names:
        raise WedepthError(f"{artifact} has none of the reference's tensors by name; nothing can be walked.")
    return tracer


class OnnxTracer:
    """Cuts the graph at the forced tensors, and runs what is between them and the wanted ones."""

    at_once = 128

    def __init__(self, artifact: Path, known: Collection[str] | None = None) -> None:
        """All boundaries of the graph are known to it where no others are given."""
        import onnx

        self._onnx = onnx
        model = onnx.load(str(artifact))
        self._graph, self._opsets, self._version = model.graph, model.opset_import, model.ir_version
        inferred = onnx.shape_inference.infer_shapes(onnx.load(str(artifact), load_external_data=False))
        self._types = {value.name: value.type.tensor_type for value in inferred.graph.value_info}
        self._makers = {name: node for node in self._graph.node for name in node.output}
        self._constants = {tensor.name: tensor for tensor in self._graph.initializer}
        self.modules = boundaries(self._graph)
        wanted = set(known) if known is not None else {whole(name) for name in self.modules}
        self.names = [name for name in self._makers if whole(name) in wanted]

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Values
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        import onnxruntime

        model, inputs = self._cut(wanted, forced)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        dtype = self._onnx.helper.tensor_dtype_to_np_dtype
        feeds = {
            name: np.asarray(forced[name], dtype(self._types[name].elem_type)) if name in self._makers else image
            for name in inputs
        }
        for name, value in zip(wanted, session.run(None, feeds), strict=True):
            yield name, np.asarray(value, np.float32)

    def _cut(self, wanted: Sequence[str], forced: Values) -> tuple[Any, list[str]]:
        """The graph from the forced tensors to the wanted ones, and the names of its inputs."""
        helper = self._onnx.helper
        used: set[str] = set()
        inputs: dict[str, None] = {}
        pending = list(wanted)
        seen = set(pending)
        while pending:
            node = self._makers[pending.pop()]
            used |= set(node.output)
            for name in filter(None, node.input):
                if name in forced or (name not in self._makers and name not in self._constants):
                    inputs[name] = None
                elif name in self._makers and name not in seen:
                    seen.add(name)
                    pending.append(name)
        nodes = []
        for node in self._graph.node:
            if used.isdisjoint(node.output):
                continue
            copy = self._onnx.NodeProto()
            copy.CopyFrom(node)
            # What is read instead has the name; what is computed gets another.
            copy.output[:] = [f"{name}::own" if name in inputs else name for name in node.output]
            nodes.append(copy)
        read = {name for node in nodes for name in node.input}
        ends = {value.name: value for value in self._graph.input}
        values = [
            ends[name] if name in ends else helper.make_tensor_value_info(name, self._types[name].elem_type, None)
            for name in inputs
        ]
        outputs = [self._onnx.ValueInfoProto(name=f"{name}::own" if name in inputs else name) for name in wanted]
        constants = [tensor for name, tensor in self._constants.items() if name in read]
        graph = helper.make_graph(nodes, "cut", values, outputs, constants)
        return helper.make_model(graph, opset_imports=self._opsets, ir_version=self._version), list(inputs)


class Reference(Joined):
    """The fp32 ONNX graph that artifacts are held against; `modules` says by tensor which module gives it."""

    def __init__(self, artifact: Path) -> None:
        tracer = OnnxTracer(artifact)
        super().__init__(tracer)
        modules = {whole(name): module for name, module in tracer.modules.items()}
        self.modules = {name: modules[name] for name in self.names}


class OpenVINOTracer:
    """The same on OpenVINO's model, read anew for each cut."""

    at_once = 128

    def __init__(self, artifact: Path, known: Collection[str]) -> None:
        import openvino

        self._openvino, self._core, self._artifact = openvino, openvino.Core(), artifact
        found = [name for output in self._outputs(self._read()) for name in output.get_names()]
        self.names = [name for name in found if whole(name) in known]

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Values
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        from openvino import opset13 as ops

        model = self._read()
        outputs = {name: output for output in self._outputs(model) for name in output.get_names()}
        parameters: list[tuple[Any, str]] = [(model.get_parameters()[0], "")]
        for name in forced:
            if name not in outputs:
                continue
            output = outputs[name]
            parameter = ops.parameter(output.get_partial_shape(), output.get_element_type())
            for target in output.get_target_inputs():
                target.replace_source_output(parameter.output(0))
            parameters.append((parameter, name))
        results = [ops.result(outputs[name]) for name in wanted]
        needed = _reached(results)
        feeding = [(parameter, name) for parameter, name in parameters if parameter.get_name() in needed]
        cut = self._openvino.Model(results, [parameter for parameter, _ in feeding])
        settings = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}
        values = [np.asarray(forced[name] if name else image) for _, name in feeding]
        found = self._core.compile_model(cut, "CPU", settings)(values)
        for index, name in enumerate(wanted):
            yield name, np.asarray(found[index], np.float32)

    def _read(self) -> Any:
        return self._core.read_model(str(self._artifact))

    def _outputs(self, model: Any) -> list[Any]:
        return [
            output
            for node in model.get_ordered_ops()
            if node.get_type_name() not in ("Parameter", "Constant", "Result")
            for output in node.outputs()
            if output.get_element_type().is_real()
        ]


class CoreMLTracer:
    """The reference interpreter, which tells every value as it computes it, and takes another instead."""

    at_once = 1_000_000

    def __init__(self, artifact: Path, known: Collection[str]) -> None:
        from runtimes.coreml_reference import CoreMLReference
        from runtimes.mil_program import mil_name

        self._package = CoreMLReference(artifact)
        made = self._package.tensors()
        self._mil: dict[str, str] = {}  # MIL's names, and ONNX's
        for name in known:
            mil = mil_name(name)
            found = next((own for own in (mil, f"{mil}_cast_fp16") if own in made), None)
            if found:
                self._mil[found] = name
        self.names = list(self._mil.values())

    def trace(
        self, image: NDArray[np.float32], wanted: Sequence[str], forced: Values
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        found: list[tuple[str, NDArray[np.float32]]] = []
        asked = set(wanted)

        def observe(mil: str, value: NDArray[Any]) -> NDArray[Any] | None:
            name = self._mil.get(mil)
            if name in asked and name is not None:
                found.append((name, np.array(value, np.float32)))
            other = forced[name] if name in forced and name is not None else None
            # A tensor whose name the passes have moved to the other side of a transpose is left as it is.
            return other.astype(value.dtype) if other is not None and other.shape == value.shape else None

        self._package.run(image, observe)
        yield from found


def _tflite_tracer(artifact: Path, known: Collection[str]) -> Tracer:
    from runtimes.tflite_tracing import TFLiteTracer  # needs the schema, at import

    return TFLiteTracer(artifact, known)


def boundaries(graph: Any) -> dict[str, str]:
    """The tensors of an ONNX graph that one module of the network gives to another, each with the module that makes it.

    Nodes are named `module/op`, with the number of the block behind `~` where tokens go in blocks. The pieces of a
    tensor that is split into blocks are not told: they are the tensor.
    """
    makers = {name: node for node in graph.node for name in node.output}
    found: dict[str, str] = {}
    for node in graph.node:
        for name in node.input:
            if name not in makers or whole(makers[name].name).endswith("~split"):
                continue
            if module_of(makers[name].name) != module_of(node.name):
                found[name] = module_of(makers[name].name)
    order = {name: index for index, name in enumerate(makers)}
    for output in graph.output:
        found[output.name] = module_of(makers[output.name].name)
    return dict(sorted(found.items(), key=lambda item: order[item[0]]))


def module_of(node: str) -> str:
    """The module of a node by its name; the network itself is `image`'s way in and out."""
    module, slash, _ = node.partition("/")
    return module if slash else "network"


def _reached(results: Sequence[Any]) -> set[str]:
    """The names of all nodes of OpenVINO's that results depend on."""
    seen: set[str] = set()
    pending = list(results)
    while pending:
        node = pending.pop()
        if node.get_name() not in seen:
            seen.add(node.get_name())
            pending += [port.get_source_output().get_node() for port in node.inputs()]
    return seen
