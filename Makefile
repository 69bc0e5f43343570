# SPDX-License-Identifier: GPL-2.0-only
# make kernel: fetch, check, overlay and build the kernel. make check: every test.

UNIT_TESTS := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_FLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -idirafter kernel/arch/kbox/include/uapi -Isrc

.PHONY: all kernel check deps clean

all: kernel

kernel:
	scripts/fetch-linux
	scripts/build-kernel

deps:
	scripts/install-deps

check: deps $(UNIT_TESTS)
	CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $(UNIT_TESTS)

build/unit/%: tests/unit/%.c kernel/arch/kbox/include/uapi/asm/kbox.h
	@mkdir -p $(@D)
	$(CC) $(UNIT_FLAGS) -o $@ $< -lcmocka

clean:
	rm -rf build
