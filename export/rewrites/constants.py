"""What does not depend on the image is computed once."""

from torch import Tensor, nn

from wedepth.network import WEDepth
from wedepth.prompts import SpectralPrompt


class Constant(nn.Module):
    """A module without input whose value is known."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value.detach())

    def forward(self) -> Tensor:
        return self.value


def fold_prompts(network: WEDepth, size: tuple[int, int]) -> None:
    for stage in network.prompted.stages:
        if isinstance(stage.prompt, SpectralPrompt):
            stage.prompt = Constant(stage.prompt())


def fold_positions(network: WEDepth, size: tuple[int, int]) -> None:
    vfm = network.prompted.vfm
    grid = vfm.patches(size)
    vfm.pos_embed = nn.Parameter(vfm.positions(grid).detach(), requires_grad=False)
    vfm.grid = grid
