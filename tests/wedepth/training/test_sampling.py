import numpy as np

from wedepth.training.sampling import Groups, draw_epoch

SOURCES = (
    Groups(0.6, tuple((n,) for n in range(10))),
    Groups(0.3, ((10, 11, 12, 13, 14, 15), (16,))),
    Groups(0.1, ((20,),)),
)


def test_an_epoch_follows_from_seed_and_number() -> None:
    first = draw_epoch(SOURCES, 100, 0, 0)
    assert np.array_equal(first, draw_epoch(SOURCES, 100, 0, 0))
    assert not np.array_equal(first, draw_epoch(SOURCES, 100, 0, 1))
    assert not np.array_equal(first, draw_epoch(SOURCES, 100, 1, 0))


def test_sources_have_their_shares_and_groups_come_in_rounds() -> None:
    drawn = draw_epoch(SOURCES, 100, 0, 0)
    counts = np.bincount(drawn, minlength=21)
    assert (counts[:10] == 6).all()
    assert counts[16] == 15 and counts[10:16].sum() == 15 and counts[20] == 10


def test_chances_are_weight_over_groups_over_frames() -> None:
    counts = sum(np.bincount(draw_epoch(SOURCES, 7, 0, epoch), minlength=21) for epoch in range(3000))
    shares = counts / counts.sum()
    assert np.abs(shares[:10] - 0.06).max() < 0.005
    assert np.abs(shares[10:16] - 0.15 / 6).max() < 0.005
    assert abs(shares[16] - 0.15) < 0.01 and abs(shares[20] - 0.1) < 0.01


def test_weights_need_not_add_up_to_one() -> None:
    drawn = draw_epoch((Groups(3.0, ((0,),)), Groups(1.0, ((1,),))), 8, 0, 0)
    assert np.bincount(drawn).tolist() == [6, 2]
