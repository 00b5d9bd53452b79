# Every target sets up what it needs; a bare clone, Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Without cached bytecode each process of the stack compiles its imports: four seconds a process.
unexport PYTHONDONTWRITEBYTECODE
READY := $(VENV)/.ready
KAFKA_POM := infra/kafka/apache/pom.xml
KAFKA_JARS := build/apache-kafka
# One process more than cores: a third of a test of the stack is waiting. In their order, so that
# the short unit tests come last and fill what is left.
AT_ONCE := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist loadfile --no-loadscope-reorder
KAFKA_TESTS := tests/contract/test_kafka_topics.py tests/contract/test_broker_contract.py \
  tests/integration/test_main_job.py tests/integration/test_failures.py \
  tests/integration/test_broker_restart.py $(wildcard tests/soak)

.PHONY: help docs setup demo up test test-destructive test-all test-kafka kafka bench lint lock tracker clean

help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install into .venv (the other targets do it by themselves)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Daehwa needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$$(sed -n 's/^# uv //p' requirements.lock)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

demo: setup ## start everything, a shop, shoppers and real purchase histories
	@exec $(BIN)/daehwa up --demo

up: setup ## start everything, empty; data is kept in .daehwa
	@exec $(BIN)/daehwa up --data .daehwa

lint: setup ## style, types and the dependency rule
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

test: setup lint ## lint and the tests of every day, under six minutes on two cores
	@$(BIN)/python -m pytest $(AT_ONCE) -m "not slow and not destructive"

test-destructive: setup ## kill parts in more ways than every day (CI runs this too)
	@$(BIN)/python -m pytest $(AT_ONCE) -m "destructive and not slow"

# The embedded broker slows with every batch it has taken: 100,000 fuzzed bodies want Apache Kafka.
FUZZ := tests/integration/test_fuzz.py
FUZZED := $(if $(shell command -v mvn),apache,$(DAEHWA_EMBEDDED_KAFKA))

test-all: setup lint $(if $(filter apache,$(FUZZED)),kafka) ## every test, the laws on 20,000 histories each
	@HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest $(AT_ONCE) tests/unit
	@HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest --ignore tests/unit --ignore $(FUZZ)
	@DAEHWA_EMBEDDED_KAFKA=$(FUZZED) $(BIN)/python -m pytest $(FUZZ)

kafka: $(KAFKA_JARS)/.ready ## fetch Apache Kafka (needs Java 17 and Maven)

$(KAFKA_JARS)/.ready: $(KAFKA_POM)
	@command -v java >/dev/null && command -v mvn >/dev/null \
	  || { echo "Apache Kafka needs Java 17 or newer and Maven on the PATH"; exit 2; }
	@rm -rf $(KAFKA_JARS)
	@mvn --quiet --batch-mode --no-transfer-progress --file $(KAFKA_POM) \
	  dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(KAFKA_JARS)
	@touch $@

test-kafka: setup kafka ## the promises on Apache Kafka: broker contract, whole stack, soak
	@DAEHWA_EMBEDDED_KAFKA=apache $(BIN)/python -m pytest -k "not tansu" $(KAFKA_TESTS)

bench: setup $(if $(filter apache,$(KAFKA)),kafka) ## JSON lines; BENCH=fold,latency picks by the beginning of the name, KAFKA=apache the broker
	@DAEHWA_EMBEDDED_KAFKA=$(or $(KAFKA),$(DAEHWA_EMBEDDED_KAFKA)) $(BIN)/python -m bench $(BENCH)

lock: setup ## renew both lock files from pyproject.toml
	@version=$$($(BIN)/uv --version | cut -d' ' -f2); \
	 { echo "# uv $$version"; $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --all-extras pyproject.toml; } > requirements.lock.new \
	 && mv requirements.lock.new requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --constraint requirements.lock --output-file requirements-production.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --constraint requirements.lock --group docs --output-file requirements-docs.lock

docs: setup ## build the site of the documentation into build/site; a broken link is an error
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-docs.lock
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict --quiet

ESBUILD := tests/e2e/browser/node_modules/.bin/esbuild
TRACKER ?= api/tracker/daehwa.min.js

tracker: $(ESBUILD) ## build the tracker anew from api/tracker/source (needs Node)
	@$(ESBUILD) api/tracker/source/daehwa.js --bundle --minify --target=es2017 --format=iife \
	  --log-level=warning --outfile=$(TRACKER)

$(ESBUILD):
	@npm ci --silent --prefix tests/e2e/browser

clean: ## remove what the other targets made
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis node_modules
