"""The prompts that travel through the frozen VFM and bring back its knowledge (spec: "VFM with prompts")."""

import torch
from torch import Tensor, nn

from wedepth.attention import CrossAttention, SelfAttention
from wedepth.config import Config
from wedepth.vfm import FrozenViT


def projection(in_dim: int, hidden: int, out_dim: int) -> nn.Sequential:
    """Linear-GELU-Linear."""
    return nn.Sequential(nn.Linear(in_dim, hidden), nn.GELU(), nn.Linear(hidden, out_dim))


class SpectralPrompt(nn.Module):
    """The real part of the 2-D Fourier transform (over D, then P) of a learned prompt: [1,P,D]."""

    def __init__(self, prompts: int, dim: int) -> None:
        super().__init__()
        # The transform multiplies the scale by √(P·D); this keeps the queries near one.
        self.embedding = nn.Parameter(torch.randn(1, prompts, dim) / (prompts * dim) ** 0.5)

    def forward(self) -> Tensor:
        return torch.fft.fft2(self.embedding, dim=(-2, -1)).real


class Extraction(nn.Module):
    """Prompts [B,P,D] gather from a level of the encoder [B,N,D] and are projected to the VFM's width [B,P,T]."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, depth = config.prompt_dim, config.extraction_depth
        self.cross = nn.ModuleList(CrossAttention(dim) for _ in range(depth))
        self.self = nn.ModuleList(SelfAttention(dim) for _ in range(depth))
        self.gamma = nn.ParameterList(nn.Parameter(torch.ones(dim)) for _ in range(depth))
        self.project = projection(dim, dim, config.vfm.width)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        for cross, own, gamma in zip(self.cross, self.self, self.gamma, strict=True):
            queries = queries + gamma * cross(queries, context)
            queries = queries + own(queries)
        return self.project(queries)


class PromptStage(nn.Module):
    """One of the four stages: a prompt, its extraction, and the projection of what comes back."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.prompt = SpectralPrompt(config.prompts, config.prompt_dim)
        self.extraction = Extraction(config)
        self.pattern = projection(config.vfm.width, config.prompt_dim, config.prompt_dim)


class PromptedVFM(nn.Module):
    """The VFM with the prompts in front of its tokens.

    The authors' code projects the patch tokens after every stage; only the last projection is used, so only that
    one is here.
    """

    masked = -1e9

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.prompts = config.prompts
        self.vfm = FrozenViT(config.vfm)
        self.stages = nn.ModuleList(PromptStage(config) for _ in config.vfm.stage_ends)
        self.features = projection(config.vfm.width, config.prompt_dim, config.prompt_dim)

    def mask(self, tokens: Tensor) -> Tensor:
        """[P+M,P+M], additive, for VFM tokens [B,M,T]: prompts do not see prompts."""
        count = self.prompts + int(tokens.shape[1])
        mask = torch.zeros(count, count)
        mask[: self.prompts, : self.prompts] = self.masked
        return mask.to(tokens)

    def run(self, image: Tensor, contexts: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The pattern pᵢ [B,P,D] and the patch tokens [B,rows·cols,T] after each stage.

        `image` is normalised [B,3,H,W]; `contexts` are the four levels' tokens [B,hₗ·wₗ,D].
        """
        tokens = self.vfm.embed(image)
        mask = self.mask(tokens)
        patterns: list[Tensor] = []
        patches: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            queries = stage.prompt().expand(image.shape[0], -1, -1)
            if patterns:
                queries = queries + patterns[-1]
            prompts = stage.extraction(queries, contexts[index])
            sequence = self.vfm.run_stage(index, torch.cat((prompts, tokens), dim=1), mask)
            tokens = sequence[:, self.prompts :]
            patterns.append(stage.pattern(sequence[:, : self.prompts]))
            patches.append(tokens[:, 1:])
        return patterns, patches

    def forward(self, image: Tensor, contexts: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """The four patterns [B,P,D] and the VFM's features f₄ [B,rows·cols,D]."""
        patterns, patches = self.run(image, contexts)
        return patterns, self.features(patches[-1])
