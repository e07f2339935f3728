"""Check the package's annotations in `make shapes`: shapes by jaxtyping, the rest by beartype."""

import os

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as for mypy

ASKED = bool(os.environ.get("ENAS_INR_TEST_SHAPES"))
