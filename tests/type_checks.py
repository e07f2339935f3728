"""Check the package's annotations in tests: shapes by jaxtyping, the rest by beartype."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as for mypy
