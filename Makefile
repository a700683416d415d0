# The two commands a newcomer needs: `make demo` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PO := $(shell find src -name '*.po' 2>/dev/null)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: install ## Watch a whole storm: a real service breaks, is contained, rolled back and explained
	@BONANCA_HOME="$${BONANCA_HOME:-$$PWD/.bonanca-demo}" exec $(BIN)/bonanca demo $(ARGS)

.PHONY: test
test: install-dev ## Install what tests need, then lint, types, architecture, translations and every test
	@scripts/test-needs
	@exec scripts/checks

.PHONY: chaos
chaos: install-dev ## Kill processes in the middle of 500 rollbacks and 100 restores; report in build/chaos
	@scripts/test-needs
	@exec $(BIN)/python -m tests.chaos $(ARGS)

.PHONY: bench
bench: install-dev ## Measure beside pgBackRest and pg_restore on 1.5 GB; report in build/bench (ARGS="--scale 5")
	@scripts/test-needs
	@exec $(BIN)/python -m bench $(ARGS)

.PHONY: up
up: install ## Run Bonança itself on this machine (data in .bonanca, or BONANCA_HOME)
	@BONANCA_HOME="$${BONANCA_HOME:-$$PWD/.bonanca}" exec $(BIN)/bonanca up $(ARGS)

.PHONY: install
install: ## Make .venv with what running needs, pinned and hashed
	@scripts/venv requirements.lock
	@$(MAKE) -s --no-print-directory .venv/.translations

.PHONY: install-dev
install-dev: ## Make .venv with what developing and testing needs
	@scripts/venv requirements-dev.lock
	@$(MAKE) -s --no-print-directory .venv/.translations

.venv/.translations: $(PO)
	@$(BIN)/python -m bonanca.ui.translations compile
	@touch $@

.PHONY: translations
translations: install ## Compile the translations and check that both languages are complete
	@$(BIN)/python -m bonanca.ui.translations compile
	@$(BIN)/python -m bonanca.ui.translations check

.PHONY: screens
screens: install-dev ## Render every page of a finished demo in headless Chromium into screens/
	@scripts/test-needs
	@scripts/screens $(or $(ARGS),screens)

.PHONY: reference
reference: install ## Write docs/reference/commands.md and events.md from the code itself
	@$(BIN)/python -m bonanca.cli.reference
	@$(BIN)/python -m tests.docs.event_page

.PHONY: fmt
fmt: install-dev ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: lint
lint: install-dev ## Everything that `make test` checks, but the tests
	@exec scripts/checks lint

.PHONY: lock
lock: install-dev ## Renew both lock files from pyproject.toml
	@exec scripts/lock

.PHONY: clean
clean: ## Remove .venv, data of runs from this folder, caches
	rm -rf .venv .bonanca .bonanca-demo build screens .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
