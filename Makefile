# Everything works on a fresh clone: each target sets up .venv first (scripts/set_up.sh), nothing but python3 3.11+,
# git 2.38+ and make is needed, and nothing needs the network once .venv is there.
#
#   make demo      the main job, told step by step on a throw-away clone
#   make test      the tests, under three minutes  make quick   without the slow ones
#   make long      the long tests: floods, races, and the real programs that we work beside (make peers)
#   make peers     install those programs, as far as this machine allows; without them their tests are skipped
#   make check     format, lint, types, layers, docs
#   make bench     measure, and write docs/performance.md (BENCH='--quick' for a short look)
#   make docs      write the generated parts of the docs anew
#   make format    let ruff format the code
#   make clean     remove .venv and every cache

PYTHON ?= python3
BENCH ?=
TEST ?=
# Most tests wait for processes that they start: two workers for each processor keep it busy.
WORKERS ?= -n $(shell expr 2 '*' `getconf _NPROCESSORS_ONLN`) --dist worksteal
# Relative on purpose: a path with spaces must not reach make's own word splitting.
BIN := .venv/bin

# The tests make thousands of small repositories and throw them away: in memory, where there is room for them.
IN_MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 {print "TMPDIR=/dev/shm"}')
PYTEST := $(IN_MEMORY) $(BIN)/python -m pytest

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Each worker would take the tests apart for itself, in each run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick long peers check format docs bench clean

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@PYTHON='$(PYTHON)' sh scripts/set_up.sh

demo: setup
	@$(BIN)/python scripts/demo.py

test: setup
	@$(PYTEST) --collect-only -q -m 'not long' $(TEST) >/dev/null
	$(PYTEST) $(WORKERS) -m 'not long' $(TEST)

quick: setup
	$(PYTEST) $(WORKERS) -m 'not slow and not long' $(TEST)

long: setup
	$(PYTEST) $(WORKERS) -m long $(TEST)

peers: setup
	@sh scripts/peers.sh

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs.py --check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup
	$(BIN)/python scripts/docs.py

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf .venv .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
