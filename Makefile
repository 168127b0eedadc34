# `make lab` to learn, `make test` to see everything proven; each sets up what it needs.
# PYTHON=/path/to/python3.12 chooses the Python, ARGS=... goes to JupyterLab (lab),
# pytest (test) or uv (requirements).

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
USABLE = import sys, venv; from ensurepip import version; sys.exit(sys.version_info < (3, 11))
NEEDED = Lifespan Lab needs Python 3.11 or later with its venv module (Debian: \
python3-venv), tried: $(PYTHON). Install one, or name it: PYTHON=/path/to/python3.12

RUN = .venv/bin/python -m
COVERED = --cov=lifespan_lab --cov=lifespan_tools --cov-branch --cov-report=term-missing --cov-fail-under=100
INSTALL = $(RUN) uv pip install --quiet --python .venv

.PHONY: help lab test refresh fresh bench requirements \
  browser browser-serve browser-test browser-requirements

help:  ## show this list
	@sed -n 's/^\([a-z-]*:\).*  ## /make \1 /p' Makefile

lab: .venv/ready  ## open JupyterLab on your own copies of the chapters, in my/
	@$(RUN) lifespan_course.workbench lab $(ARGS)

test: .venv/ready  ## run everything that CI runs
	$(RUN) ruff check && $(RUN) ruff format --check
	$(RUN) mypy && $(RUN) ty check notebooks
	$(RUN) pytest $(or $(ARGS),$(COVERED))

refresh: .venv/ready  ## run all chapters again and rewrite their stored outputs
	@$(RUN) tests.notebooks.refresh $(ARGS) && $(RUN) tests.picture

fresh: .venv/ready  ## bring back one chapter, CHAPTER=03; your old copy stays beside it
	@$(RUN) lifespan_course.workbench fresh "$(CHAPTER)"

bench: .venv/ready  ## measure what the snippets cost, ARGS=--markdown for the README's tables
	@$(RUN) tests.benchmarks $(ARGS)

requirements: .venv/ready  ## compile requirements.txt anew, ARGS=--upgrade for the newest
	@$(RUN) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --custom-compile-command "make $@" --output-file requirements.txt \
	  --group course --group test --group setup pyproject.toml $(ARGS)

# The series in a browser: see browser/. It needs node and npm, and the tests Chromium.
BROWSER = build/browser/tools/bin/python -m

browser: build/browser/ready  ## build the series as a static site, build/browser/site
	@$(BROWSER) browser.build

browser-serve:  ## open that site on loopback, ARGS=--no-open to only serve it
	@test -x build/browser/tools/bin/python || { echo "There is no site yet: make browser" >&2; exit 1; }
	@$(BROWSER) browser.serving $(ARGS)

browser-test: browser  ## run that site in Chromium, ARGS="01 03" for some chapters only
	@$(BROWSER) tests.browser.check $(ARGS)

browser-requirements: .venv/ready  ## compile what the site is made of anew, ARGS=--upgrade
	@$(LOCK) --universal --python-version 3.11 --output-file browser/tools.txt browser/tools.in $(ARGS)
	@$(LOCK) --python-platform wasm32-pyodide2025 --python-version 3.14 --output-file browser/kernel.txt pyproject.toml browser/kernel.in $(ARGS)
	@cd browser && npm install --package-lock-only

LOCK = $(RUN) uv pip compile --quiet --generate-hashes --constraints requirements.txt \
  --custom-compile-command "make browser-requirements"

build/browser/ready: .venv/ready browser/tools.txt browser/package-lock.json
	@for p in node npm; do command -v $$p >/dev/null || { echo "The site needs $$p (Debian: apt-get install nodejs npm)" >&2; exit 1; }; done
	@mkdir -p build/browser/npm && cp browser/.npmrc browser/package.json browser/package-lock.json build/browser/npm
	@$(RUN) venv --clear build/browser/tools && $(RUN) uv pip install --quiet --python build/browser/tools --require-hashes --requirements browser/tools.txt
	@cd build/browser/npm && npm ci --silent && touch ../ready

# The last step writes .venv/ready: without it, the next call sets up from scratch.
.venv/ready: requirements.txt pyproject.toml
	@for p in $(PYTHON); do "$$p" -c '$(USABLE)' 2>/dev/null && echo "Setting up .venv with $$p" && exec "$$p" -m venv --clear .venv; done; echo "$(NEEDED)" >&2; exit 2
	@sed '/^uv==/,/# via/!d' requirements.txt | $(RUN) pip install --quiet --disable-pip-version-check --require-hashes --requirement /dev/stdin
	@$(INSTALL) --require-hashes --requirements requirements.txt && $(INSTALL) --no-deps --no-build-isolation --editable . && touch $@
