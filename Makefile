# make run: serve the portal. make demo: the same with a month of sample data.
# make test: the whole suite. make check: everything that CI runs.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test check bench faults phone-token-faults rotation-drill messages audit lock

run: .venv/installed
	@exec $(BIN)/python manage.py run

demo: .venv/installed
	@exec $(BIN)/python manage.py demo

test: .venv/installed-dev node_modules_installed
	@$(BIN)/python -m tests.run_all

check: .venv/installed-dev node_modules_installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/mypy tokens provisioning portal
	$(BIN)/mypy -p aws_authorizer -p latchkey_verifier
	$(BIN)/lint-imports
	$(BIN)/bandit -q -ll -r tokens provisioning portal -c pyproject.toml
	PORTAL_ENV=development $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.deploy_check
	@$(BIN)/python -m tests.run_all

bench: .venv/installed-dev node_modules_installed
	@$(BIN)/python -m bench

# 2,000 kills on SQLite and as many on PostgreSQL; takes an hour. FAULTS="--seed 7" repeats one.
faults: .venv/installed-dev
	@$(BIN)/python -m tests.faults --kills 2000 $(FAULTS)

# The phone-token service: 40 rounds of 200 requests at once against a limit of 20, then all of them again after
# their minute, and 100 kills under load; on SQLite and on PostgreSQL. TOKEN_FAULTS="--kills 500" asks for more.
phone-token-faults: .venv/installed-dev
	@$(BIN)/python -m tests.faults.phone_tokens $(TOKEN_FAULTS)

# Five minutes of 200 requests a second through real gateways while the signing keys rotate every 15 s.
rotation-drill: .venv/installed-dev node_modules_installed
	@$(BIN)/python -m tests.rotation $(DRILL)

# Brings the catalogues of translations up to date and compiles them; needs Debian's gettext.
# The API and the admin are in English.
messages:
	@PORTAL_ENV=development $(BIN)/python manage.py makemessages --all --no-location --no-wrap -v 0 \
	  -i '.venv' -i 'tests' -i 'gateways' -i 'bench' -i 'var'
	@PORTAL_ENV=development $(BIN)/python manage.py compilemessages -v 0 -i .venv

# Known vulnerabilities of what is pinned; asks PyPI.
audit: .venv/installed-dev
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.txt

# Resolve the pinned requirements anew.
lock: .venv/installed-dev
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --upgrade -q -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header --upgrade -q -o requirements-dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Latchkey needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "This Python has no ensurepip. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.txt .venv/bin/python
	@echo "Installing the pinned packages into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what tests need into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# Libraries that gateways verify with; without Node their tests are skipped with a reason.
.PHONY: node_modules_installed
node_modules_installed:
	@if command -v npm >/dev/null; then \
	  cd tests/node && { [ node_modules/.installed -nt package-lock.json ] || \
	    { npm ci --silent --no-audit --no-fund && touch node_modules/.installed; }; }; \
	fi
