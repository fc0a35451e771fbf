"""Checkpoints in and out: presets, our safetensors (whole or adapters only) and the authors' `.pth`."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from wedepth import vfm_weights
from wedepth.authors import from_authors
from wedepth.config import PRESETS, SHIPPED, Config, preset
from wedepth.errors import WedepthError
from wedepth.files import write_beside
from wedepth.network import Provenance, WEDepth, build

SCHEMA = 1
SEED = 0
# A network that has seen fewer is said to be barely trained.
FEW_IMAGES = 1000
RANDOM_VFM = "random"
_VFM = "prompted.vfm."


def load(
    source: str | Path,
    *,
    config: str | Path | Config | None = None,
    vfm: str | Path | None = None,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> WEDepth:
    """The network of a preset's name or a checkpoint file, in eval mode.

    A preset has the real frozen VFM, and the adapters that come with the project (of those in SHIPPED, with the
    VFM they were trained with) or untrained ones from a fixed seed. A `.safetensors` file carries its
    config; any other file is read as the authors' pickle (`weights_only`) and needs `config`. `vfm` is a file with
    the frozen VFM's weights, or "random". Raises WedepthError on anything that does not fit, naming it.
    """
    if str(source) in PRESETS and config is None:
        if str(source) in SHIPPED and vfm != RANDOM_VFM:
            return _load_shipped(str(source), vfm, say)
        return untrained(str(source), vfm=vfm, say=say)
    path = Path(source)
    if not path.is_file():
        hint = "" if path.suffix else f" The presets are {', '.join(PRESETS)}."
        raise WedepthError(f"There is no checkpoint {source}.{hint}")
    if path.suffix == ".safetensors":
        return _load_ours(path, vfm, say)
    if config is None:
        raise WedepthError(f"{path.name} does not carry its config: name a JSON file with --config.")
    return _load_authors(path, config if isinstance(config, Config) else Config.read(Path(config)))


def save_whole(network: WEDepth, path: Path) -> None:
    """Write every weight, the frozen VFM's too, with the config, as safetensors."""
    _save(network, path, network.state_dict(), vfm=None)


def save_adapters(network: WEDepth, path: Path, training: dict[str, Any] | None = None, in_half: bool = False) -> None:
    """Write everything but the frozen VFM, which is named and hashed in the file and resolved at load.

    `training`, of plain JSON types, is the record of how the weights were trained: they are then said to be. `in_half`
    stores them as `half` has them.
    """
    known = vfm_weights.known_vfm(network.config.vfm)
    identity = {
        "name": known.timm_name if known else "random",
        "sha256": vfm_weights.tensor_hash(network.prompted.vfm.state_dict()),
    }
    state = without_vfm(network)
    _save(network, path, half(state) if in_half else state, vfm=identity, training=training)


def without_vfm(network: WEDepth) -> dict[str, Tensor]:
    """Every weight but the frozen VFM's."""
    return {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(_VFM)}


def half(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored in half precision: float32 stays for 1-D tensors (norms, biases, statistics).

    A weight that float16 cannot hold is refused by name.
    """
    halved = {name: t.half() if t.is_floating_point() and t.ndim > 1 else t for name, t in state.items()}
    if wrong := [name for name, tensor in halved.items() if not tensor.isfinite().all()]:
        raise WedepthError(f"Half precision cannot hold {_some(wrong)}: values beyond 65504.")
    return halved


def training_record(path: Path) -> dict[str, Any] | None:
    """The training record of a file that `save_adapters` wrote, if it has one."""
    record = _read_header(path).get("training")
    return record if isinstance(record, dict) else None


def training_of(network: WEDepth) -> dict[str, Any] | None:
    """The training record of a network that `load` gave, of its preset's or its file's; None where that has none, or
    not the whole one that `wedepth-train` leaves."""
    source = network.provenance.source
    file = shipped_file(source) if source in SHIPPED else Path(source)
    known = network.provenance.trained and file.suffix == ".safetensors" and file.is_file()
    record = training_record(file) if known else None
    return record if record and "setup" in record else None


def network_hash(network: WEDepth) -> str:
    """SHA-256 of every weight: two networks of one hash compute the same, whatever file they came from."""
    floats = {name: tensor for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    return vfm_weights.tensor_hash(floats)


def _save(
    network: WEDepth,
    path: Path,
    state: Mapping[str, Tensor],
    vfm: dict[str, str] | None,
    training: dict[str, Any] | None = None,
) -> None:
    header = {
        "schema": SCHEMA,
        "config": network.config.to_dict(),
        "trained": network.provenance.trained or training is not None,
        "vfm": vfm,
    }
    if training is not None:
        header["training"] = training
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    metadata = {"wedepth": json.dumps(header)}
    write_beside(path, lambda beside: save_file(tensors, beside, metadata), (OSError, SafetensorError))


def untrained(
    source: str | Config, *, vfm: str | Path | None = None, say: Callable[[str], None] = lambda line: None
) -> WEDepth:
    """The network of a preset's name or a config: adapters from a fixed seed, the real frozen VFM where it is known."""
    network = build(preset(source) if isinstance(source, str) else source, SEED)
    words = f"random, from seed {SEED}"
    known = vfm_weights.known_vfm(network.config.vfm)
    if vfm != RANDOM_VFM and (known or vfm is not None):
        words = _resolve_vfm(network, vfm, None, say)
    name = source if isinstance(source, str) else "config"
    network.provenance = Provenance(name, False, f"untrained: adapters from seed {SEED}", words)
    return network


def _load_shipped(name: str, vfm: str | Path | None, say: Callable[[str], None]) -> WEDepth:
    network = _load_ours(shipped_file(name), vfm, say)
    network.provenance = dataclasses.replace(network.provenance, source=name)
    return network


def shipped_file(name: str) -> Path:
    """The adapters that come with the project for a preset, found to be what they were when they were published."""
    file = Path(__file__).parent / "weights" / f"{name}.safetensors"
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != SHIPPED[name]:
        raise WedepthError(f"The trained weights of {name}, {file}, are missing or damaged: install wedepth again.")
    return file


def _resolve_vfm(network: WEDepth, vfm: str | Path | None, sha256: str | None, say: Callable[[str], None]) -> str:
    """Load the frozen VFM; returns the words that name it."""
    config = network.config.vfm
    state, source = vfm_weights.resolve(config, path=Path(vfm) if vfm else None, sha256=sha256, say=say)
    vfm_weights.load_vfm(network.prompted.vfm, state)
    known = vfm_weights.known_vfm(config)
    return f"{known.timm_name if known else 'VFM'} ({vfm_weights.tensor_hash(state)[:12]}, from {source})"


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["wedepth"])
    except (KeyError, json.JSONDecodeError):
        raise WedepthError(f"{path.name} is not a checkpoint of wedepth: it carries no config.") from None
    except (SafetensorError, OSError) as error:
        raise WedepthError(f"Cannot read the checkpoint {path.name}: {error}.") from None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise WedepthError(f"{path.name} is of another version of wedepth; this one reads schema {SCHEMA}.")
    return header


