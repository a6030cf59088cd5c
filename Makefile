# Every target sets up what it needs: a virtual environment in .venv with pinned packages.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# One thread per process: the tests run in parallel workers, and threads that meet several times a
# millisecond cost far more than they win when a core is busy.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

# Real data outside the repository, if it stands beside it.
ifneq ($(wildcard ../shared/data/mnist),)
export DEEPGLASS_DATA ?= $(abspath ../shared/data)
endif

# The arrays of arXiv:2007.08093, likewise.
ifneq ($(wildcard ../shared/reference/zou_huang_2021),)
export DEEPGLASS_REFERENCE ?= $(abspath ../shared/reference/zou_huang_2021)
endif

.PHONY: help demo figures figures-theory docs docs-test test test-slow lint bench package setup clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## virtual environment with pinned packages, editable install

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.11 ...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	touch $@

demo: $(READY)  ## train on real digits, predict the layers, overlay: results/demo/
	$(BIN)/python -m paper_figures demo --out results/demo --overwrite

figures: $(READY)  ## the measured figures from stored results, with their numbers: results/figures/
	$(BIN)/python -m paper_figures huang2025 --from-stored --out results/figures/huang2025 --overwrite
	$(BIN)/python -m paper_figures perceptron --from-stored --out results/figures/deep_perceptron --overwrite
	$(BIN)/python -m paper_figures yoshino2023 --from-stored --out results/figures/yoshino2023 --overwrite
	$(BIN)/python -m paper_figures kerr_winter2025 --from-stored --out results/figures/kerr_winter2025 --overwrite
	$(BIN)/python -m paper_figures zou_huang2021 --from-stored --out results/figures/zou_huang2021 --overwrite
	$(BIN)/python -m paper_figures own-networks --from-stored --out results/figures/own_networks --overwrite

figures-theory: $(READY)  ## the figures of the replica theory, PNG, PDF, CSV and checked numbers: results/figures/
	$(BIN)/python -m paper_figures yoshino2020 --from-stored --out results/figures/yoshino2020 --overwrite

# The figures of the replica theory take minutes the first time; what is drawn and still right is not drawn again.
# PAPERS=huang2025,own_networks: of the gallery only these.
docs: $(VENV)/.docs  ## the documentation as a site: results/docs/index.html
	$(BIN)/python docs/site/figures.py $(PAPERS)
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees \
	  $(if $(PAPERS),-D gallery_papers=$(PAPERS)) docs results/docs

docs-test: docs  ## the site in a real browser (chromium): pages, links, pictures, gallery, phone
	DEEPGLASS_SITE=results/docs $(BIN)/python -m pytest -m 'slow or not slow' tests/docs

$(VENV)/.docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

test: $(READY)  ## every test but the slow ones
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(READY)  ## the long physics too
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## speed of theory and machine, each beside the plain way
	$(BIN)/python -m benchmarks.theory
	$(BIN)/python -m benchmarks.simulate
	$(BIN)/python -m benchmarks.perceptron
	$(BIN)/python -m benchmarks.relu_networks
	$(BIN)/python -m benchmarks.classifiers

package: $(READY)  ## wheel and source distribution: dist/; make test-slow installs the wheel and runs the demo
	rm -rf build dist
	$(BIN)/python -m build
	rm -rf build

clean:  ## remove environment, caches and results
	rm -rf $(VENV) results build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
