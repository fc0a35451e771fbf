"""Depth Anything V2-Small, to be measured beside ours: the graph of transformers with random weights, never shipped.

A ViT-S/14 with the DPT head: 24.8 M parameters. Its sizes are those of the published config; nothing is downloaded.
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from export.bench.count import count, count_ops
from export.bench.making import Job

if TYPE_CHECKING:
    from torch import nn

    from export.bench.worker import Opening

PATCH = 14
Values = NDArray[np.float32]


def size_for(size: tuple[int, int]) -> tuple[int, int]:
    """The whole patches of a size (height, width): 280×378 of 288×384, which is also what our ViT sees of it."""
    return size[0] // PATCH * PATCH, size[1] // PATCH * PATCH


def build() -> "nn.Module":
    """Normalised image [1,3,H,W], sides multiples of 14, → relative depth [1,H,W]; weights from one seed."""
    import torch

    transformers: Any = importlib.import_module("transformers")  # of the extra `bench`
    backbone = transformers.Dinov2Config(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        image_size=518,
        patch_size=PATCH,
        out_features=["stage3", "stage6", "stage9", "stage12"],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=PATCH,
        reassemble_hidden_size=384,
        reassemble_factors=[4, 2, 1, 0.5],
        neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64,
        head_in_index=-1,
        head_hidden_size=32,
    )

    class Depth(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = transformers.DepthAnythingForDepthEstimation(config)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.model(pixel_values=image).predicted_depth

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Depth().eval()


def opened(opening: "Opening") -> Callable[[Values], Values]:
    """It in torch eager, which its exports are held against."""
    import torch

    network = build()

    @torch.inference_mode()
    def run(image: Values) -> Values:
        return network(torch.from_numpy(image)).numpy()

    return run


def onnx(job: Job) -> dict[str, Any]:
    """`torch.onnx.export`, as its documentation has it."""
    import torch

    network = build()
    x = torch.zeros(1, 3, *size_for(job.size))
    with torch.no_grad():
        torch.onnx.export(network, (x,), str(job.out), dynamo=True, verbose=False)
    parameters = sum(p.numel() for p in network.parameters())
    return {"ops": count_ops(job.out), "macs": count(job.out).macs, "note": f"{parameters / 1e6:.1f} M parameters"}


def openvino(job: Job) -> dict[str, Any]:
    """The same ONNX file, converted."""
    import openvino

    model = openvino.convert_model(str(job.path("onnxruntime-dav2")))
    openvino.save_model(model, str(job.out), compress_to_fp16=False)
    return {"ops": len(model.get_ops())}
