"""The naive roads: each target as its own documentation has it, from the network as it is. Imports when called.

The network takes the normalised image; nothing is prepared, folded or fixed but what the documented call itself does.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.count import count_ops
from export.bench.making import Job

if TYPE_CHECKING:
    from torch import Tensor


def onnx(job: Job) -> dict[str, Any]:
    """`torch.onnx.export(network, (x,), path, dynamo=True)`, which puts the weights beside the graph."""
    import torch

    with torch.no_grad():
        torch.onnx.export(job.network(), (example(job.size),), str(job.out), dynamo=True, verbose=False)
    return {"ops": count_ops(job.out)}


def openvino(job: Job) -> dict[str, Any]:
    """`openvino.convert_model(network, example_input=x)`."""
    import openvino
    import torch

    with torch.no_grad():
        return _save_ir(job, openvino.convert_model(job.network(), example_input=example(job.size)))


def openvino_traced(job: Job) -> dict[str, Any]:
    """`openvino.convert_model(torch.jit.trace(network, x, check_trace=False))`: what its own error message proposes.

    Swin keeps its shift masks from run to run, which a check of the trace takes for untraceable code. (Its third road,
    torch.export's program, stops at the prompts' Fourier transform.)
    """
    import openvino
    import torch

    x = example(job.size)
    with torch.no_grad():
        traced = torch.jit.trace(job.network(), x, check_trace=False)
        return _save_ir(job, openvino.convert_model(traced, example_input=x))


def _save_ir(job: Job, model: Any) -> dict[str, Any]:
    """`save_model` halves weights unless told not to; it is told, for this is the fp32 road. Where the converter left
    the input's size open, that is how it is run."""
    import openvino

    openvino.save_model(model, str(job.out), compress_to_fp16=False)
    facts: dict[str, Any] = {"ops": len(model.get_ops())}
    if model.is_dynamic():
        facts["note"] = "input size left open by the converter"
    return facts


def tflite(job: Job) -> dict[str, Any]:
    """`litert_torch.convert(network.eval(), (x,)).export(path)`."""
    return _litert(job, job.network())


def tflite_folded(job: Job) -> dict[str, Any]:
    """The same without the prompts' Fourier transform: litert-torch 0.10 knows no complex numbers."""
    import torch

    class Known(torch.nn.Module):
        def __init__(self, value: "Tensor") -> None:
            super().__init__()
            self.register_buffer("value", value)

        def forward(self) -> "Tensor":
            return self.value

    network = job.network()
    with torch.no_grad():
        for stage in network.prompted.stages:
            stage.prompt = Known(stage.prompt().clone())
    return _litert(job, network)


def _litert(job: Job, network: Any) -> dict[str, Any]:
    litert_torch: Any = importlib.import_module("litert_torch")  # of the extra `bench`
    litert_torch.convert(network.eval(), (example(job.size),)).export(str(job.out))
    return {"ops": tflite_ops(job.out)}


def coreml(job: Job) -> dict[str, Any]:
    """`coremltools.convert` of the traced network. Its torch frontend knows torch up to 2.7."""
    import torch

    with torch.no_grad():
        return _save_package(job, torch.jit.trace(job.network(), example(job.size)))


def coreml_exported(job: Job) -> dict[str, Any]:
    """The same of torch.export's program."""
    import torch

    with torch.no_grad():
        program = torch.export.export(job.network(), (example(job.size),))
        return _save_package(job, program.run_decompositions({}))


def _save_package(job: Job, program: Any) -> dict[str, Any]:
    import coremltools

    model = coremltools.convert(
        program,
        inputs=[coremltools.TensorType(name="image", shape=(1, 3, *job.size))],
        minimum_deployment_target=coremltools.target.iOS17,
        compute_precision=coremltools.precision.FLOAT32,
        skip_model_load=True,
    )
    model.save(str(job.out))
    return {"ops": coreml_ops(job.out)}


def example(size: tuple[int, int]) -> "Tensor":
    """A normalised image [1,3,H,W] to trace with."""
    import torch

    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 4 - 2


def tflite_ops(path: Path) -> int:
    """Operators of a TFLite file."""
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(str(path), experimental_op_resolver_type=_no_delegates())._get_ops_details()
    return len(details)


def _no_delegates() -> Any:
    from ai_edge_litert.interpreter import OpResolverType

    return OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


def coreml_ops(path: Path) -> int:
    """Operations of a Core ML package that are not constants."""
    import coremltools

    program = coremltools.models.MLModel(str(path), skip_model_load=True).get_spec().mlProgram
    blocks = [b for f in program.functions.values() for b in f.block_specializations.values()]
    return sum(op.type != "const" for block in blocks for op in block.operations)
