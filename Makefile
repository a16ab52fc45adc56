# `make demo` and `make test` set everything up on first use: Python 3.11, make, g++ and perl are
# all that has to be there. `make HELP` is this file: targets setup, demo, lint, test, docs, lock, clean.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# uv does not read pip's variable for a folder of wheels (a CPU build of torch, say): pass it on.
UV     := UV_FIND_LINKS="$${UV_FIND_LINKS:-$(PIP_FIND_LINKS)}" $(BIN)/uv
PYTEST_ARGS ?=
DEMO_ARGS ?=
LOCK_ARGS ?=

.PHONY: setup demo lint test docs lock clean
setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("hw_bnn needs Python 3.11 (finn-plus supports no later one); this is %d.%d: run make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info[:2] != (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'uv>=0.5,<1'
	$(UV) pip install --python $(BIN)/python --quiet -r requirements.lock --override requirements.override
	$(UV) pip install --python $(BIN)/python --quiet --no-deps -e .
	@touch $@

demo: setup
	$(BIN)/hw-bnn demo $(DEMO_ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python rtl_tests/lint.py

test: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# The documentation as pages, in site/; to read: python3 -m http.server -d site
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The lock names versions only: no index, no host, no local label. What is locked already stays as
# it is where pyproject.toml allows it; `make lock LOCK_ARGS=--upgrade` takes the newest of all.
lock:
	grep -v '^torch==' requirements.lock > requirements.lock.new  # a local label may stand there
	$(UV) pip compile --python $(BIN)/python --quiet --extra test --override requirements.override \
	  --no-header --no-emit-index-url --no-emit-find-links --no-annotate $(LOCK_ARGS) \
	  --output-file requirements.lock.new pyproject.toml
	sed -i 's/+cpu$$//' requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:
	rm -rf $(VENV) build dist site *.egg-info
