from torch import nn

from wedepth.config import preset
from wedepth.network import build
from wedepth.training.modes import set_mode


def test_frozen_statistics_of_a_pretrained_encoder() -> None:
    network = build(preset("edge"))
    set_mode(network, network.encoder)
    norms = [m for m in network.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert all(norm.weight.requires_grad for norm in norms)
    assert network.encoder.training and network.heads.training and not network.prompted.vfm.training
    set_mode(network, None)
    assert all(norm.training for norm in norms)
    set_mode(network, network)
    assert not any(m.training for m in network.modules() if isinstance(m, nn.BatchNorm2d)) and network.heads.training
