# Everything a person or CI does with this checkout. `make` alone prints the list below.
# Nothing is installed outside the checkout but Debian packages; a second run of any target is quick.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-setup lint check bench miniwob fix docs migration lock chromium ffmpeg clients

PYTHON_BIN := .venv/bin/python
SDK_VERSIONS := 1.8.20 1.10.0
NODE_CLIENTS := tests/clients/node

help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/runtime.stamp chromium ffmpeg ## set everything up and serve on 127.0.0.1:8484
	@exec .venv/bin/noctule serve

# Many tests wait for a minute to pass, so more of them run at a time than there are cores.
test: test-setup ## set everything up and run every test that needs no optional server
	@$(PYTHON_BIN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp ## format, lint, types and import rules alone
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

check: lint chromium ffmpeg ## lint, and the tidy, unit and property tests: the loop of minutes
	$(PYTHON_BIN) -m pytest -q -n auto --dist worksteal -m "not slow" tests/tidy tests/unit tests/properties

bench: .venv/dev.stamp chromium ffmpeg ## measure, each figure a ratio to a reference of the same run
	@failed=; for bench in bench/[a-z]*.py; do \
	    name=$$(basename $$bench .py); echo "== $$name"; $(PYTHON_BIN) -m bench.$$name || failed="$$failed $$name"; \
	done; test -z "$$failed" || { echo "Failed, or missed a target:$$failed" >&2; exit 1; }

miniwob: .venv/dev.stamp .venv/miniwob.stamp chromium ## try every task of MiniWoB++ and write docs/reference/miniwob.md
	@$(PYTHON_BIN) -m bench.miniwob --report docs/reference/miniwob.md

fix: .venv/dev.stamp ## format the code and mend what the linter can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/runtime.stamp ## write the generated pages of docs/reference anew
	$(PYTHON_BIN) -m scripts.reference

migration: .venv/runtime.stamp ## write a migration for changed tables: make migration m="add a table"
	@test -n "$(m)" || { echo 'Say what it does: make migration m="add a table"' >&2; exit 2; }
	@$(PYTHON_BIN) -m noctule.db.new_migration "$$m"

lock: ## pin the newest versions of requirements/*.in anew
	@sh scripts/lock.sh

test-setup: .venv/dev.stamp .venv/miniwob.stamp chromium ffmpeg clients

chromium:
	@sh scripts/chromium.sh

ffmpeg:
	@sh scripts/ffmpeg.sh

clients: $(SDK_VERSIONS:%=.venvs/sdk-%/installed.stamp) .venvs/s3-server/installed.stamp .venvs/node.stamp

.venv/runtime.stamp: requirements/runtime.lock pyproject.toml
	@sh scripts/venv.sh .venv requirements/runtime.lock
	@sh scripts/editable.sh .venv
	@touch $@

.venv/dev.stamp: requirements/dev.lock pyproject.toml
	@sh scripts/venv.sh .venv requirements/dev.lock
	@sh scripts/editable.sh .venv
	@touch .venv/runtime.stamp $@

.venv/miniwob.stamp: requirements/miniwob.lock .venv/dev.stamp
	@$(PYTHON_BIN) -m pip install --quiet --no-input --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

.venvs/%/installed.stamp: requirements/%.lock
	@sh scripts/venv.sh .venvs/$* $<
	@touch $@

.venvs/node.stamp: $(NODE_CLIENTS)/package-lock.json
	@if command -v npm >/dev/null; then \
	    echo "Installing the npm clients into $(NODE_CLIENTS)"; \
	    cd $(NODE_CLIENTS) && npm ci --silent && cd - >/dev/null && mkdir -p $(@D) && touch $@; \
	else \
	    echo "Node.js is not installed, so its clients are not tested (Debian: apt-get install nodejs npm)."; \
	fi
