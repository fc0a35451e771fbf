"""Several processes as one run, under torchrun (RANK and WORLD_SIZE in the environment)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from wedepth.errors import WedepthError

# Only rank 0 validates; the others wait for it.
PATIENCE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among the others, and the device it computes on."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """The process that writes, prints and validates."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            dist.barrier()


def pick_device(name: str, local_rank: int = 0) -> torch.device:
    """`auto` is CUDA where there is one; asking for a CUDA that is not there is an error, never the CPU."""
    if name == "cuda" and not torch.cuda.is_available():
        raise WedepthError("There is no CUDA device here; leave --device out, or say --device cpu.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", local_rank)


@contextmanager
def ranks(device: str) -> Iterator[Ranks]:
    """The process group while it lasts; one process alone needs none."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    picked = pick_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if picked.type == "cuda":
        torch.cuda.set_device(picked)
    if world == 1:
        yield Ranks(0, 1, picked)
        return
    dist.init_process_group("nccl" if picked.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Ranks(dist.get_rank(), world, picked)
    finally:
        dist.destroy_process_group()
