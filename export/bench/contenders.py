"""Who is measured, as data: what is made, by whom, and what opens it. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Literal

from wedepth.errors import WedepthError

Road = Literal["naive", "ours", "other"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something made once into the work folder: `file` in a folder of its `name`, by the function `maker`.

    `after` are the artifacts that it is made of, `needs` the packages without which it cannot be.
    """

    name: str
    file: str
    maker: str
    """`module:function`, called with a `making.Job` in a process of its own."""
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    precision: str = "fp32"
    target: str = ""
    """Of ours: the name in export.targets."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of the report."""

    name: str
    runtime: str
    road: Road
    precision: str
    opener: str
    """`module:function` from a `worker.Opening` to a function of the input; empty where nothing here can run it."""
    imports: tuple[str, ...]
    """What the opener imports, so that the time it takes to load a model is not that of loading a library."""
    artifact: str = ""
    network: str = "wedepth"
    """`wedepth`, `dav2` (Depth Anything V2-Small) or `matmul`."""
    layout: str = "NCHW"
    normalised: bool = False
    """Whether it takes the normalised image, as the network itself, or RGB 0…255 and normalises itself, as ours do."""
    note: str = ""
    instead_of: str = ""
    """The contender whose making has to fail before this one is made."""

    @property
    def reference(self) -> str:
        """The contender whose depth this one's is held against; empty where there is no depth."""
        return {"wedepth": "torch-eager", "dav2": "torch-dav2"}.get(self.network, "")


NETWORK, HUB, RANGES = "network", "hub", "ranges"
_EXPORT = ("onnx", "onnxscript", "onnxsim", "onnxruntime")
# Target → runtime, file, what opening it imports.
_TARGETS = {
    "onnx": ("onnxruntime", "model.onnx", ("onnxruntime", "runtimes.onnxruntime")),
    "openvino": ("openvino", "model.xml", ("openvino", "runtimes.openvino")),
    "tflite": ("tflite", "model.tflite", ("ai_edge_litert.interpreter", "runtimes.tflite")),
    "coreml": ("coreml", "model.mlpackage", ()),
}
_INT8_NEEDS = {"openvino": ("nncf",), "tflite": ("ai_edge_quantizer",)}
_NEEDS = {"onnx": _EXPORT, "openvino": ("openvino",), "tflite": ("ai_edge_litert",), "coreml": ("coremltools",)}
# Where the first documented call refuses the network, the least that takes it there: by a target, a second naive road.
_SECOND = {"openvino": "-traced", "tflite": "-folded", "coreml": "-exported"}
_SECOND_NOTES = {
    "-traced": "traced by hand without torch's check of the trace, which the converter's own tracing fails",
    "-exported": "given torch.export's program instead of the module",
    "-folded": "the prompts' Fourier transform, which the converter refuses, computed beforehand",
}
_NAIVE_NEEDS = {**_NEEDS, "tflite": ("litert_torch",)}
PRECISIONS = ("fp32", "fp16", "int8")
MATMUL_SIZES = (1024, 2048)


def _roads(target: str) -> tuple[str, ...]:
    return ("", _SECOND[target]) if target in _SECOND else ("",)


def _artifacts() -> list[Artifact]:
    made = [
        Artifact(NETWORK, "room.npy", "export.bench.ours:network"),
        Artifact(HUB, "hub.onnx", "export.bench.ours:hub", needs=_EXPORT),
        Artifact(RANGES, "ranges.json", "export.bench.ours:ranges", (HUB,), _EXPORT),
        Artifact(
            "onnxruntime-dav2", "model.onnx", "export.bench.dav2:onnx", needs=("transformers", "onnx", "onnxscript")
        ),
        Artifact("openvino-dav2", "model.xml", "export.bench.dav2:openvino", ("onnxruntime-dav2",), ("openvino",)),
    ]
    for target, (runtime, file, _) in _TARGETS.items():
        needs = _NAIVE_NEEDS[target]
        for suffix in _roads(target):
            maker = f"export.bench.naive:{target}{suffix.replace('-', '_')}"
            made.append(Artifact(f"{runtime}-naive{suffix}", file, maker, (), needs, target=target))
        for precision in PRECISIONS:
            after = (HUB, RANGES) if precision == "int8" else (HUB,)
            needs = (*_NEEDS[target], *(_INT8_NEEDS.get(target, ()) if precision == "int8" else ()))
            maker = "export.bench.ours:int8" if precision == "int8" else "export.bench.ours:convert"
            made.append(Artifact(f"{runtime}-{precision}", file, maker, after, needs, precision, target))
    return made


