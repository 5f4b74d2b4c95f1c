# The two main commands are `make run` and `make test`; see README.md.
# Needs only make and Python >= 3.11 with venv and pip.
.DEFAULT_GOAL := help
.PHONY: help run test lint format types imports migrations messages pytest pictures lock proof clean

PYTHON ?= python3
PY := .venv/bin/python
BOOTSTRAP := $(PYTHON) lastmile/embedded/bootstrap.py
TEST_ENV := DJANGO_SETTINGS_MODULE=lastmile.settings_test

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile

run: ## start everything with the demo on http://localhost:8000/ (set PORT, LASTMILE_VAR to change port and data folder)
	@$(BOOTSTRAP) requirements.txt
	@exec $(PY) manage.py up --demo

test: lint types imports migrations messages pytest ## run everything that CI runs

lint: .installed ## check the style of Python, templates, CSS and JS
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/djlint --check --quiet .
	.venv/bin/biome format .

format: .installed ## format Python, templates, CSS and JS
	$(PY) -m ruff format .
	.venv/bin/djlint --reformat --quiet . || true  # it exits with 1 when it changed a file
	.venv/bin/biome format --write .

types: .installed
	$(PY) -m mypy .

imports: .installed
	.venv/bin/lint-imports

migrations: .installed
	$(TEST_ENV) $(PY) manage.py makemigrations --check --dry-run

messages: .installed ## check that all texts are translated (WRITE=--write updates the catalogues)
	$(PY) -m tests.messages $(WRITE)

pytest: .installed
	$(PY) -m tests.halves $(ARGS)

pictures: .installed ## take the pictures of the README again, from a demo of its own
	$(PY) -m tests.browser.pictures

.PHONY: .installed
.installed:
	@$(BOOTSTRAP) requirements-test.txt

lock: .installed ## update the hash-locked requirements from the .in files
	$(LOCK) requirements-install.in -o requirements-install.txt
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-s3.in -c requirements.txt -o requirements-s3.txt
	$(LOCK) requirements-test.in -c requirements-s3.txt -o requirements-test.txt
	$(LOCK) requirements-bench.in -c requirements-test.txt -o requirements-bench.txt
LOCK := .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--only-binary :all: --no-emit-index-url --custom-compile-command "make lock"

# make proof            lists the campaigns (long measurements)
# make proof NAME       runs one campaign and adds its result to tests/bench/RESULTS.md
ifeq (proof,$(firstword $(MAKECMDGOALS)))
CAMPAIGN := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: $(CAMPAIGN)
$(CAMPAIGN):
	@:
endif
proof: ## run a long measurement by name: make proof NAME (SEEDS and ONLY limit it)
	@$(BOOTSTRAP) requirements-bench.txt
	@$(PY) -m tests.bench $(CAMPAIGN)

clean: ## remove .venv and caches, but not the data under var/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/test
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
