# Two commands: `make demo` shows everything, `make test` tests everything that needs nothing but this machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
LIVE_AT_ONCE := $(if $(IPCC_LIVE_SWITCH),0,2)

.PHONY: setup demo up test check docs lock clean

setup: $(VENV)/.runtime

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	tools/need-python $(PYTHON)
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

demo: setup
	$(BIN)/ipcc demo $(ARGS)

up: setup
	$(BIN)/ipcc up $(ARGS)

# Formatting, lint, types, import contracts, then every test; says at the end which were skipped and why. Tests of the whole suite
# run one after the other: they start a dozen processes each and play calls in real time. Live tests run two at a time, for each has
# a simulated switch of its own, but one after the other where there is a real one. The files in which something fails are run once
# more by themselves, since a machine that is busy with something else misses their moments; both runs are shown.
test: $(VENV)/.dev
	tools/prepare-tests
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS) --ignore=tests/system --ignore=tests/live \
	  || $(BIN)/python -m pytest --last-failed $(ARGS) --ignore=tests/system --ignore=tests/live
	$(BIN)/python -m pytest $(ARGS) tests/system \
	  || $(BIN)/python -m pytest $(ARGS) $$(tools/failed-files tests/system)
	$(BIN)/python -m pytest -n $(LIVE_AT_ONCE) $(ARGS) tests/live \
	  || $(BIN)/python -m pytest $(ARGS) $$(tools/failed-files tests/live)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python -m tools.docs

lock: $(VENV)/.dev
	for part in runtime dev; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-emit-index-url --no-emit-trusted-host --strip-extras --allow-unsafe \
	    --output-file requirements/$$part.txt requirements/$$part.in; \
	done

clean:
	rm -rf $(VENV) var build *.egg-info
