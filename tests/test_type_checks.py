"""The annotations of the rooms of tensors are checked while tests run in `make shapes`."""

import pytest
import torch
from jaxtyping import TypeCheckError

from enas_inr.executors.trial import learning_curve
from enas_inr.model.layout import Layout
from enas_inr.reports.statistics import Estimate
from tests import type_checks

pytestmark = pytest.mark.skipif(not type_checks.ASKED, reason="for `make shapes`")


def test_a_wrong_number_of_axes_is_noticed_in_executors():
    with pytest.raises(TypeCheckError, match="repeats steps"):
        learning_curve(torch.zeros(3))


def test_a_wrong_number_of_axes_is_noticed_in_models():
    layout = Layout((4, 4), (2, 2), "centers")
    with pytest.raises(TypeCheckError, match="points axes"):
        layout.positions(torch.zeros(()))


def test_a_wrong_type_is_noticed_in_reports():
    with pytest.raises(TypeCheckError):
        Estimate.of(["many"])  # type: ignore[list-item]
    assert Estimate.of([1, 2]) is not None  # an int is a float
