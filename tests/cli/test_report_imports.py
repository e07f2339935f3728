"""What a report imports: a machine that only reads studies need not wait for more."""

import pytest
from pydantic import JsonValue

from enas_inr.spec import Choice
from enas_inr.studies.store import Store
from enas_inr.testing.lookup import lookup_space
from tests.command_line import modules_after
from tests.studies.stored import SPEC, complete

HEAVY = {"torch", "ray", "pandas"}


@pytest.mark.parametrize(
    ("strategy", "form"),
    [
        ("exhaustive", "html"),
        ("exhaustive", "csv"),
        ("exhaustive", "md"),
        ("optuna", "html"),
        ("coordinate", "html"),
    ],
)
def test_neither_torch_nor_pandas(strategy, form, tmp_path):
    options: dict[str, JsonValue] = {"batch": 2} if strategy == "optuna" else {}
    spec = SPEC.model_copy(update={"strategy": Choice(name=strategy, options=options)})
    with Store("s", spec, str(tmp_path / "s.db")) as store:
        store.keep_space(lookup_space({"width": (4, 8, 16), "depth": (1, 2)}, 10**9))
        store.add(complete(0))
        store.add(complete(1, width=8))
    command = ["report", "s", "--storage", "s.db", "-o", f"s.{form}"]
    modules = modules_after(*command, cwd=tmp_path)
    assert (tmp_path / f"s.{form}").stat().st_size
    assert not HEAVY & {module.partition(".")[0] for module in modules}
