# SPDX-License-Identifier: GPL-2.0-only
# make: everything. make demo: see it work. make check: every test. make bench: how fast it is.

ABI := kernel/arch/kbox/include/uapi/asm/kbox.h
CFLAGS ?= -O2 -g
WARN := -std=gnu11 -Wall -Wextra -Werror
# -idirafter: only asm/kbox.h is meant to be found there, the rest is the host's.
INC := -Isrc -idirafter kernel/arch/kbox/include/uapi

LAUNCHER := $(filter-out src/init.c,$(wildcard src/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
# Each with musl and with glibc.
GUEST_TESTS := $(patsubst tests/guest/%.c,build/tests/%-m,$(wildcard tests/guest/*.c)) \
	$(patsubst tests/guest/%.c,build/tests/%-g,$(wildcard tests/guest/*.c))
SAN := -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all

.PHONY: all kernel kernel-debug image check bench demo deps clean

all: deps kernel build/kbox build/kbox-init

deps:
	@scripts/install-deps

kernel:
	@scripts/fetch-linux
	@scripts/build-kernel

# For gdb and for the kernel's own checks: KBOX_KERNEL=build/kernel-debug/vmlinux make check
kernel-debug: deps
	@scripts/fetch-linux
	@scripts/build-kernel debug

build/kbox: $(LAUNCHER) $(wildcard src/*.h) $(ABI) | build
	$(CC) $(CFLAGS) $(WARN) $(INC) -pthread -o $@ $(LAUNCHER)

build/kbox-init: src/init.c | build
	musl-gcc -static -Os $(WARN) -o $@ $<

build:
	mkdir -p build

image: build/test.img

build/test.img: scripts/mkimage $(wildcard tests/guest/*) bench/bench-test.c | build
	scripts/mkimage $(abspath $@)

check: all image $(UNIT_TESTS)
	CMOCKA_MESSAGE_OUTPUT=TAP prove --timer --exec tests/run $(UNIT_TESTS) $(GUEST_TESTS) $(wildcard tests/host/*.t)

bench: all image
	@scripts/bench

demo: all image
	@scripts/demo

build/unit/%: tests/unit/%.c $(LAUNCHER) $(wildcard src/*.h) $(ABI)
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(INC) -pthread -o $@ $< $(filter-out src/main.c,$(LAUNCHER)) -lcmocka

clean:
	rm -rf build
