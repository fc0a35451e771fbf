"""What a page cannot run, refused before it is embedded."""

from runtimes.bundle import Bundle
from runtimes.web import litert, onnxruntime
from runtimes.web.session import check_size
from wedepth.errors import WedepthError

ENGINES = {"onnx": onnxruntime.ENGINE, "tflite": litert.ENGINE}


def check_page(bundle: Bundle) -> None:
    """WedepthError where the artifact is too large for a page, is several files, or takes or gives int8."""
    manifest = bundle.manifest
    if "int8" in (manifest.input.dtype, manifest.output.dtype):
        raise WedepthError(
            f"{manifest.name} takes or gives int8, which LiteRT.js does not; export it with --io float32."
        )
    check_size(bundle.artifact, ENGINES[manifest.target])
