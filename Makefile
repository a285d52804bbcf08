# Everything a developer does here; `make` alone lists it.
# Needs Python 3.11 or later with venv, and make. Everything made is in .venv/ and .local/.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

# The development server's settings; a real environment's variables win.
export DEBUG ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# The demo shows the pages that production shows, on a machine with nothing set up.
DEMO := DEBUG=0 LOCAL=1 LOG_LEVEL=WARNING PORT=$(PORT)
# What production must set. The key is not a secret: it signs nothing.
PRODUCTION := DEBUG=0 LOCAL=0 ENV_FILE=/dev/null ALLOWED_HOSTS=console.example \
	SECRET_KEY=a-text-of-some-length-that-signs-nothing-anywhere-at-all

.DEFAULT_GOAL := help
.PHONY: help install demo components worker test test-quick test-nightly test-next screenshots check guards structure states bench lock messages clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- The environment -----------------------------------------------------------------------

install: $(STAMP) ## make .venv and install the locked packages

# Made only when a lock has changed: the second start is quick.
$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; PYTHON=... names one." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	@test -e .env || printf '%s\n' \
		'# Development on this machine. Written once by `make install`, never committed.' \
		'# Variables of the real environment win over this file.' 'DEBUG=1' > .env
	@touch $@

# --- Running -------------------------------------------------------------------------------

demo: $(STAMP) ## serve the console with demo data; PORT=8000
	@$(DEMO) $(BIN)/python manage.py migrate --no-input --verbosity 0
	@$(DEMO) EMAIL_URL=dummymail:// $(BIN)/python manage.py load_demo_data
	@$(DEMO) EMAIL_URL=dummymail:// $(BIN)/python manage.py send_notifications --verbosity 0
	@$(DEMO) WITH_WORKER=1 exec $(BIN)/gunicorn --config config/gunicorn.py config.wsgi

components: $(STAMP) ## serve the page of all components; PORT=8000
	@echo "See http://127.0.0.1:$(PORT)/components/"
	@$(BIN)/python manage.py migrate --no-input --verbosity 0
	@DEBUG=1 COMPONENTS_PAGE=1 exec $(BIN)/python manage.py runserver $(PORT)

worker: $(STAMP) ## run background jobs beside a development server
	$(BIN)/python manage.py run_worker

# --- Checking ------------------------------------------------------------------------------

test: $(STAMP) ## run all tests; ARGS="-k refund" picks some
	$(BIN)/python -m pytest -n logical --dist worksteal $(ARGS)

test-quick: $(STAMP) ## run some of it in two minutes: no browser, no races, two cases of each
	QUICK=1 $(BIN)/python -m pytest -n logical --dist worksteal -m "not browser and not race and not slow" $(ARGS)

test-nightly: $(STAMP) ## run all tests with the full counts instead of samples
	NIGHTLY=1 $(BIN)/python -m pytest -n logical --dist worksteal $(ARGS)

# The newest Django needs a newer Python than the product does. The virtual environment stays.
NEXT := .venv-next
NEXT_PYTHON ?= $(firstword $(wildcard $(foreach minor,15 14 13 12,$(addsuffix /python3.$(minor),$(subst :, ,$(PATH))))))

test-next: $(NEXT)/installed ## run all tests on the newest Django; NEXT_PYTHON=python3.13
	$(NEXT)/bin/python -m pytest -n logical --dist worksteal $(ARGS)

$(NEXT)/installed: requirements/dev.txt requirements/next.txt
	@test -n "$(NEXT_PYTHON)" \
		|| { echo "Python 3.12 or later is needed; NEXT_PYTHON=... names one." >&2; exit 1; }
	@test -x $(NEXT)/bin/python || $(NEXT_PYTHON) -m venv $(NEXT)
	$(NEXT)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.txt
	$(NEXT)/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/next.txt
	@touch $@

screenshots: $(STAMP) ## picture every page, light, dark, wide, narrow, English, Chinese
	SCREENSHOTS=test-results/screenshots $(BIN)/python -m pytest -n logical tests/test_every_page.py $(ARGS)
	@echo "See test-results/screenshots."

check: $(STAMP) ## what must be clean before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.words
	find accounts agents billing compliance config templates -name '*.html' -print0 \
		| xargs -0 -r $(BIN)/djade --check --target-version 5.2
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python -m config.embedded_postgres run \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

guards: $(STAMP) ## take guards of money and rights away; see their tests fail; ARGS="refund"
	$(BIN)/python -m tests.guards $(ARGS)

structure: $(STAMP) ## measure how far a reader has to walk through the code; ARGS=walks
	@$(DEMO) $(BIN)/python -m tests.structure $(ARGS)

states: $(STAMP) ## write docs/states.md from the tables of states
	@$(BIN)/python -m tests.states

bench: $(STAMP) ## measure, beside a reference measured in the same run
	$(BIN)/python -m tests.bench $(ARGS)

# --- Keeping up ----------------------------------------------------------------------------

UV_COMPILE := $(BIN)/uv pip compile --quiet --universal \
	--generate-hashes --no-header --no-annotate --no-emit-index-url

lock: $(STAMP) ## compile pyproject.toml's dependencies to locks with hashes
	$(UV_COMPILE) --python-version 3.11 $(ARGS) --output-file requirements/base.txt pyproject.toml
	$(UV_COMPILE) --python-version 3.11 $(ARGS) --constraints requirements/base.txt --all-extras \
		--output-file requirements/extras.txt pyproject.toml
	$(UV_COMPILE) --python-version 3.11 $(ARGS) --constraints requirements/extras.txt --all-extras \
		--group dev --output-file requirements/dev.txt pyproject.toml
	$(UV_COMPILE) --python-version 3.12 $(ARGS) --no-deps \
		--output-file requirements/next.txt requirements/next.in

messages: $(STAMP) ## collect the strings to translate, and compile them
	$(BIN)/python manage.py makemessages --locale zh_Hans --no-wrap --no-location \
		--no-obsolete --ignore staticfiles --ignore tests
	$(BIN)/python manage.py compilemessages --ignore ".venv*"

clean: ## remove all that was made, the local database included
	-@test -x $(BIN)/python && $(BIN)/python -m config.embedded_postgres remove
	rm -rf $(VENV) $(NEXT) .local staticfiles test-results .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .coverage htmlcov
