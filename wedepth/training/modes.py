"""Which parts of a network learn, and which only compute."""

from torch import nn

from wedepth.network import WEDepth


def set_mode(network: WEDepth, frozen_norms: bool) -> None:
    """Training mode, but for the frozen VFM and, with `frozen_norms`, the statistics of the encoder's BatchNorms.

    Those of a pretrained encoder are of a million images; a batch of eight would only blur them. Their scale and
    offset are trained.
    """
    network.train()
    network.prompted.vfm.eval()
    if frozen_norms:
        for module in network.encoder.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
