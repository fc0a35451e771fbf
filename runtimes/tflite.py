"""TFLite artifacts in LiteRT's interpreter (`ai_edge_litert`), or in `tflite_runtime` where only that is installed."""

import base64
import contextlib
import functools
import importlib
import operator
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from runtimes.litert_log import adapter, delegated, failure, refused
from wedepth.errors import WedepthError

INTERPRETERS = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
INPUT, OUTPUT = "image", "depth"
NPU = "LiteRT's NPU plug-ins run on the CPU without a word where they find no NPU of theirs"
LOG_OUTPUT = "log_depth"
"""What a model with an int8 interface gives instead: the logarithm of metres."""
# A model of one operator, RELU of float32 [1,8,8,4]: what a device is tried with.
_RELU = (
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAA6AAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAMABQAEAAM"
    "AAgABAAMAAAAEAAAADwAAABAAAAARAAAAAEAAAAQAAAAAAAKAAwAAAAIAAQACgAAAAgAAAAMAAAAAQAAAAEAAAABAAAAAAAAAAEA"
    "AAABAAAAAQAAAAAAAAACAAAAPAAAAAQAAADY////CAAAAAwAAAABAAAAeQAAAAQAAAABAAAACAAAAAgAAAAEAAAADAAMAAgAAAAA"
    "AAQADAAAAAgAAAAMAAAAAQAAAHgAAAAEAAAAAQAAAAgAAAAIAAAABAAAAAEAAAAQAAAADAAMAAsAAAAAAAQADAAAABMAAAAAAAAT"
)


class TFLiteSession:
    """One model in the interpreter, on the CPU. `details` says which delegate took its operators, if any."""

    runtime = "tflite"
    device = "cpu"
    activations = "float32"

    def __init__(self, artifact: Path, device: str, threads: int | None) -> None:
        """`device` "cpu"; `threads` of the kernels, by default as many as the machine has cores."""
        if device != "cpu":
            raise WedepthError(f"TFLiteSession runs on the CPU, not on {device!r}; open_session finds the right one.")
        self._interpreter = _load(artifact, threads)
        signature = _only_signature(self._interpreter.get_signature_list(), artifact)
        self._runner = self._interpreter.get_signature_runner(signature)
        self._ends = _Ends(self._runner)
        package = type(self._interpreter).__module__.split(".")[0]
        self.details = {"interpreter": package, **_delegate(self._interpreter)}

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,H,W,3], 0…255 → [1,H,W,1] in metres."""
        return self._ends.metres(self._runner(**{INPUT: self._ends.input(image)})[self._ends.output])

    def placed(self, image: NDArray[np.float32]) -> None:
        """The interpreter does not tell; it was given no delegate but XNNPACK, which is on the CPU."""


class CompiledSession:
    """One model in LiteRT's compiled runtime, on one accelerator alone: nothing falls back to the CPU.

    A subclass may name devices `beside` it, which take the ops that its delegate refuses.
    """

    runtime = "tflite"
    activations = "float32"
    beside: tuple[str, ...] = ()

    def __init__(self, artifact: Path, device: str) -> None:
        """`device` "gpu", or "cpu" for the same road without one; DeviceUnavailable where it cannot be used."""
        interpreter = _load(artifact, threads=1)  # a file which nothing can load is not blamed on the hardware
        self._model, log = _compile(artifact, device, *self.beside)
        self.device = device
        told = {"adapter": adapter(log), "elsewhere": refused(log)}
        self.details = {"interpreter": "ai_edge_litert"} | {name: words for name, words in told.items() if words}
        self._placed = None if device == "cpu" else delegated(log, device, _count(interpreter))
        self._signature = _only_signature(self._model.get_signature_list(), artifact)
        self._ends = _Ends(interpreter.get_signature_runner(self._signature))  # which alone knows the scales

    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,H,W,3], 0…255 → [1,H,W,1] in metres."""
        ends = self._ends
        pixels = ends.input(image)
        inputs = self._model.create_input_buffer_by_name(self._signature, INPUT)
        outputs = self._model.create_output_buffer_by_name(self._signature, ends.output)
        try:
            inputs.write(np.ascontiguousarray(pixels))
            self._model.run_by_name(self._signature, {INPUT: inputs}, {ends.output: outputs})
            values = outputs.read(int(np.prod(ends.output_shape)), ends.output_type)
        finally:
            inputs.destroy()
            outputs.destroy()
        return ends.metres(np.array(values).reshape(ends.output_shape))

    def placed(self, image: NDArray[np.float32]) -> dict[str, int] | None:
        """Ops that the accelerator took and those it left, from LiteRT's log."""
        return self._placed


class _Ends:
    """Input and output of a model, float32 or int8: pixels to what it takes, what it gives to metres."""

    def __init__(self, runner: Any) -> None:
        self._taken = runner.get_input_details()[INPUT]
        self.output, self._given = next(iter(runner.get_output_details().items()))
        self.output_shape = tuple(int(n) for n in self._given["shape"])
        self.output_type = self._given["dtype"]

    def input(self, image: NDArray[np.float32]) -> NDArray[Any]:
        """[1,H,W,3], 0…255, as the model takes it."""
        shape = tuple(int(n) for n in self._taken["shape"])
        if image.shape != shape:
            raise WedepthError(f"The TFLite artifact takes {list(shape)}, not {list(image.shape)}.")
        if self._taken["dtype"] != np.int8:
            return image.astype(np.float32, copy=False)
        scale, zero = self._taken["quantization"]
        return np.clip(np.rint(image / scale) + zero, -128, 127).astype(np.int8)

    def metres(self, result: NDArray[Any]) -> NDArray[np.float32]:
        """What the model gives, in metres."""
        if self.output_type == np.int8:
            scale, zero = self._given["quantization"]
            result = (result.astype(np.float32) - zero) * np.float32(scale)
        return np.exp(result) if self.output == LOG_OUTPUT else result


