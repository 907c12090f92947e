# Two commands for a fresh machine: `make demo` and `make test`. The rest is for those who work on it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CATALOG ?=
EVENTS ?=
CURRENCY ?=
PORT ?= 8000
PYTEST_ARGS ?=
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo test audit check fix docs docs-check fuzz chaos bench bench-quality clean install install-dev

$(VENV)/base: pyproject.toml scripts/install.sh
	PYTHON=$(PYTHON) sh scripts/install.sh $(VENV) minilm
	@touch $@

$(VENV)/dev: $(VENV)/base
	PYTHON=$(PYTHON) sh scripts/install.sh $(VENV) minilm,postgres,bench,tracking,media,dev
	@touch $@

install: $(VENV)/base
install-dev: $(VENV)/dev

demo: $(VENV)/base
	$(BIN)/recsys demo --port $(PORT) $(if $(CATALOG),--catalog $(CATALOG)) $(if $(EVENTS),--events $(EVENTS)) \
		$(if $(CURRENCY),--currency $(CURRENCY))

test: $(VENV)/dev
	sh scripts/system-packages.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Known advisories and secrets. Without a network it says what it could not ask; AUDIT_ARGS=--strict fails then.
AUDIT_ARGS ?=
audit: $(VENV)/dev
	$(BIN)/python -m tests.audit $(AUDIT_ARGS)

check: $(VENV)/dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

fix: $(VENV)/dev
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

$(VENV)/docs: $(VENV)/base
	PYTHON=$(PYTHON) sh scripts/install.sh $(VENV) minilm,docs
	@touch $@

# The site, into build/site; a link or a name that leads nowhere fails.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "python -m http.server --directory build/site 8001   shows it, with its search"

# Every block of the pages that no comment excludes, against a real service; a part of `make test`.
# WRITE=1 puts what was printed into the pages where it differs.
WRITE ?=
docs-check: $(VENV)/dev
	WRITE=$(WRITE) $(BIN)/python -m pytest tests/docs/test_walk.py

# At least 10,000 made requests over the whole API, 10 minutes; EXAMPLES=20 looks quickly.
EXAMPLES ?= 300
fuzz: $(VENV)/dev
	PATH="$(abspath $(BIN)):$$PATH" sh scripts/fuzz-api.sh workspace-fuzz $(EXAMPLES)

# Every fault case, 51 minutes on two cores; CASES=S1,D6 runs some. Some need Linux, D6 the right to mount.
CASES ?=
chaos: $(VENV)/dev
	$(BIN)/python -m tests.chaos --page docs/reliability.md $(if $(CASES),--only $(CASES))

$(VENV)/bench: $(VENV)/base
	PYTHON=$(PYTHON) sh scripts/install.sh $(VENV) minilm,bench
	@touch $@

# What was measured stays in workspace-bench, RESUME=1 goes on from there.
RESUME ?=
bench: $(VENV)/bench
	sh scripts/bench-packages.sh
	$(BIN)/recsys bench --page docs/performance.md $(if $(RESUME),--resume)

DATA ?= ../shared/data
bench-quality: $(VENV)/dev
	$(BIN)/python -m tests.benchmarks.search_vs_bm25
	for folder in $(wildcard $(DATA)/*/); do $(BIN)/python -m tests.benchmarks.plain_method --data $$folder || exit 1; done

clean:
	rm -rf $(VENV) workspace workspace-bench workspace-chaos workspace-fuzz .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build dist
