# Each target is one command from a clean clone; it needs Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two workers on two cores: spinning OpenMP threads of one would starve the other (a fit took 76 s instead of 2).
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup
# The top-level folders have their import names only once installed; types and imports are checked there.
INSTALLED := .installed

# The graph has to run on every onnxruntime from this one on; artifacts outlive the machine that built them.
OLDEST_ONNXRUNTIME := 1.21.*

.PHONY: demo test test-long test-oldest lint types imports clean

demo: $(VENV)/demo.stamp
	$(BIN)/onnxtwin build examples/flights/recipes.py:arrives_late -o artifacts/flights/arrives_late
	$(BIN)/onnxtwin build examples/flights/recipes.py:arrival_delay -o artifacts/flights/arrival_delay

test: lint types imports
	$(PYTEST)

test-long: $(VENV)/dev.stamp
	$(PYTEST) -m long

test-oldest: .venv-oldest/dev.stamp
	OMP_NUM_THREADS=1 .venv-oldest/bin/pytest -n 2 --dist loadgroup --ignore tests/test_packaging.py

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	cd $(INSTALLED) && ../$(BIN)/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache -p onnxtwin

imports: $(INSTALLED)
	cd $(INSTALLED) && ../$(BIN)/lint-imports --config ../pyproject.toml --cache-dir ../.import_linter_cache

# Always made anew: setuptools leaves deleted files in its build folder.
.PHONY: $(INSTALLED)
$(INSTALLED): $(VENV)/dev.stamp
	rm -rf $(INSTALLED) .setuptools
	$(BIN)/pip install --quiet --no-deps --target $(INSTALLED) .

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "onnxtwin needs Python 3.11 or newer; say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml setup.py | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/dev.stamp: pyproject.toml setup.py | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

.venv-oldest/dev.stamp: pyproject.toml setup.py
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet --editable '.[dev]' 'onnxruntime==$(OLDEST_ONNXRUNTIME)'
	touch $@

clean:
	rm -rf $(VENV) .venv-oldest $(INSTALLED) .setuptools *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
