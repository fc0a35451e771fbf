"""A hub read without a copy of its weights: the graph, and its constants as they lie in the file."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import external_data_helper, numpy_helper

from wedepth.errors import WedepthError

Constants = dict[str, NDArray[Any]]


def read_hub(hub: Path) -> tuple[onnx.ModelProto, Constants]:
    """The graph of a file, without weights that stand beside it, and all of its constants by name.

    Those beside it are mapped into memory and cannot be written to: a converter holds what it makes of them and no
    more, where `onnx.load` holds a `paper`'s 1.7 GB once in the protobuf and again in arrays. WedepthError for a file
    that is no such graph.
    """
    try:
        model = onnx.load(str(hub), load_external_data=False)
    except OSError as error:
        raise WedepthError(f"Cannot read {hub} as an ONNX graph: {error.strerror}.") from None
    except Exception as error:
        raise WedepthError(f"Cannot read {hub} as an ONNX graph: {str(error).splitlines()[0]}.") from None
    files: dict[str, NDArray[np.uint8]] = {}
    constants = {}
    for tensor in model.graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            constants[tensor.name] = _mapped(tensor, hub, files)
        else:
            constants[tensor.name] = numpy_helper.to_array(tensor)
    return model, constants


def constants_of(model: onnx.ModelProto) -> Constants:
    """The constants of a graph that holds them all."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def drop_unread(graph: onnx.GraphProto) -> None:
    """Without the constants that nobody reads any more, and the shapes of tensors that are gone."""
    read = {name for node in graph.node for name in node.input}
    made = {name for node in graph.node for name in node.output}
    for tensors, kept in ((graph.initializer, read), (graph.value_info, made)):
        left = [tensor for tensor in tensors if tensor.name in kept]
        del tensors[:]
        tensors.extend(left)


def _mapped(tensor: onnx.TensorProto, hub: Path, files: dict[str, NDArray[np.uint8]]) -> NDArray[Any]:
    place = external_data_helper.ExternalDataInfo(tensor)
    name = Path(place.location).name  # beside the graph, and nowhere else
    if name not in files:
        try:
            files[name] = np.memmap(hub.with_name(name), np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise WedepthError(f"Cannot read the weights of {hub}: {error}.") from None
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    start, count = place.offset or 0, int(np.prod(tensor.dims))
    if start + count * dtype.itemsize > files[name].size:
        raise WedepthError(f"Cannot read the weights of {hub}: {name} ends before {tensor.name}.")
    return np.frombuffer(files[name], dtype, count, start).reshape(tuple(tensor.dims))
