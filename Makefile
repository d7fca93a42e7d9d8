PYTHON ?= python3
PROFILE ?= offline
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export ROUTE_SWITCH_PROFILE = $(PROFILE)
export LITELLM_LOCAL_MODEL_COST_MAP = True

.PHONY: help install demo up test lint synth invoke bench lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: .venv/.installed

.venv/.installed: pyproject.toml .requirements/dev.txt .requirements/uv.txt infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"route-switch needs Python 3.11 or newer; $(PYTHON) is {v.major}.{v.minor}. Run: make install PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .requirements/uv.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r .requirements/dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	rm -rf .build/emulator
	$(BIN)/uv pip install -q --python $(BIN)/python --target .build/emulator --no-deps --require-hashes -r infra/local/requirements.txt
	@touch $@

lock:  ## lock every requirements file anew, with hashes and without addresses
	$(LOCK) pyproject.toml --all-extras --group dev -o .requirements/dev.txt
	echo uv | $(LOCK) - -c .requirements/dev.txt -o .requirements/uv.txt
	$(LOCK) pyproject.toml -c .requirements/dev.txt -o layers/dependencies/requirements.txt
	$(LOCK) layers/offline/requirements.in --no-deps -c .requirements/dev.txt -o layers/offline/requirements.txt
	$(LOCK) infra/local/requirements.in --no-deps -o infra/local/requirements.txt