def _contenders() -> list[Contender]:
    opening, torch = "export.bench.opening", ("torch", "timm", "wedepth.checkpoint")
    found = [
        Contender("torch-eager", "torch", "other", "fp32", f"{opening}:torch_eager", torch, normalised=True),
        Contender(
            "torch-compile", "torch", "other", "fp32", f"{opening}:torch_compile", torch, normalised=True,
            note="its first run compiles",
        ),
    ]  # fmt: skip
    for target, (runtime, _, imports) in _TARGETS.items():
        runs = bool(imports)
        naive = f"{opening}:{target}_naive" if runs else ""
        for suffix in _roads(target):
            name, note = f"{runtime}-naive{suffix}", _SECOND_NOTES.get(suffix, "")
            first = f"{runtime}-naive" if suffix else ""
            found.append(
                Contender(
                    name, runtime, "naive", "fp32", naive, imports[:1], name,
                    normalised=True, note=note, instead_of=first,
                )
            )  # fmt: skip
        layout, opener = "NHWC" if target == "tflite" else "NCHW", f"{opening}:ours" if runs else ""
        for precision in PRECISIONS:
            name = f"{runtime}-{precision}"
            found.append(Contender(name, runtime, "ours", precision, opener, imports, name, layout=layout))
    found += [
        Contender(
            "torch-dav2", "torch", "other", "fp32", "export.bench.dav2:opened", ("torch", "transformers"),
            network="dav2", normalised=True,
        ),
        Contender(
            "onnxruntime-dav2", "onnxruntime", "other", "fp32", f"{opening}:onnx_naive", ("onnxruntime",),
            "onnxruntime-dav2", network="dav2", normalised=True,
        ),
        Contender(
            "openvino-dav2", "openvino", "other", "fp32", f"{opening}:openvino_naive", ("openvino",),
            "openvino-dav2", network="dav2", normalised=True,
        ),
    ]  # fmt: skip
    for runtime, imports in (
        ("torch", ("torch",)),
        ("onnxruntime", ("onnx", "onnxruntime")),
        ("openvino", ("openvino",)),
    ):
        found += [
            Contender(f"matmul-{runtime}-{size}", runtime, "other", "fp32", f"export.bench.matmul:{runtime}", imports,
                      network="matmul")
            for size in MATMUL_SIZES
        ]  # fmt: skip
    return found


ARTIFACTS = {artifact.name: artifact for artifact in _artifacts()}
CONTENDERS = {contender.name: contender for contender in _contenders()}

# `paper` takes minutes and gigabytes to export: what is measured of it, once. LiteRT's naive road is killed at `small`.
PAPER = (
    "torch-eager", "onnxruntime-naive", "onnxruntime-fp32",
    "openvino-naive", "openvino-naive-traced", "openvino-fp32", "tflite-fp32",
)  # fmt: skip


def chosen(preset: str, only: tuple[str, ...] = ()) -> list[Contender]:
    """The contenders of a preset, and of those the ones whose name begins with one of `only`.

    Torch eager and the matmuls, which the others are held against, are always among them.
    """
    names = [n for n in CONTENDERS if preset != "paper" or n in PAPER or n.startswith("matmul-")]
    for start in only:
        if not any(name.startswith(start) for name in names):
            raise WedepthError(f"No contender of {preset} begins with {start!r}; there are {', '.join(names)}.")
    wanted = [CONTENDERS[n] for n in names if not only or n.startswith(("matmul-", *only))]
    references = {c.reference for c in wanted if c.reference} | {"torch-eager"}
    return [CONTENDERS[n] for n in names if n in references or CONTENDERS[n] in wanted]
