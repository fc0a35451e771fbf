"""The network itself in PyTorch: the reference that every artifact is held against."""

import numpy as np
import torch
from numpy.typing import NDArray

from runtimes.errors import DeviceUnavailable
from wedepth.network import MEAN, STD, WEDepth


def find(device: str) -> str:
    """Torch's name of a device; DeviceUnavailable where it has none."""
    if device == "npu" or (device == "gpu" and not torch.cuda.is_available()):
        raise DeviceUnavailable(f"torch has no {device.upper()} here")
    return torch.cuda.get_device_name() if device == "gpu" else "cpu"


class TorchSession:
    """The network in eager mode, fp32; takes and gives what an artifact does: [1,3,H,W] 0…255 → [1,1,H,W] metres."""

    runtime = "torch"

    def __init__(self, network: WEDepth, device: str = "cpu") -> None:
        find(device)
        self.device = device
        self._torch_device = torch.device("cuda" if device == "gpu" else "cpu")
        self._network = network.eval().to(self._torch_device)
        self._mean = torch.tensor(MEAN, device=self._torch_device).reshape(1, 3, 1, 1)
        self._std = torch.tensor(STD, device=self._torch_device).reshape(1, 3, 1, 1)

    @torch.inference_mode()
    def run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """[1,3,H,W], 0…255 → [1,1,H,W] in metres."""
        pixels = torch.from_numpy(image).to(self._torch_device)
        return self._network((pixels / 255 - self._mean) / self._std).cpu().numpy()

    def placed(self, image: NDArray[np.float32]) -> None:
        """Torch computes where its tensors are, or raises."""