def find(device: str) -> str:
    """What LiteRT calls a device; DeviceUnavailable where a model of one operator cannot be run on it."""
    if device == "cpu":
        return f"{_interpreter().__module__.split('.')[0]}, XNNPACK where it takes an op"
    if device == "npu":
        raise DeviceUnavailable(NPU)
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(base64.b64decode(_RELU))
        file.flush()
        _, log = _compile(Path(file.name), device)
    found = re.search(r"name=GPU (\S+)", log)
    return found[1] if found else "GPU"


def open_session(artifact: Path, *, device: str, threads: int | None) -> TFLiteSession | CompiledSession:
    """The session; DeviceUnavailable where the device is absent, WedepthError for a file that TFLite cannot load."""
    if device == "npu":
        raise DeviceUnavailable(NPU)
    return CompiledSession(artifact, device) if device == "gpu" else TFLiteSession(artifact, device, threads)


def run_once(content: bytes, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """What a model without signatures gives, in its order, for inputs in its order."""
    with _chatter():
        interpreter = _interpreter()(model_content=content, num_threads=os.cpu_count() or 1)
        interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


def _load(artifact: Path, threads: int | None) -> Any:
    """An interpreter that is ready to run; WedepthError where the package is missing or the file is no model."""
    try:
        with _chatter():
            interpreter = _interpreter()(str(artifact), num_threads=threads or os.cpu_count() or 1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise WedepthError(f"TFLite cannot load {artifact.name}: {_first_line(error)}.") from None
    return interpreter


def _interpreter() -> Any:
    """The interpreter's class in the first package that is installed."""
    for name in INTERPRETERS:
        with contextlib.suppress(ImportError):
            return importlib.import_module(name).Interpreter
    raise WedepthError("TFLite artifacts need LiteRT's interpreter: pip install 'wedepth[tflite]'.")


def _compile(artifact: Path, device: str, *beside: str) -> tuple[Any, str]:
    """A model in LiteRT's compiled runtime, and what it wrote meanwhile; DeviceUnavailable where it cannot be.

    A GPU computes in float32, as our artifacts ask for: left to itself it takes float16 where it has it.
    """
    try:
        compiled = importlib.import_module("ai_edge_litert.compiled_model").CompiledModel
        accelerator = importlib.import_module("ai_edge_litert.hardware_accelerator").HardwareAccelerator
        settings = importlib.import_module("ai_edge_litert.options")
    except ImportError as error:
        raise DeviceUnavailable(f"TFLite's GPU runtime needs ai-edge-litert 2.3 ({_first_line(error)})") from None
    devices = functools.reduce(operator.or_, (getattr(accelerator, name.upper()) for name in (device, *beside)))
    options = settings.Options(devices, settings.CpuOptions(num_threads=1), settings.GpuOptions(enforce_f32=True))
    with _chatter() as log:
        try:
            return compiled.from_file(str(artifact), options=options), log()
        except Exception as error:
            reason = failure(log()) or _first_line(error)
            raise DeviceUnavailable(f"LiteRT cannot run the model on the {device.upper()}: {reason}") from None


def _only_signature(signatures: dict[str, dict[str, list[str]]], artifact: Path) -> str:
    names = [
        key
        for key, ends in signatures.items()
        if list(ends["inputs"]) == [INPUT] and list(ends["outputs"]) in ([OUTPUT], [LOG_OUTPUT])
    ]
    if len(names) != 1:
        raise WedepthError(f"{artifact.name} has no one signature from {INPUT!r} to {OUTPUT!r}, but {signatures}.")
    return names[0]


def _delegate(interpreter: Any) -> dict[str, str]:
    """The delegate that took operators, where that can be read back. None is asked for, so it can only be XNNPACK."""
    try:
        names = [op["op_name"].upper() for op in interpreter._get_ops_details()]
    except AttributeError:  # a private method: the only one that tells
        return {}
    return {"delegate": "XNNPACK" if any("DELEGATE" in name for name in names) else "none"}


def count_ops(artifact: Path) -> int:
    """How many ops a model has."""
    return _count(_load(artifact, threads=1))


def _count(interpreter: Any) -> int:
    return sum("DELEGATE" not in op["op_name"].upper() for op in interpreter._get_ops_details())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextlib.contextmanager
def _chatter() -> Iterator[Callable[[], str]]:
    """Keep what the runtime's C++ writes to stderr off it; gives a function that reads what there was so far."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:

        def read() -> str:
            log.seek(0)
            return log.read().decode(errors="replace")

        os.dup2(log.fileno(), 2)
        try:
            yield read
        finally:
            os.dup2(kept, 2)
            os.close(kept)
