import pytest
import torch

from wedepth.errors import WedepthError
from wedepth.training.distributed import pick_device, ranks


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_asking_for_a_cuda_that_is_not_there_is_an_error() -> None:
    assert pick_device("auto").type == "cpu"
    with pytest.raises(WedepthError, match="There is no CUDA device here"):
        pick_device("cuda")


def test_one_process_needs_no_group() -> None:
    with ranks("cpu") as alone:
        assert alone.first and alone.world == 1
        assert alone.total(torch.ones(2)).tolist() == [1, 1]
