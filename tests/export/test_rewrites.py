"""Every rewrite keeps what it rewrites: the depth, and the output of its own module on values of any size."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from export.prepare import REWRITES, Rewrite, prepare
from export.rewrites.attention import PlainCrossAttention, PlainSelfAttention, PromptedAttention
from export.rewrites.extraction import AbsorbedExtraction, NormedTokens, PartialSplit, ScaledTokens
from export.rewrites.fusion import FoldedFusionLevel
from export.rewrites.heads import FoldedHead
from export.rewrites.sampling import PointsMajorAttention
from wedepth import load
from wedepth.attention import to_tokens
from wedepth.config import Config, preset
from wedepth.network import MEAN, STD, WEDepth, build
from wedepth.prompts import Extraction

SIZE = (64, 96)
SIZES = [(2, 3), (4, 6), (8, 12), (16, 24)]


@pytest.fixture(scope="module")
def nano() -> WEDepth:
    """`nano` with norms, gains and biases as training leaves them: none is the identity, so that none can be lost."""
    network = build(preset("nano"))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in network.modules():
            for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
                if tensor.ndim == 1 and tensor.is_floating_point():
                    noise = torch.empty_like(tensor).uniform_(-0.3, 0.3, generator=generator)
                    tensor.add_(noise.abs() if name == "running_var" else noise)
            if isinstance(module, nn.Linear) and module.out_features == 2 * 2 * 4 * 2:  # sampling offsets
                module.weight.uniform_(-1, 1, generator=generator)
    return network.eval()


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest, relative to the largest value."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda r: r.name)
def test_a_rewrite_alone_keeps_the_depth(nano: WEDepth, rewrite: Rewrite) -> None:
    image = (normal(1, 3, *SIZE) * 80 + 120).clamp(0, 255)
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    expected = nano((image / 255 - mean) / std)
    found = prepare(nano, SIZE, [rewrite])(image)
    assert ((found - expected).abs() / expected).max() < 1e-5  # borders included
    assert rewrite.reason


def test_a_folded_head_is_the_head_up_to_its_border(nano: WEDepth) -> None:
    head = nano.heads.heads[3]
    x = normal(1, 32, 5, 7)
    assert difference(FoldedHead(head, (5, 7))(x), head(x)) < 2e-6
    one = normal(1, 32, 1, 1)  # nothing but border
    assert difference(FoldedHead(head, (1, 1))(one), head(one)) < 2e-6
    assert head.layers[1].weight.dtype == torch.float32  # folding in float64 leaves the network's own as it was


def test_prompts_do_not_see_prompts(nano: WEDepth) -> None:
    attention = nano.prompted.vfm.blocks[0].attn
    x, prompts = normal(1, 4 + 9, 32), 4
    mask = torch.zeros(13, 13)
    mask[:prompts, :prompts] = -1e9
    split = PromptedAttention(attention, prompts)
    assert difference(split(x, mask), attention(x, attn_mask=mask)) < 2e-6
    assert difference(split(x, mask), attention(x)) > 1e-3  # the mask is no matter of rounding


def test_attention_with_its_scale_in_the_query(nano: WEDepth) -> None:
    inject, x, pattern = nano.inject[0], normal(1, 30, 16), normal(1, 4, 16)
    assert difference(PlainSelfAttention(inject.self)(pattern), inject.self(pattern)) < 2e-6
    cross = inject.cross[0]
    assert difference(PlainCrossAttention(cross)(x, pattern), cross(x, pattern)) < 2e-6


@pytest.mark.parametrize(("level", "narrow"), [(0, True), (3, False)])
def test_extraction_without_projected_tokens(nano: WEDepth, level: int, narrow: bool) -> None:
    extraction, project = nano.prompted.stages[level].extraction, nano.split.project[level]
    queries, features = normal(1, 4, 16) * 3, normal(1, project.in_channels, 6, 9) * 2 + 1
    expected = extraction(queries, to_tokens(project(features)))
    norm = extraction.cross[0].norm_context
    if narrow:
        found = AbsorbedExtraction(extraction, ScaledTokens(project, norm.eps))(queries, to_tokens(features))
    else:
        found = AbsorbedExtraction(extraction, NormedTokens(norm))(queries, to_tokens(project(features)))
    assert difference(found, expected) < 5e-6


def test_extraction_is_absorbed_where_it_saves_multiplications() -> None:
    few = prepare(load("nano"), SIZE).network
    kinds = [type(stage.extraction) for stage in few.prompted.stages]
    assert kinds == [AbsorbedExtraction, Extraction, Extraction, Extraction]
    assert isinstance(few.split, PartialSplit) and few.split.raw == [True, False, False, False]
    many = prepare(build(Config.from_dict(preset("nano").to_dict() | {"prompts": 50})), SIZE).network
    assert not any(isinstance(stage.extraction, AbsorbedExtraction) for stage in many.prompted.stages)
    assert many.split.raw == [False] * 4


def test_fusion_resizes_what_is_projected(nano: WEDepth) -> None:
    level, before = nano.fuse.levels[1], nano.prompted.features[-1]
    x, features = normal(1, 16, 8, 12), normal(1, 16, 3, 5)
    expected = level(x, before(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
    assert difference(FoldedFusionLevel(level, before)(x, features), expected) < 2e-6


def test_points_are_sampled_inside_and_outside_of_every_map(nano: WEDepth) -> None:
    attention = copy.deepcopy(nano.decoder.layers[0].attention)
    attention.sampling_offsets.bias.uniform_(-6, 6)  # far out of the coarsest map, over its border in all
    tokens = sum(h * w for h, w in SIZES)
    query, value = normal(1, tokens, 32), normal(1, tokens, 32).flip(1)
    expected = attention(query, value, SIZES)
    assert difference(PointsMajorAttention(attention, SIZES)(query, value, SIZES), expected) < 5e-6