def _load_ours(path: Path, vfm: str | Path | None, say: Callable[[str], None]) -> WEDepth:
    header = _read_header(path)
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WedepthError(f"Cannot read the checkpoint {path.name}: {error}.") from None
    network = _empty(Config.from_dict(header.get("config")))
    identity = header.get("vfm")
    words = "in the checkpoint"
    if identity is not None:
        words = _fill_vfm(network, identity, vfm, say)
        state |= {f"{_VFM}{name}": tensor for name, tensor in network.prompted.vfm.state_dict().items()}
    _fill(
        network,
        {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()},
        [],
        path,
    )
    trained = bool(header.get("trained"))
    network.provenance = Provenance(str(path), trained, _trained_words(trained, header.get("training")), words)
    return network


def _trained_words(trained: bool, record: Any) -> str:
    """Such as "trained: 80000 images, val AbsRel 0.123"."""
    if not trained:
        return "untrained"
    if not isinstance(record, dict) or type(record.get("images")) is not int:
        return "trained"
    error = record.get("val_abs_rel")
    validated = f"val AbsRel {error:.3f}" if isinstance(error, float) else "not validated"
    barely = "barely " if record["images"] < FEW_IMAGES else ""
    return f"{barely}trained: {record['images']} images, {validated}"


def _fill_vfm(network: WEDepth, identity: Any, vfm: str | Path | None, say: Callable[[str], None]) -> str:
    if vfm == RANDOM_VFM or (identity["name"] == "random" and vfm is None):
        random = build(network.config, SEED).prompted.vfm.state_dict()
        if vfm_weights.tensor_hash(random) != identity["sha256"]:
            raise WedepthError("This checkpoint was made with another VFM than the random one of the fixed seed.")
        network.prompted.vfm.load_state_dict(random)
        return f"random, from seed {SEED}"
    return _resolve_vfm(network, vfm, identity["sha256"], say)


def _load_authors(path: Path, config: Config) -> WEDepth:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise WedepthError(f"Cannot read the checkpoint {path.name} as a plain table of tensors: {reason}.") from None
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WedepthError(f"{path.name} holds no plain table of tensors, as torch.save(model.state_dict()) writes it.")
    network = _empty(config)
    ours, extra = from_authors(dict(state), iter(network.state_dict()))
    _fill(network, ours, extra, path)
    network.provenance = Provenance(str(path), True, "trained, as the file has it", "in the checkpoint")
    return network


def _empty(config: Config) -> WEDepth:
    return WEDepth(config).eval()


def _fill(network: WEDepth, state: dict[str, Tensor], extra: list[str], path: Path) -> None:
    """Load `state` and refuse, by name, whatever is missing, unknown, of another shape or not a number."""
    own = network.state_dict()
    faults = {
        "lacks": [name for name in own if name not in state],
        "has unknown": extra + [name for name in state if name not in own],
        "has the wrong shape for": [n for n in own if n in state and state[n].shape != own[n].shape],
        "has NaN or infinity in": [n for n, t in state.items() if t.is_floating_point() and not t.isfinite().all()],
    }
    said = [f"{verb} {_some(names)}" for verb, names in faults.items() if names]
    if said:
        raise WedepthError(f"{path.name} does not fit its config: it {'; it '.join(said)}.")
    network.load_state_dict(state)


def _some(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def describe(network: WEDepth) -> dict[str, Any]:
    """The network's provenance and hashes as plain JSON types, for manifests and reports."""
    return {
        **dataclasses.asdict(network.provenance),
        "sha256": network_hash(network),
        "vfm_sha256": vfm_weights.tensor_hash(network.prompted.vfm.state_dict()),
    }
