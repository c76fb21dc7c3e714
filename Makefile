# Every target works on a fresh Debian machine that has python3 (3.11 or newer) with venv, make and git. Another Python: make test PYTHON=python3.12
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: help setup demo demo-prometheus run test proof check bench texts lock sbom clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

setup: $(STAMP) ## make .venv from the lock (the other targets do so by themselves)

demo: $(STAMP) ## 30 July 2021 in Rudrapur, in a minute, with and without dosekeeper; build/rudrapur.html is its page
	@mkdir -p build
	@$(BIN)/dosekeeper demo --json build/rudrapur.json --page build/rudrapur.html

demo-prometheus: $(STAMP) ## the same, watched by a Prometheus on port 9090 (apt install prometheus) that shows the outage; Ctrl-C ends it
	@$(BIN)/python deploy/prometheus/demo.py

run: $(STAMP) ## simulator on 8490, sidecar on 8480 and 8481, ready for curl; Ctrl-C ends both
	@exec 3< <(exec $(BIN)/dosekeeper-simulator --port 8490); trap "kill $$! 2>/dev/null || true" EXIT; \
	read -r ready <&3 || { echo "The simulator did not start; what it said is above. Next: see whether port 8490 is taken: ss -ltnp" >&2; exit 1; }; \
	echo "$$ready"; echo "$$TRY"; $(BIN)/dosekeeper serve

test: $(STAMP) ## all tests, one process for each core
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

proof: $(STAMP) ## every fault there is, in full (most of an hour); the result is written into docs/proof.md
	@$(BIN)/python -m tests.proof

check: $(STAMP) ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## the speed, against yardsticks measured in the same run, into bench/RESULTS.md (20 min; needs wrk; Redis if installed)
	@$(BIN)/python -m bench

texts: $(STAMP) ## bring proxy/texts up to the texts in the code, and compile it (what is still to be translated is named)
	@$(BIN)/python -m proxy.texts.catalogue

lock: $(STAMP) ## renew requirements.lock and requirements-dev.lock from pyproject.toml
	$(BIN)/pip-compile $(LOCKING) --output-file=requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCKING) --extra=dev --constraint=requirements.lock --output-file=requirements-dev.lock pyproject.toml

sbom: $(STAMP) ## what the product is made of, from the lock: dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json

clean: ## remove .venv, caches and build results; the journal in data/ stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew, not brought up to date: what left the lock leaves .venv too.
$(STAMP): requirements-dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Next: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dosekeeper needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Next: name a newer one, make test PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv here. Next: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements-dev.lock ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Nothing of the machine that renews the lock may stand in it: no index, no folder of wheels, no path.
LOCKING := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
export CUSTOM_COMPILE_COMMAND := make lock

define TRY

The sidecar stands in front of it. In another terminal, register a walk-in:

  curl -i http://127.0.0.1:8480/api/v2/vaccinator/beneficiaries/new -H 'x-api-key: demo-key' -H 'Content-Type: application/json' -d '{
    "name": "Lakshmi Nair", "birth_year": "1962", "gender_id": 2, "mobile_number": "9000000001",
    "photo_id_type": 1, "photo_id_number": "4821", "comorbidity_ind": "N", "consent_version": "1"}'

take the server away, register somebody else, look, and bring the server back:

  curl http://127.0.0.1:8491/_sim/faults -d '{"fault": "refuse"}'
  $(BIN)/dosekeeper status
  curl -X DELETE http://127.0.0.1:8491/_sim/faults

endef
export TRY
