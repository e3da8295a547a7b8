# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two callers use this file. GRASS's build (g.extension, tools/install.sh) gives
# MODULE_TOPDIR on the command line and builds the toolset; a developer gives
# none and gets the targets that "make help" lists.

ifeq ($(origin MODULE_TOPDIR),command line)

# g.extension takes what a line names that begins with PGM for a module of its own, and asks GitHub
# about them where there are several. "override" keeps it from that: the toolset registers its
# modules itself, and is installed from a folder or a ZIP file without a network.
override PGM = i.dl

SUBDIRS = lib i.dl.patches i.dl.train i.dl.tune i.dl.predict i.dl.evaluate i.dl.review i.dl.export i.dl.import manual

include $(MODULE_TOPDIR)/include/Make/Dir.make

default: parsubdirs htmldir

# With these GRASS's make files look for the pages in GRASS's own addons on GitHub.
unexport PYTHONPATH GRASS_ADDON_BASE

install:
	$(PYTHON) tools/register.py remove "$(INST_DIR)"
	$(MAKE) install-files
	$(PYTHON) tools/register.py add "$(INST_DIR)" "$(MODULE_TOPDIR)"
	$(PYTHON) tools/register.py missing "$(INST_DIR)"

install-files: installsubdirs
	$(INSTALL_DATA) $(HTMLDIR)/$(PGM).html $(wildcard i_dl_*.png) $(INST_DIR)/docs/html/

else

# Settings, to give on the command line or in the environment.
VENV ?= $(or $(I_DL_VENV),$(HOME)/.local/share/i.dl/venv)
GRASS ?= grass
TEST_ADDONS ?= $(HOME)/.cache/i.dl/test-addons
ARGS ?=
OPTIONAL ?= no
REMOVE_VENV ?= no
export VENV GRASS OPTIONAL REMOVE_VENV

PYTHON = "$(VENV)/bin/python"
BENCHMARKS = $(filter-out %/records.py %/tables.py,$(sort $(wildcard benchmarks/*.py)))

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev install uninstall demo test check coverage bench manual lint clean

help:
	@echo "i.dl: deep learning inside GRASS GIS"
	@echo
	@echo "  make setup    install what is missing: GRASS (apt), the Python environment"
	@echo "  make install  set up, then install the modules for your GRASS sessions"
	@echo "  make uninstall  take the modules away (REMOVE_VENV=yes: the Python environment, too)"
	@echo "  make demo     install, then run the embedded example"
	@echo "  make test     set up, then run the test suite (your own addons stay as they are)"
	@echo "  make check    lint, and the tests that take neither a GRASS session nor long: 2 minutes"
	@echo "  make coverage run the test suite, and tell which lines no test executes"
	@echo "  make bench    install, run the benchmarks, and write the tables of their figures"
	@echo "  make manual   write the options that list names, and the HTML manual pages"
	@echo "  make lint     check style, types and imports of the code, and what is generated"
	@echo "  make clean    remove what tests and builds left behind"
	@echo
	@echo "Each can be run again at no cost. Settings, with their present values:"
	@echo
	@echo "  VENV=$(VENV)"
	@echo "                the Python environment"
	@echo "  OPTIONAL=$(OPTIONAL)   yes: with the packages of requirements-optional.txt"
	@echo "  GRASS=$(GRASS)   the command that starts GRASS"
	@echo "  GRASS_ADDON_BASE=$(GRASS_ADDON_BASE)"
	@echo "                where the modules go (empty: the folder where GRASS looks for addons)"
	@echo "  ARGS=$(ARGS)         further arguments, for example: make test ARGS='-k predict'"

setup:
	@tools/setup.sh

setup-dev:
	@tools/setup.sh --dev

install: setup
	@tools/install.sh

uninstall:
	@tools/uninstall.sh

demo: install
	$(PYTHON) demo/run.py $(ARGS)

# The modules under test go to a folder of their own.
test: export GRASS_ADDON_BASE = $(TEST_ADDONS)
test: setup-dev
	@tools/install.sh
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not grass and not slow and not lint" $(ARGS)

# Of the modules in the checkout, whose lines are counted in the processes that tests start, too.
coverage: export COVERAGE_DATA = $(CURDIR)/.coverage
coverage: setup-dev
	rm -f .coverage .coverage.*
	@unset GRASS_ADDON_BASE; failed=0; \
	$(PYTHON) -m coverage run -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS) || failed=$$?; \
	$(PYTHON) -m coverage combine --quiet && $(PYTHON) -m coverage report && exit $$failed

bench: install
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(PYTHON) $$script $(ARGS); done
	$(PYTHON) benchmarks/tables.py

manual: setup-dev
	$(PYTHON) tools/interface.py
	$(PYTHON) tools/manual.py

lint: setup-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	PYTHONPATH=lib "$(VENV)/bin/lint-imports"
	$(PYTHON) -m mypy
	$(PYTHON) tools/interface.py --check
	$(PYTHON) tools/manual.py --check
	$(PYTHON) benchmarks/tables.py --check

clean:
	rm -rf "$(TEST_ADDONS)" .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

endif
