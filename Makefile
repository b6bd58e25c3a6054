# Two commands on a fresh machine: make run, make test. Everything else is for developers.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start some hundred processes: each module is compiled for all of them, and not by each.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test check format lock bench bench-page screenshots fuzz audit release simulate clean

help:
	@echo "make run    set everything up and start the demo; it prints the address to open"
	@echo "            (make run PORT=0 takes any free port instead of 8000)"
	@echo "make test   set everything up and run the whole test suite"
	@echo "make check  linters, types, import rules"
	@echo "make bench  measure, bounded and on loopback"
	@echo "make bench-page  measure everything, on a quiet machine, into docs/benchmarks.md"
	@echo "make screenshots  take the pictures of every page of the console anew"
	@echo "make fuzz   try every parser with inputs chosen by the code they reach, SECONDS=5 each"
	@echo "make audit  ask what is known against the locked dependencies (asks the outside)"
	@echo "make release KEY=...  wheel, source, SBOM, checksums, signed by an SSH key, into dist/"
	@echo "make simulate SEEDS=10000  try to break it: many simulated companies, on all cores"
	@echo "            (make simulate SEED=123 replays one; STEPS=, VERBOSE=1)"
	@echo "make lock   renew the locked dependencies"

run: $(VENV)/.ready-to-run
	@$(BIN)/consentry demo $(if $(PORT),--port $(PORT))

test: $(VENV)/.ready-to-test
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
	  --cov=consentry.domain --cov=consentry.wire --cov=consentry.actions --cov-branch \
	  --cov-fail-under=100 --cov-report=term-missing:skip-covered

check: $(VENV)/.ready-to-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/mypy bench/*.py
	$(BIN)/lint-imports
	$(BIN)/complexipy src -q

format: $(VENV)/.ready-to-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready-to-test
	@$(BIN)/consentry bench

bench-page: $(VENV)/.ready-to-test
	mkdir -p var
	$(BIN)/consentry bench --json > var/bench.json
	$(BIN)/consentry bench --grow 20000000 --json > var/growth.json
	$(BIN)/python docs/write_benchmarks.py var/bench.json var/growth.json

screenshots: $(VENV)/.ready-to-test
	CONSENTRY_SCREENSHOTS=docs/images/console $(BIN)/python -m pytest -q tests/e2e/test_console_axe.py

fuzz: $(VENV)/.ready-to-fuzz
	@$(BIN)/python tests/fuzz_by_coverage.py --seconds $(or $(SECONDS),5)

audit: $(VENV)/.ready-to-test
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes $(AUDIT) -r requirements-image.lock || { \
	  echo "make audit: NOT passed. A library that is named with an advisory: change it in pyproject.toml," >&2; \
	  echo "then make lock and make test. One that could not be asked about: nothing was audited. Run it on" >&2; \
	  echo "a machine that reaches the advisories; AUDIT='--vulnerability-service osv' asks another source." >&2; \
	  exit 1; }

release: $(VENV)/.ready-to-test
	@$(BIN)/python deploy/build_release.py $(if $(KEY),--key $(KEY))

simulate: $(VENV)/.ready-to-test
	@$(BIN)/python tests/simulation/simulate.py $(if $(SEED),--seed $(SEED)) \
	  $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) \
	  $(if $(STEPS),--steps $(STEPS)) $(if $(VERBOSE),--verbose)

lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group build -c requirements.lock --universal --generate-hashes --no-header -q -o requirements-run.lock
	uv pip compile pyproject.toml --extra oidc --extra otel -c requirements.lock --universal --generate-hashes --no-header -q -o requirements-image.lock
	uv pip compile --group pyproject.toml:fuzz -c requirements.lock --universal --generate-hashes --no-header -q -o requirements-fuzz.lock

clean:
	rm -rf $(VENV) var

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which to use: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then uv venv -q --clear --python "$$(command -v $(PYTHON))" $(VENV); \
	else $(PYTHON) -m venv --clear $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }; fi
	@touch $@

# The package itself is installed last, without looking anything up: what builds it is locked too.
define install
	@echo "Setting up ($(1)) ..."
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install -q --python $(BIN)/python --require-hashes -r $(1) && \
	  uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install -q --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@
endef

$(VENV)/.ready-to-run: $(VENV)/.made requirements-run.lock pyproject.toml
	$(call install,requirements-run.lock)

$(VENV)/.ready-to-test: $(VENV)/.made requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $(VENV)/.ready-to-run

$(VENV)/.ready-to-fuzz: $(VENV)/.ready-to-test requirements-fuzz.lock
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python --require-hashes -r requirements-fuzz.lock; \
	else $(BIN)/python -m pip install -q --require-hashes -r requirements-fuzz.lock; fi
	@touch $@
