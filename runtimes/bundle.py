"""A bundle: an artifact and the manifest that says exactly what it is, bound together by SHA-256."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from wedepth.errors import WedepthError

SCHEMA = 4
MANIFEST = "manifest.json"
SAMPLE = "sample.npz"
METRES, LOG_METRES = "metre", "ln(metre)"
"""Units of depth."""
UNMET = ".unmet"
"""What the folder of a bundle ends in that missed its budget: it is opened where it is named, and found nowhere."""


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """Which network was exported. Hashes are of tensors, not of files: see wedepth.checkpoint."""

    source: str
    sha256: str
    trained: bool
    weights: str
    vfm: str
    vfm_sha256: str

    def __str__(self) -> str:
        return f"{self.source}: {self.weights}; VFM: {self.vfm}."


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """The file or folder that a runtime opens, and every file it consists of with its SHA-256."""

    path: str
    bytes: int
    sha256: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """An input or output: `layout` is NCHW or NHWC, `unit` what a value counts, `range` its lowest and highest."""

    name: str
    layout: str
    shape: list[int]
    dtype: str
    unit: str
    range: list[float | None]


@dataclass(frozen=True, slots=True)
class PrecisionRecord:
    """`weights` as stored, `activations` as the artifact asks its runtime to compute."""

    name: str
    weights: str
    activations: str


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """How far the prepared network, which the graph is traced from, is from the network as trained: both in torch, over
    every pixel of the bundle's sample."""

    max_rel: float
    mean_rel: float


@dataclass(frozen=True, slots=True)
class VerificationRecord:
    """What was run to verify the artifact, and what came out: relative differences from torch over every pixel."""

    runtime: str
    device: str
    frames: int
    data: str
    max_rel: float
    mean_rel: float
    limit: str
    prepared: PreparedRecord


@dataclass(frozen=True, slots=True)
class Int8Record:
    """How an INT8 artifact came about, what of it is int8, and what that costs.

    Shares are of all multiply-accumulates: with both operands int8 in the file, with int8 weights, and computed in int8
    by its runtime on this machine (null where the runtime does not tell). `errors` are mean relative differences from
    torch, step by step: prepared network, ONNX, fp16, INT8 simulated in float, INT8 in its runtime. `correction` is the
    factor that was put on all depths because INT8 had moved them on the calibration samples. `cost` is against fp32 on
    the evaluation frames: δ1 and AbsRel as quotients, |scale bias| as a difference.
    """

    static: bool
    int8_share: float
    weight_share: float
    executed_share: float | None
    float_modules: list[str]
    float_ops: dict[str, int]
    calibration: str
    samples: list[str]
    correction: float
    evaluation: str
    budget: str
    cost: dict[str, float]
    errors: dict[str, float]
    instruction_set: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a bundle says of itself (`manifest.json`)."""

    schema: int
    name: str
    target: str
    preset: str | None
    config: dict[str, Any]
    checkpoint: CheckpointRecord
    artifact: ArtifactRecord
    input: TensorRecord
    output: TensorRecord
    precision: PrecisionRecord
    int8: Int8Record | None
    opset: int
    versions: dict[str, str]
    verified: VerificationRecord
    sample: ArtifactRecord

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input in pixels."""
        height, width = (self.input.shape[self.input.layout.index(axis)] for axis in "HW")
        return height, width


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its folder and its manifest, found to match its files."""

    folder: Path
    manifest: Manifest

    @property
    def artifact(self) -> Path:
        """The file or folder that the runtime opens."""
        return self.folder / self.manifest.artifact.path

    def sample(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The golden sample: an RGB image [H,W,3] and the depth [H,W] in metres that torch gave for it."""
        with np.load(self.folder / self.manifest.sample.path) as arrays:
            return arrays["image"], arrays["depth"]


