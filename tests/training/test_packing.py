import torch

from enas_inr.training.packing import LeafPacking


def test_complex_leaves_after_an_odd_number_of_floats_are_views_as_well():
    """As those of a wavelet network of width 3, whose first layer is real."""
    leaves = {
        "real": torch.arange(9.0).view(1, 3, 3),
        "complex": torch.complex(torch.ones(1, 2), torch.arange(2.0)[None]),
        "bias": torch.full((1, 5), 2.0),
    }
    packing = LeafPacking.of(leaves)
    flat = packing.pack(leaves)
    assert packing.numbers == flat.numel() == 9 + 4 + 5
    views = packing.unpack(flat)
    assert set(views) == set(leaves)
    for name, leaf in leaves.items():
        torch.testing.assert_close(views[name], leaf, rtol=0, atol=0)
    flat.zero_()
    assert all(view.count_nonzero() == 0 for view in views.values())


def test_the_order_of_leaves_is_kept_where_complex_ones_begin_at_even_floats():
    leaves = {"real": torch.zeros(1, 4), "complex": torch.zeros(1, 3, dtype=torch.complex64)}
    assert list(LeafPacking.of(leaves).shapes) == list(leaves)
