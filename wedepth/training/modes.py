"""Which parts of the network behave as in training while it is trained."""

from torch import nn

from wedepth.network import WEDepth


def set_mode(network: WEDepth, frozen_norms: nn.Module | None) -> None:
    """Training mode, but for the frozen VFM and the statistics of the BatchNorms within `frozen_norms`.

    Those of a pretrained encoder are of a million images; a batch of eight would only blur them. Scale and offset of
    every norm are trained.
    """
    network.train()
    network.prompted.vfm.eval()
    for module in frozen_norms.modules() if frozen_norms is not None else ():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
