"""No reader fails in another way than with one of our errors, whatever is in its input."""

from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enas_inr.plugins.catalog import load_catalog
from tests.fuzz.readers import hostile, readers, try_one

READERS = readers()
EXAMPLES = {"checkpoint": 2, "storage": 2, "mp4": 3, "mkv": 3}


@cache
def catalog():
    return load_catalog()


@pytest.mark.parametrize("name", READERS)
def test_hostile_inputs_are_read_or_refused(name, tmp_path_factory, monkeypatch):
    reader, folder = READERS[name], tmp_path_factory.mktemp("fuzz")
    monkeypatch.chdir(folder)
    (folder / "seeds").mkdir()
    seeds = reader.seeds(folder / "seeds")
    assert seeds or name == "avif"  # which not every Pillow writes

    @settings(
        max_examples=EXAMPLES.get(name, 8),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(number=st.integers(0, 2**32))
    def reads(number):
        random = Random(number)
        try_one(reader, hostile(reader, seeds, random), folder / "tried", catalog())

    if seeds:
        try_one(reader, seeds[0], folder / "tried", catalog())
        reads()
