# Osprey's front door. The build itself is Meson and Ninja (meson.build).
#
#   make demo [PROFILE=file.der] [OUT=dir]   the whole story, from the factory to the network
#   make test                                build with warnings as errors, run all tests
.PHONY: all demo test soak bench fuzz clean install-deps install-test-deps build

BUILD ?= build
OUT ?= $(BUILD)/demo
PROFILE ?=

all: build

install-deps:
	@tools/install-deps build

install-test-deps:
	@tools/install-deps test

build: install-deps
	@tools/build $(BUILD)

demo: build
	@tools/demo.py --build $(BUILD) --out $(OUT) $(if $(PROFILE),--profile $(PROFILE))

test: install-test-deps
	@tools/run-tests

soak: install-test-deps
	@tools/run-tests --soak $(if $(SECONDS_MAX),--seconds $(SECONDS_MAX))

bench: build
	@tools/bench.py --build $(BUILD) $(if $(GROWTH),--growth)

clean:
	rm -rf build build-*
