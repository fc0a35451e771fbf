"""ONNX hub → OpenVINO IR."""

from pathlib import Path
from typing import Any

from export.lookup import BAG, DOMAIN, looked_up
from wedepth.errors import WedepthError

# What Intel's Model API and DL Streamer go by: they hold frames as BGR, and fit them into a model's input. No wrapper
# of theirs has this type: that of MiDaS, MonoDepth, would make a disparity from 0 to 1 of it.
MODEL_INFO = {
    "model_type": "metric_depth",
    "reverse_input_channels": "True",
    "resize_type": "fit_to_window_letterbox",
    "pad_value": "128",
    "mean_values": "0 0 0",
    "scale_values": "1 1 1",
    "output_unit": "metre",
}


def convert(hub: Path, out: Path, *, precision: str, metadata: dict[str, str]) -> None:
    """Write the IR (`out` and its `.bin`); fp16 stores weights in half precision and leaves arithmetic to the device.

    Input and output are as the hub's: `image` [1,3,H,W], RGB 0…255, and `depth` [1,1,H,W] in metres.
    """
    import openvino

    try:
        with looked_up(hub, bags=True) as graph:
            model = openvino.convert_model(str(graph), extension=[bags()])
    except WedepthError:
        raise
    except Exception as error:
        raise WedepthError(f"OpenVINO could not convert the graph: {str(error).strip().splitlines()[-1]}.") from None
    save(model, out, half=precision == "fp16", metadata=metadata)


def bags() -> Any:
    """What tells OpenVINO's reader of ONNX which operator a bag is (EmbeddingBagPackedSum)."""
    from openvino import opset13
    from openvino.frontend.onnx import ConversionExtension

    def converted(node: Any) -> Any:
        return opset13.embedding_bag_packed_sum(*(node.get_input(i) for i in range(3))).outputs()

    return ConversionExtension(BAG, DOMAIN, converted)


def save(model: Any, out: Path, *, half: bool, metadata: dict[str, str]) -> None:
    """Write a model as IR with `metadata` and MODEL_INFO in its rt_info; `half` stores float constants in half
    precision."""
    import openvino

    for section, entries in (("wedepth", metadata), ("model_info", MODEL_INFO)):
        for key, value in entries.items():
            model.set_rt_info(value, [section, key])
    for end in (*model.inputs, *model.outputs):
        end.node.layout = openvino.Layout("NCHW")
    try:
        openvino.save_model(model, str(out), compress_to_fp16=half)
    except RuntimeError as error:  # a full disk, mostly
        raise WedepthError(f"OpenVINO could not write {out.name}: {str(error).strip().splitlines()[-1]}.") from None
