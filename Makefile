# All of these need Python 3.11 or newer and nothing else: each sets up .venv first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test dist test-dist test-services test-without-torch soak fuzz studies docs lint types rooms shapes check benchmark clean

help:
	@echo "make demo       search the best ensemble for a photograph, about two minutes on 2 cores"
	@echo "make test       run all tests"
	@echo "make test-services  run the tests with PostgreSQL and MariaDB, two minutes"
	@echo "make dist       wheels and source distributions of the project and of each plugin, in dist/"
	@echo "make test-dist  make them, install the wheels alone, and use them"
	@echo "make fuzz           hostile inputs for all readers, 20 minutes (SECONDS=60 for one)"
	@echo "make studies    the paper's tables and figures, reduced, each with a report: two minutes"
	@echo "make docs       the documentation as a site, in site/"
	@echo "make shapes     run the tests of tensors, and check the shapes and types of all arguments"
	@echo "make check      lint, types, the rooms' import rules, shapes, and all tests"
	@echo "make soak       kill commands 200 times at random moments: nothing may be lost, about 30 minutes"
	@echo "make benchmark  time our trainer against its alternatives"

# torch first, alone: with it in place, nothing that depends on it asks for another build of it.
$(READY): pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' \
		$(patsubst %/pyproject.toml,-e %,$(addprefix ./,$(wildcard plugins/*/pyproject.toml)))
	@touch $@

demo: $(READY)
	$(BIN)/enas-inr search sample:photo --size 96x112 --grid 8 --widths 16,32,64 --depths 1,2,3 \
		--strategy coordinate --no-racing --repeats 2 --storage demo-output/study.db -o demo-output

# In three processes on two cores, since the tests of a Ray cluster, which are all in one of them
# (see tests/conftest.py), mostly wait. With more threads than cores, those of torch wait for each
# other in every operation.
test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/python -m pytest -n 3

# Starts PostgreSQL and MariaDB itself, on loopback, with their data in temporary folders; what is
# missing of them is installed from Debian's packages if possible, and else left out.
test-services: export OMP_NUM_THREADS = 1
test-services: export ENAS_INR_TEST_SERVICES = 1
test-services: $(READY)
	tests/services/install.sh
	$(BIN)/python -m pytest tests/services -rs

# With nothing but Python and what builds packages. Each wheel is made from its source distribution.
dist: DISTS = .venv-dist/bin
dist:
	$(PYTHON) -m venv .venv-dist
	$(DISTS)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		build hatchling twine
	rm -rf dist
	@set -e; for folder in . $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)); do \
		$(DISTS)/python -m build --no-isolation --outdir dist $$folder > dist.log 2>&1 \
			|| { cat dist.log; exit 1; }; \
	done; rm -f dist.log
	$(DISTS)/twine check --strict dist/*

# The wheels, without this tree, on the dependencies that the environment has already.
test-dist: export OMP_NUM_THREADS = 1
test-dist: export ENAS_INR_TEST_DIST = $(CURDIR)/dist
test-dist: $(READY) dist
	$(BIN)/python -m pytest tests/distribution -rs

# Hostile inputs for all readers, for 20 minutes by default; `make fuzz SECONDS=60` for one.
SECONDS ?= 1200
fuzz: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.campaign --seconds $(SECONDS)

# For a Python without a small build of torch, such as `PYTHON=python3.13`: whatever needs torch is
# skipped (see tests/conftest.py).
test-without-torch:
	$(PYTHON) -m venv .venv-light
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
		| grep -v '^torch' > .venv-light/requirements.txt
	.venv-light/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-r .venv-light/requirements.txt beartype hatchling hypothesis pytest pytest-xdist ruff
	.venv-light/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	.venv-light/bin/python -m pytest -n 2 --ignore tests/executors/ray tests

# Beside other programs it takes longer. Fewer kills: make soak KILLS=20
soak: KILLS = 200
soak: $(READY)
	$(BIN)/python -m tests.soak.kills --kills $(KILLS)

# Each file for itself, as a user would; what they share is trained once.
studies: $(READY)
	@set -e; for file in studies/*.toml; do \
		name=$$(basename $$file .toml); \
		$(BIN)/enas-inr study run $$file --quick --quiet --storage studies-quick/study.db -o studies-quick/$$name; \
	done

# NO_MKDOCS_2_WARNING silences a remark of the theme's about other versions of MkDocs.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open site/index.html"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

rooms: $(READY)
	$(BIN)/lint-imports

# The annotations of the rooms of tensors are checked at every call (see tests/type_checks.py).
shapes: export ENAS_INR_TEST_SHAPES = 1
shapes: export OMP_NUM_THREADS = 1
shapes: $(READY)
	$(BIN)/python -m pytest -n 2 --ignore tests/executors/ray tests/test_type_checks.py \
		tests/test_derivatives.py $(addprefix tests/,signals backbones training executors model reports)

check: lint types rooms shapes test

benchmark: $(READY)
	$(BIN)/python benchmarks/training.py

clean:
	rm -rf $(VENV) .venv-light .venv-dist demo-output dist dist.log studies-quick site