def open_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`; refused where the manifest is not strict or does not match the files."""
    manifest = read_manifest(folder)
    for record in (manifest.artifact, manifest.sample):
        for name, sha256 in record.files.items():
            file = folder / name
            if not file.is_file():
                raise WedepthError(f"The bundle {folder.name} lacks {name}, which its manifest lists.")
            if _file_hash(file) != sha256:
                raise WedepthError(f"{file.name} in the bundle {folder.name} is not the file its manifest describes.")
        present = {str(p.relative_to(folder)) for p in _files(folder / record.path)}
        if unknown := sorted(present - record.files.keys()):
            raise WedepthError(f"{folder.name} holds {unknown[0]}, which its manifest does not list.")
    return Bundle(folder, manifest)


def read_manifest(folder: Path) -> Manifest:
    """What the bundle in `folder` says of itself, whether or not its files match; refused where it is not strict."""
    file = folder / MANIFEST
    try:
        data = json.loads(file.read_text())
    except FileNotFoundError:
        raise WedepthError(f"There is no {MANIFEST} in {folder}.") from None
    except (OSError, ValueError) as error:
        raise WedepthError(f"Cannot read {file}: {error}.") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise WedepthError(f"{file} is of schema {schema!r}; this version of wedepth reads {SCHEMA}.")
    manifest = _strict(Manifest, data, file.name)
    for name in (*manifest.artifact.files, *manifest.sample.files, manifest.artifact.path, manifest.sample.path):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise WedepthError(f"{file} names {name}, which is outside the bundle.")
    return manifest


def find_bundles(*folders: Path) -> list[Bundle]:
    """The bundle in each folder, or those in the folders directly below it, in order of name; each once."""
    return [open_bundle(path) for path in bundle_folders(*folders)]


def bundle_folders(*folders: Path) -> list[Path]:
    """Each folder itself if it is a bundle, else the bundles directly below it, in order of name; none is refused."""
    return list({path.resolve(): path for folder in folders for path in _bundle_folders(folder)}.values())


def _bundle_folders(folder: Path) -> list[Path]:
    if (folder / MANIFEST).is_file():
        return [folder]
    if not folder.is_dir():
        raise WedepthError(f"There is no folder {folder}; wedepth-export makes one.")
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    found = [path for path in found if not path.name.startswith(".") and not path.name.endswith(UNMET)]
    if not found:
        raise WedepthError(f"{folder} holds no bundle: no {MANIFEST} in it or in a folder below.")
    return found


def bundle_beside(bundle: Bundle, target: str, precision: str) -> Bundle | None:
    """The bundle of another target or precision of the same network and size beside a bundle, if there is one."""
    wanted = bundle.manifest.checkpoint.sha256, bundle.manifest.size, target, precision
    for folder in bundle_folders(bundle.folder.parent):
        manifest = read_manifest(folder)
        its = manifest.checkpoint.sha256, manifest.size, manifest.target, manifest.precision.name
        if its == wanted and folder.resolve() != bundle.folder.resolve():
            return open_bundle(folder)
    return None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into the bundle's folder."""
    (folder / MANIFEST).write_text(json.dumps(dataclasses.asdict(manifest), indent=1) + "\n")


def record_files(folder: Path, path: str, also: tuple[str, ...] = ()) -> ArtifactRecord:
    """Size and hashes of the file or folder `path` (and of files `also` beside it) in the bundle's `folder`."""
    files = [f for name in (path, *also) for f in _files(folder / name)]
    hashes = {str(f.relative_to(folder)): _file_hash(f) for f in files}
    whole = next(iter(hashes.values()))
    if len(hashes) > 1:
        whole = hashlib.sha256("".join(f"{h}  {n}\n" for n, h in sorted(hashes.items())).encode()).hexdigest()
    return ArtifactRecord(path, sum(f.stat().st_size for f in files), whole, hashes)


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _file_hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _strict(kind: Any, data: Any, where: str) -> Any:
    """A dataclass from JSON, its fields exactly those that it has; null where it may be absent."""
    if isinstance(kind, UnionType) and data is not None:
        kind = get_args(kind)[0]
    if not dataclasses.is_dataclass(kind):
        return data
    hints = get_type_hints(kind)
    if not isinstance(data, dict) or data.keys() != hints.keys():
        wrong = sorted(hints.keys() ^ data.keys()) if isinstance(data, dict) else [where]
        raise WedepthError(f"{where} is not a valid manifest: {', '.join(wrong)} missing or unknown.")
    return kind(**{name: _strict(hint, data[name], f"{where}: {name}") for name, hint in hints.items()})  # type: ignore[operator]
