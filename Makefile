# One command for everything. Each target does what it needs first, and only what changed since.

.DEFAULT_GOAL := help
.PHONY: help setup build demo test fuzz lint fix bench asan wheel clean
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV   := $(CURDIR)/.venv
PYTHON := $(VENV)/bin/python
STEP   := tools/step.sh

# For the examples in C; a machine that was set up may have no other compiler.
ifeq ($(origin CC),default)
CC := clang-22
endif
export CC
CMAKE   = cmake -S . -G Ninja -Wno-dev
NINJA   = ninja --quiet -C

CXX_FILES = $(shell git ls-files 'core/*.cpp' 'core/*.h' 'enzyme_pass/*.cpp' 'enzyme_pass/*.h' 'activity/*.cpp' 'activity/*.h' 'tests/*.cpp')

help:
	@echo "make setup   Debian packages, .venv, engine: everything that the others need"
	@echo "make demo    run the examples"
	@echo "make test    run the tests; T='tests/run -k heat' picks some"
	@echo "make fuzz    random programs; PROGRAMS=5000 SEED=1 says how many and which"
	@echo "make lint    what CI demands of the sources; make fix does what can be done"
	@echo "make bench   measure, and write docs/benchmarks.md"
	@echo "make asan    the tests under AddressSanitizer and UBSan"
	@echo "make wheel   a self-contained wheel, tried where no LLVM is"
	@echo "make build   only the engine"

# --- set-up -------------------------------------------------------------------------------------

setup: build

build/packages.stamp: tools/apt_packages.txt tools/install_packages.sh
	@mkdir -p build
	@$(STEP) "Debian packages" tools/install_packages.sh
	@touch $@

$(VENV)/bin/python: | build/packages.stamp
	@$(STEP) "Python environment" python3 -m venv $(VENV)

# Editable: Python files are used where they are. The engine is built by `make build`, not by pip.
$(VENV)/packages.stamp: pyproject.toml | $(VENV)/bin/python
	@$(STEP) "Python packages" $(PYTHON) -m pip install --disable-pip-version-check -q \
	  --config-settings=wheel.cmake=false --config-settings=editable.mode=inplace -e '.[dev]'
	@touch $@

build/%/build.ninja: | build/packages.stamp
	@$(STEP) "Configuring ($*)" $(CMAKE) -B build/$* $(CONFIGURE_$*)

CONFIGURE_dev     = -DCMAKE_BUILD_TYPE=Dev -DPYFRONT_OUTPUT_DIR=$(CURDIR)/pyfront/_lib
CONFIGURE_release = -DCMAKE_BUILD_TYPE=Release
CONFIGURE_asan    = -DCMAKE_BUILD_TYPE=Sanitize

build: $(VENV)/packages.stamp build/dev/build.ninja
	@$(STEP) "Engine" $(NINJA) build/dev

# --- use ----------------------------------------------------------------------------------------

demo: build
	@for example in lynx_hare heat_inverse scipy_solvers stiff_brusselator implicit_euler foreign_call exported; do \
	  echo "--- examples/$$example.py"; $(PYTHON) examples/$$example.py || exit 1; \
	done

T ?= tests
test: build
	@$(PYTHON) -m pytest -q -n auto --dist worksteal $(T)

PROGRAMS ?= 1000
SEED ?= 0
fuzz: build
	@PYTHONPATH=tests $(PYTHON) -m properties.bulk --programs $(PROGRAMS) --seed $(SEED)

$(VENV)/peers.stamp: pyproject.toml | $(VENV)/packages.stamp
	@$(STEP) "Peers" $(PYTHON) -m pip install --disable-pip-version-check -q \
	  --config-settings=wheel.cmake=false --config-settings=editable.mode=inplace -e '.[dev,peers]'
	@touch $@

bench: build build/release/build.ninja $(VENV)/peers.stamp
	@$(STEP) "Engine (release)" $(NINJA) build/release
	@OPENBLAS_NUM_THREADS=1 PYFRONT_ENGINE=$(CURDIR)/build/release/libenzyme_pass.so $(PYTHON) -m benchmarks

# --- sources ------------------------------------------------------------------------------------

lint: build
	@$(STEP) "ruff" $(VENV)/bin/ruff check -q
	@$(STEP) "ruff format" $(VENV)/bin/ruff format -q --check
	@$(STEP) "mypy" $(VENV)/bin/mypy --no-error-summary
	@$(STEP) "clang-format" clang-format-22 --dry-run -Werror $(CXX_FILES)
	@$(STEP) "clang-tidy" $(PYTHON) tools/clang_tidy.py build/dev
	@$(STEP) "layers" $(PYTHON) tools/check_layers.py
	@$(STEP) "sizes" $(PYTHON) tools/check_sizes.py

fix: build
	@$(VENV)/bin/ruff check -q --fix
	@$(VENV)/bin/ruff format -q
	@clang-format-22 -i $(CXX_FILES)

# --- other builds -------------------------------------------------------------------------------

# LLVM's archives are not instrumented: their containers look overflown, and what our copies of LLVM's allocators poison
# they do not free of it. Python does not free everything at exit.
ASAN_OPTIONS = detect_leaks=0:detect_container_overflow=0:allow_user_poisoning=0:alloc_dealloc_mismatch=0:allocator_may_return_null=1:strict_string_checks=1
asan: build build/asan/build.ninja
	@$(STEP) "Engine (sanitized)" $(NINJA) build/asan
	@PYFRONT_FUZZ_PROGRAMS=$${PYFRONT_FUZZ_PROGRAMS:-200} LD_PRELOAD=$$(clang-22 -print-file-name=libclang_rt.asan-$(shell uname -m).so) \
	  ASAN_OPTIONS=$(ASAN_OPTIONS) UBSAN_OPTIONS=print_stacktrace=1 \
	  PYFRONT_ENGINE=$(CURDIR)/build/asan/libenzyme_pass.so $(PYTHON) -m pytest -q -n auto --dist worksteal $(T)

wheel: build
	@rm -rf dist
	@$(STEP) "Wheel" $(PYTHON) -m pip wheel --disable-pip-version-check -q --no-deps -w dist .
	@tools/check_wheel.sh

clean:
	@rm -rf build dist .venv pyfront/_lib
