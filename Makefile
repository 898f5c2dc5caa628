# Needs python3 with venv and headers, g++ and make. Everything else, cmake included, comes from
# PyPI into $(VENV). Repeats are fast: pip is called again only after a change, and the build
# folders persist.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
# One CPU level for `make develop` and `make debug`, to build in seconds.
LEVEL ?= $(if $(filter x86_64,$(shell uname -m)),v3,generic)
# Release, RelWithDebInfo (for profilers) or Debug, for `make develop`.
BUILD_TYPE ?= Release
PYTEST_ARGS ?=
BENCH_ARGS ?=
WHEELS ?= dist
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
SOURCES := CMakeLists.txt CMakePresets.json pyproject.toml README.md LICENSE \
	$(shell find cpp python -type f -not -name "*.pyc" -not -name "*.so")

# $(call build,PRESET,BUILD TYPE): pip's command line for a build in build/PRESET, without
# isolation, which would make that folder useless for the next call.
build = PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pip install --no-build-isolation \
	--config-settings=build-dir=build/$(1) \
	--config-settings=cmake.args=--preset=$(1) \
	--config-settings=cmake.build-type=$(2)
one_level = --config-settings=cmake.define.CYCLOID_LEVELS=$(LEVEL) \
	--config-settings=install.strip=false

CPP_FILES := find cpp -name '*.[ch]pp' -print0

.PHONY: help demo test lint format debug bench develop wheel clean

help:
	@cat <<'END'
	make demo     install into .venv and run the main job on real data
	make test     install into .venv and run all tests
	make lint     ruff, mypy, clang-format, clang-tidy
	make format   let ruff and clang-format correct what they can
	make debug    run all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	make bench    time all packages (hours; BENCH_ARGS="--problems 'lasso-*'"), say what got slower
	make develop  editable install of one CPU level (LEVEL=v3, BUILD_TYPE=Release)
	make wheel    build dist/cycloid-*.whl as pip does, in isolation from .venv
	make clean    remove build/, dist/ and .venv/
	VENV=... names another virtual environment; PYTEST_ARGS=... goes to pytest.
	END

demo: $(STAMPS)/plot $(STAMPS)/installed
	$(BIN)/python -m cycloid

test: $(STAMPS)/test $(STAMPS)/installed
	$(BIN)/ctest --test-dir build/release --output-on-failure
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

bench: $(STAMPS)/bench $(STAMPS)/installed
	$(BIN)/python -m bench.table --out build/bench.json $(BENCH_ARGS)
	$(BIN)/python -m bench.compare build/bench.json

develop: $(STAMPS)/tools
	rm -f $(STAMPS)/installed
	$(call build,develop,$(BUILD_TYPE)) $(one_level) --editable .

# The sanitizers' run-time library must be loaded before Python, and libstdc++ with it, or ASan
# cannot see exceptions. Python's own allocator would hide errors; its leaks are not ours.
debug: export UBSAN_OPTIONS := print_stacktrace=1:halt_on_error=1
debug: export ASAN_OPTIONS := detect_leaks=0
debug: $(STAMPS)/test
	$(call build,debug,Debug) $(one_level) --no-deps --upgrade --target build/debug/site .
	$(BIN)/ctest --test-dir build/debug --output-on-failure
	export LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)"
	export PYTHONMALLOC=malloc PYTHONPATH="$(abspath build/debug/site)"
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

# clang-tidy reads how g++ compiles; of g++'s own headers it needs only omp.h.
lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(CPP_FILES) | xargs -0 $(BIN)/clang-format --dry-run -Werror
	export PATH="$(abspath $(BIN)):$$PATH"
	cmake --preset tidy --log-level=ERROR -DPython_EXECUTABLE="$(abspath $(BIN))/python" >/dev/null
	omp="$$(dirname "$$($(CXX) -print-file-name=include/omp.h)")"
	find cpp -name '*.cpp' -print0 | xargs -0 -n 1 -P "$$CMAKE_BUILD_PARALLEL_LEVEL" \
		clang-tidy --quiet -p build/tidy --extra-arg="-idirafter$$omp"

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CPP_FILES) | xargs -0 $(BIN)/clang-format -i

wheel: $(BIN)/python
	$(BIN)/pip wheel --no-deps --wheel-dir $(WHEELS) .

clean:
	rm -rf build dist .venv

# ---------------------------------------------------------------------------- environment

# Debian's python3 comes without the headers that an extension is compiled against. Where we may, we
# fetch them; elsewhere CMake says what is missing.
$(BIN)/python:
	if ! $(PYTHON) -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' \
		2>/dev/null && [[ $$(id -u) = 0 ]] && command -v apt-get >/dev/null; then
		apt-get update
		apt-get install --yes --no-install-recommends python3-dev
	fi
	$(PYTHON) -m venv $(VENV)

# $(call require,EXPRESSION,MORE): install the requirements that pyproject.toml lists there.
define require
	mkdir -p $(STAMPS)
	$(BIN)/python -c 'import tomllib; \
		tables = tomllib.load(open("pyproject.toml", "rb")); print(*$(1), sep="\n")' \
		| xargs -d '\n' $(BIN)/pip install $(2)
	touch $@
endef

# What builds the package, as pip would install it in isolation.
$(STAMPS)/tools: pyproject.toml | $(BIN)/python
	$(call require,tables["build-system"]["requires"],'cmake>=3.26' ninja)

# What an extra of the package needs: $(STAMPS)/test for the extra "test".
EXTRAS := bench dev plot test
$(EXTRAS:%=$(STAMPS)/%): $(STAMPS)/%: $(STAMPS)/tools
	$(call require,tables["project"]["dependencies"] \
		+ tables["project"]["optional-dependencies"]["$*"])

$(STAMPS)/installed: $(STAMPS)/tools $(SOURCES)
	$(call build,release,Release) .
	touch $@
