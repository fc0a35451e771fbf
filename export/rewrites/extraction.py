"""Prompts that gather from a level of the encoder: what is computed for every token is what costs.

Cross attention to tokens t, with projections of D² a token for keys and as many for values, needs neither. Scores are
q·(W t + b) = (q W)·t + q·b, whose second term is the same for all tokens and leaves the softmax as it is; the result is
Σ a (V t + c) = V (Σ a t) + c. So keys' weights go into the few queries, and values' behind the sum.

What is more, t is the LayerNorm of a 1×1 convolution of the encoder's map e, of C channels: t = A ê, where ê is e with
a one below it, divided by the deviation of what the convolution gives, and A [D,C+1] is constant. Where C < D (24 and
192 in the finest level of `edge`) it is ê that is attended to. The deviation is the length of R ê, with A = Q R.
"""

import torch
from torch import Tensor, nn

from export.rewrites.fold import linear, weight_and_bias
from wedepth.attention import HEADS, CrossAttention
from wedepth.inject import Split
from wedepth.network import WEDepth
from wedepth.prompts import Extraction


class ScaledTokens(nn.Module):
    """The tokens [1,N,C] of an encoder's map → ê [1,N,C+1]. `combination` [D,C+1] is A."""

    def __init__(self, project: nn.Conv2d, eps: float) -> None:
        super().__init__()
        weight, bias = weight_and_bias(project, project.out_channels)
        whole = torch.cat((weight[:, :, 0, 0], bias[:, None]), dim=1)
        self.eps = eps
        self.combination = whole - whole.mean(dim=0)  # centred over channels, as LayerNorm does
        factor = torch.linalg.qr(self.combination).R / project.out_channels**0.5
        self.deviation = linear(factor[:, :-1], factor[:, -1])

    def forward(self, tokens: Tensor) -> Tensor:
        variance = self.deviation(tokens).square().sum(dim=-1, keepdim=True)
        scale = (variance + self.eps).rsqrt()
        return torch.cat((tokens * scale, scale), dim=-1)


class NormedTokens(nn.LayerNorm):
    """The projected tokens [1,N,D], centred and of unit variance: A is the identity."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__(norm.normalized_shape, eps=norm.eps)
        self.combination = torch.eye(norm.normalized_shape[0], dtype=torch.float64)


class AbsorbedAttention(nn.Module):
    """Queries [1,P,D] attend to tokens [1,N,K] that are not projected, A [D,K] away from what they were."""

    def __init__(self, attention: CrossAttention, combination: Tensor) -> None:
        super().__init__()
        dim, inner = combination.shape
        width = dim // HEADS
        gain, shift = attention.norm_context.weight.double(), attention.norm_context.bias.double()
        basis = gain[:, None] * combination
        key = (attention.key.weight.double() @ basis * width**-0.5).reshape(HEADS, width, inner)
        value = (attention.value.weight.double() @ basis).reshape(HEADS, width, inner)
        query, query_bias = weight_and_bias(attention.query, dim)
        self.norm = attention.norm
        self.query = linear(
            torch.einsum("hwk,hwd->hkd", key, query.reshape(HEADS, width, dim)).reshape(-1, dim),
            torch.einsum("hwk,hw->hk", key, query_bias.reshape(HEADS, width)).reshape(-1),
        )
        # Every head's result from that head's sum alone: [D,heads·K].
        blocks = torch.block_diag(*value)
        self.value = linear(blocks, attention.value.bias.double() + attention.value.weight.double() @ shift)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        prompts, inner = int(x.shape[1]), int(tokens.shape[2])
        query = self.query(self.norm(x)).reshape(prompts * HEADS, inner)
        gathered = (query @ tokens[0].t()).softmax(dim=-1) @ tokens[0]
        return self.value(gathered.reshape(1, prompts, HEADS * inner))


class AbsorbedExtraction(nn.Module):
    """An extraction from tokens that all its layers share."""

    def __init__(self, extraction: Extraction, tokens: ScaledTokens | NormedTokens) -> None:
        super().__init__()
        self.tokens = tokens
        self.cross = nn.ModuleList(AbsorbedAttention(cross, tokens.combination) for cross in extraction.cross)
        self.self, self.gamma, self.project = extraction.self, extraction.gamma, extraction.project

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        tokens = self.tokens(context)
        for cross, own, gamma in zip(self.cross, self.self, self.gamma, strict=True):
            queries = queries + gamma * cross(queries, tokens)
            queries = queries + own(queries)
        return self.project(queries)


class PartialSplit(nn.Module):
    """The split, which hands on the encoder's own map for the levels `raw`."""

    def __init__(self, split: Split, raw: list[bool]) -> None:
        super().__init__()
        self.project, self.depthwise, self.raw = split.project, split.depthwise, raw

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        projected = [project(x) for project, x in zip(self.project, maps, strict=True)]
        context = [x if raw else c for x, c, raw in zip(maps, projected, self.raw, strict=True)]
        return [self.depthwise(c) for c in projected], context


def absorb_extraction(network: WEDepth, size: tuple[int, int]) -> None:
    dim, prompts = network.config.prompt_dim, network.config.prompts
    raw = []
    for stage, project in zip(network.prompted.stages, network.split.project, strict=True):
        narrow = project.in_channels + 1 < dim
        raw.append(narrow)
        if prompts * HEADS * min(project.in_channels + 1, dim) < dim * (dim + prompts):
            norm = stage.extraction.cross[0].norm_context
            tokens = ScaledTokens(project, norm.eps) if narrow else NormedTokens(norm)
            stage.extraction = AbsorbedExtraction(stage.extraction, tokens)
        else:
            raw[-1] = False
    network.split = PartialSplit(network.split, raw)
