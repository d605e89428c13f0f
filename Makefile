# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.11+, make and a C++ compiler; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: audit chaos soak engines fuzz demo test test-all format lint types imports docs reference lock clean bench polite peers

demo: $(STAMP)  ## the whole chain on a generated web, offline: shards, report, a short training run
	$(BIN)/weft demo

test: $(STAMP) lint imports types  ## what CI runs
	$(BIN)/pytest -m "not slow" -n $(or $(JOBS),2) --dist loadgroup

test-all: $(STAMP)
	$(BIN)/pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff format .

imports: $(STAMP)
	$(BIN)/lint-imports --no-cache

types: $(STAMP)  ## the public API
	$(BIN)/basedpyright --level error

reference: $(STAMP)  ## the reference pages, from the code
	$(BIN)/python -m weft.reference

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site  # the theme advertises its successor as a warning

bench: peers  ## everything measured beside its peers, which are installed first: hours; `weft bench WHAT` measures one thing
	WEFT_PEERS=$$(echo .peers/bench/lib/python*/site-packages) $(BIN)/weft bench

polite: $(STAMP)  ## 100,000 requests judged by the server's log
	$(BIN)/python -m benchmarks.fetch --only polite --polite 100000

peers: $(STAMP)  ## other projects, each in an environment of its own: readers for tests, which skip without them, and what `weft bench` measures beside
	$(BIN)/uv venv -q --allow-existing .peers/bench && $(BIN)/uv pip install -q --python .peers/bench/bin/python datatrove img2dataset readability-lxml rensa spacy trafilatura
	$(BIN)/uv venv -q --allow-existing .peers/datatrove && $(BIN)/uv pip install -q --python .peers/datatrove/bin/python 'datatrove[io,processing]' spacy  # the versions that it pins
	$(BIN)/uv venv -q --allow-existing .peers/webdataset1 && $(BIN)/uv pip install -q --python .peers/webdataset1/bin/python 'webdataset>=1.0'
	$(BIN)/uv venv -q --allow-existing .peers/energon && $(BIN)/uv pip install -q --python .peers/energon/bin/python 'megatron-energon>=7,<8'
	$(BIN)/uv venv -q --allow-existing .peers/nemo && $(BIN)/uv pip install -q --python .peers/nemo/bin/python 'nemo-curator>=1.4,<2' pillow

engines: $(STAMP)  ## Prism, Spark and Flink for tests/runners, into .engines; needs Java, Maven and Go, and leaves out what cannot be had
	deploy/engines.sh .engines

chaos: $(STAMP)  ## hundreds of kills, every failing call, 300 poisoned pages: hours; the fast tests hold short forms
	$(BIN)/python -m tests.faults.kills --kills 300
	$(BIN)/python -m tests.faults.kills --kills 60 --workers 2
	$(BIN)/python -m tests.faults.io
	$(BIN)/python -m tests.faults.poison --each 30
	$(BIN)/python -m tests.faults.object_store
	$(BIN)/python -m tests.faults.disk
	$(BIN)/python -m tests.faults.race
	$(BIN)/python -m tests.faults.mutate

soak: $(STAMP)  ## memory of 100 times the input, and a web of which one site has half: half an hour
	$(BIN)/python -m tests.faults.soak

fuzz: $(STAMP)  ## every parser of strangers' bytes for SECONDS (default 3600) each
	$(BIN)/python -m tests.fuzz all --ledger --seconds $(or $(SECONDS),3600)
	$(BIN)/python -m tests.fuzz.ledger

audit: $(STAMP)  ## known vulnerabilities of what requirements.lock names; says so where no service can be asked
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python .ci/audit.py

lock: $(STAMP)  ## after a change in setup.py
	$(BIN)/uv pip compile -q setup.py --extra dev --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --no-emit-package fasttext-predict -o requirements.lock

$(STAMP): requirements.lock setup.py $(wildcard pipelines/web/markup/*.h pipelines/web/markup/*.cpp)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --compile-bytecode --no-deps --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	touch $(STAMP)

clean:
	rm -rf $(VENV) demo-run build dist *.egg-info site
