# A thin door: every target runs a command that you can also type yourself (see CONTRIBUTING.md).
#
#   make lab              open the course in JupyterLab          (ARGS=--headless prints the URL only)
#   make test             everything that CI runs                (JOBS=4 for more at once)
#   make test-long        the suite with what it leaves to the night (nightly.yml runs it)
#   make coverage         how much of core and grade the tests reach   (nightly.yml runs it)
#   make build            write the notebooks from their text    (ARGS="04_micrograd" for one)
#   make bench            how fast are checks, and the GPTs?     (ARGS="--only gpt" for one half)
#   make setup            only make .venv; the others do it themselves
#
# PYTHON=/path/to/python chooses another Python than the one that is found (3.11 to 3.13).

VENV ?= .venv
JOBS ?= 2
BIN = $(VENV)/bin
# The notebooks that train longest first, so that none of them is left running alone at the end.
LONGEST = $(foreach module,07 08 10 09,$(wildcard solutions/$(module)_*/*.ipynb))
NOTEBOOKS = $(LONGEST) $(filter-out $(LONGEST),$(wildcard solutions/*/*.ipynb))
STAMP = $(VENV)/.setup-done
# Linux wheels on PyPI bring gigabytes of CUDA; the CPU's are here. Where it can't be reached, pip
# goes on with PyPI or whatever index it is configured for.
TORCH_CPU = --extra-index-url https://download.pytorch.org/whl/cpu

.PHONY: help setup lab test test-long coverage build bench

help:
	@sed -n 's/^#   //p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'; \
	python="$(PYTHON)"; lame=; \
	if [ -n "$$python" ] && ! $$python -c "$$fits" 2>/dev/null; then \
	  found=$$($$python --version 2>/dev/null) || found="no Python that runs"; \
	  echo "PYTHON=$$python is $$found: name Python 3.11, 3.12 or 3.13." >&2; \
	  exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
	  for name in python3 python3.12 python3.13 python3.11; do \
	    $$name -c "$$fits" 2>/dev/null || continue; \
	    if $$name -c 'import ensurepip, venv' 2>/dev/null; then python=$$name; break; fi; \
	    lame=$$name; \
	  done; \
	fi; \
	if [ -z "$$python" ] && [ -n "$$lame" ]; then \
	  echo "$$lame can't make environments. On Debian or Ubuntu: sudo apt install python3-venv" >&2; \
	  exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it with PYTHON=..." >&2; \
	  exit 1; \
	fi; \
	$(BIN)/python -c "import pip; $$fits" >/dev/null 2>&1 || { \
	  echo "Making $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV) || exit 1; \
	}
	@echo "Installing PyTorch (about 200 MB, once)"
	@torch=$$(sed -n 's/^\(torch==[^ ;]*\).*/\1/p' requirements.lock); \
	if [ "$$(uname -s)" = Linux ]; then \
	  $(BIN)/python -m pip install -q --no-deps --retries 0 --timeout 20 $(TORCH_CPU) $$torch \
	    || $(BIN)/python -m pip install -q --no-deps $$torch; \
	else \
	  $(BIN)/python -m pip install -q --no-deps $$torch; \
	fi
	@echo "Installing JupyterLab, nbgrader and the course"
	@$(BIN)/python -m pip install -q -c requirements.lock -e ".[dev]"
	@touch $(STAMP)

lab: setup
	@$(BIN)/speedrun lab $(ARGS)

test: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/speedrun build --check
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
	@printf '%s\n' $(NOTEBOOKS) | xargs -P $(JOBS) -n 1 sh -c ' \
	  home=$$(mktemp -d) && \
	  OMP_NUM_THREADS=1 SPEEDRUN_HOME="$$home" $(BIN)/python -m pytest --nbval --nbval-kernel-startup-timeout 300 "$$1"; \
	  code=$$?; rm -rf "$$home"; exit $$code' nbval

test-long: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --long

coverage: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS) --cov

build: setup
	@$(BIN)/speedrun build $(ARGS)

bench: setup
	@$(BIN)/python -m tools.bench $(ARGS)
