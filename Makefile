# SPDX-License-Identifier: GPL-2.0-only
# make: everything. make demo: see it work. make check: every test. make bench: how fast it is.
# make ARCH=arm64 ...: the same for aarch64, on a machine of another kind into build/arm64. make check-arm64: the tests of that.
# make check-hosts: tests on hosts of other kinds. make check-all: all tests.

HOST := $(patsubst aarch64,arm64,$(shell uname -m))
ARCH ?= $(HOST)
# The scripts have the same in scripts/arch.sh.
ifeq ($(ARCH),$(HOST))
B := build
MUSL_CC := musl-gcc
SANITIZERS := address,undefined
else ifeq ($(ARCH),arm64)
B := build/arm64
CC := aarch64-linux-gnu-gcc
MUSL_CC := $(B)/musl-gcc
# It runs where there need not be a libc.
LDFLAGS := -static
# That of addresses takes seconds to start, under qemu.
SANITIZERS := undefined
UNIT_FLAGS := -idirafter $(B)/sysroot/usr/include -L$(B)/sysroot/usr/lib/aarch64-linux-gnu -static-libubsan
else
$(error ARCH=$(ARCH): here it can be $(HOST) or arm64)
endif
export ARCH

ABI := $(addprefix kernel/arch/kbox/include/uapi/asm/,kbox.h layout.h layout-x86_64.h layout-arm64.h)
CFLAGS ?= -O2 -g
WARN := -std=gnu11 -Wall -Wextra -Werror
# -idirafter: only asm/kbox.h is meant to be found there, the rest is the host's.
INC = -Isrc -I$(B)/gen -idirafter kernel/arch/kbox/include/uapi

# The host kernel's headers, which musl has none of.
UAPI_INC := $(if $(filter $(ARCH),$(HOST)),-idirafter /usr/include -idirafter /usr/include/$(HOST:arm64=aarch64)-linux-gnu,\
	-idirafter /usr/aarch64-linux-gnu/include)
INIT := src/init.c src/init_net.c src/init_root.c src/init_diff.c src/init_tar.c src/init_exec.c src/init_relay.c
# Static, so that a package of kbox needs no other for it, and its start loads no library more.
JSON_LIB := -l:libjson-c.a
ifneq ($(ARCH),$(HOST))
JSON_INC := -idirafter $(B)/sysroot/usr/include
JSON_LIB := -L$(B)/sysroot/usr/lib/aarch64-linux-gnu $(JSON_LIB)
endif
LAUNCHER := $(filter-out $(INIT),$(wildcard src/*.c))
# For MINUTES of tests/suite.
BEGUN := $(shell date +%s)
UNIT_TESTS := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
# Each with musl and with glibc.
GUEST_TESTS := $(patsubst tests/guest/%.c,build/tests/%-m,$(wildcard tests/guest/*.c)) \
	$(patsubst tests/guest/%.c,build/tests/%-g,$(wildcard tests/guest/*.c))
SAN := -g -O1 -fsanitize=$(SANITIZERS) -fno-sanitize-recover=all

# The port's rewriting code and the kernel's instruction decoder, for programs of the host. The decoder is there when
# its tables are; -isystem: the kernel's headers have warnings.
LINUX := build/linux-6.12
REWRITE := $(wildcard kernel/arch/kbox/rewrite/walk*.c kernel/arch/kbox/rewrite/cancel*.c) kernel/arch/kbox/x86_64/site.c \
	src/rewrite/elf.c src/rewrite/forks.c
REWRITE_H := $(wildcard src/rewrite/*.h kernel/arch/kbox/rewrite/*.h kernel/arch/kbox/*/include/asm/site.h)
DECODER := $(addprefix $(LINUX)/tools/arch/x86/lib/,insn.c inat.c)
REWRITE_INC := -Isrc/rewrite -Ikernel/arch/kbox/rewrite -Ibuild/gen -isystem $(LINUX)/tools/arch/x86/include \
	-isystem $(LINUX)/tools/include -idirafter kernel/arch/kbox/x86_64/include
# The port's table of the host's descriptors, likewise.
HOSTFD := $(addprefix kernel/arch/kbox/drivers/hostfd_table.,c h)
HOSTFD_INC := -Ikernel/arch/kbox/drivers -isystem $(LINUX)/tools/include

.PHONY: all docs kernel kernel-debug kernel-small image image-debian image-system check check-programs check-arm64 check-hosts check-all unit-tests host-39 bench bench-arm64 bench-sites bench-apps bench-fd bench-net bench-page count-calls count-host-calls fuzz fuzz-devices \
	kselftest demo deps install uninstall deb lint clean FORCE

# What analyses programs runs here, and there is a libslirp.
all: deps kernel $(B)/kbox $(B)/kbox-init $(B)/slowness $(if $(filter $(ARCH),$(HOST)),build/kbox-rewrite build/kbox-slirp)

deps:
	@scripts/install-deps

# LINUX_SOURCE=newest, or the path of a tarball: not of the pinned source.
kernel: deps $(LINUX)/.unpacked
	@scripts/build-kernel

# The tables in docs/ that come from sources.
docs:
	@scripts/host-calls

# For gdb and for the kernel's own checks: KBOX_KERNEL=build/kernel-debug/vmlinux make check
kernel-debug: deps $(LINUX)/.unpacked
	@scripts/build-kernel debug

# What most programs need, and no more: KBOX_KERNEL=build/kernel-small/vmlinux build/kbox ...
kernel-small: deps $(LINUX)/.unpacked
	@scripts/build-kernel small

# Names of the system calls, for messages.
$(B)/gen/callnames.h:
	@mkdir -p $(@D)
	echo '#include <sys/syscall.h>' | $(CC) -E -dM - | sed -n 's/^#define SYS_\([a-z0-9_]*\) .*/[SYS_\1] = "\1",/p' > $@.new
	mv $@.new $@

# The one place of the version is the file VERSION.
$(B)/gen/version.h: VERSION
	@mkdir -p $(@D)
	sed 's/.*/#define KBOX_VERSION "&"/' $< > $@

$(B)/kbox: $(LAUNCHER) $(wildcard src/*.h) $(ABI) $(B)/gen/callnames.h $(B)/gen/version.h | $(B) deps
	$(CC) $(CFLAGS) $(WARN) $(INC) -pthread $(JSON_INC) $(LDFLAGS) -o $@ $(LAUNCHER) -lresolv $(JSON_LIB)

$(B)/kbox-init: $(INIT) $(wildcard src/init*.h) src/exec_proto.h src/netaddr.h $(ABI) | $(B) deps
	$(MUSL_CC) -static -Os $(WARN) -idirafter kernel/arch/kbox/include/uapi $(UAPI_INC) -o $@ $(INIT)

# How slow this host is, for the limits of tests/run.
$(B)/slowness: tests/slowness.c | $(B)
	$(CC) $(CFLAGS) $(WARN) $(LDFLAGS) -o $@ $<

# Newer after that only if it is of another source.
$(LINUX)/.unpacked: FORCE | deps
	@scripts/fetch-linux

FORCE:

build/gen/inat-tables.c: $(LINUX)/.unpacked
	@mkdir -p $(@D)
	awk -f $(LINUX)/arch/x86/tools/gen-insn-attr-x86.awk $(LINUX)/arch/x86/lib/x86-opcode-map.txt > $@.new
	mv $@.new $@

build/kbox-rewrite: $(wildcard src/rewrite/*.c) $(REWRITE) $(REWRITE_H) build/gen/inat-tables.c build/gen/version.h
	$(CC) $(CFLAGS) $(WARN) $(REWRITE_INC) -o $@ $(filter %.c,$(filter-out build/gen/%,$^)) $(DECODER)

# libslirp.h needs nothing of glib's.
SLIRP := $(wildcard src/slirp/*.c) src/frames.c src/number.c src/ports.c

build/kbox-slirp: $(SLIRP) $(wildcard src/slirp/*.h src/*.h) $(ABI) build/gen/version.h
	$(CC) $(CFLAGS) $(WARN) $(INC) $(LDFLAGS) -o $@ $(SLIRP) -lslirp

# What is built, to $(DESTDIR)$(PREFIX), by default /usr/local; and away from there.
install:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install

uninstall:
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install --remove

# A package of Debian's with it: build/kbox_VERSION_ARCHITECTURE.deb.
deb: all
	@scripts/make-deb

$(B):
	mkdir -p $@

image: $(B)/test.img

$(B)/test.img: scripts/mkimage $(wildcard tests/guest/* tests/hostile/*.[ch] bench/*.[ch]) | $(B) kernel
	scripts/mkimage $(abspath $@)

# Downloads a Debian: not made again for a changed test (rm it, then).
image-debian: build/debian.img

build/debian.img: scripts/mkdebian tests/debian/packages | build kernel
	scripts/mkdebian --tests $(abspath $@) tests/debian/packages

# With a service manager and what else asks a kernel for more than a program does, for tests/system.
image-system: build/system.img

build/system.img: scripts/mkdebian tests/system/packages | build kernel
	scripts/mkdebian $(abspath $@) tests/system/packages

# Real programs at their everyday jobs: those of the Debian image, or with FULL=1 all of
# tests/programs.list, in an image of their own (6 GB of packages). PROGRAMS='java web-*': some of
# them; MODES=native: those that fail there are wrong in the list.
check-programs: all $(if $(FULL),build/programs.img,image-debian)
	@scripts/check-programs $(if $(FULL),--image build/programs.img --list build/programs.packages) $(PROGRAMS)

build/programs.packages: FORCE | build
	@scripts/check-programs --packages >$@.new; cmp -s $@.new $@ && rm $@.new || mv $@.new $@

build/programs.img: scripts/mkdebian build/programs.packages | kernel
	scripts/mkdebian $(abspath $@) build/programs.packages

# Guest tests once for each way in.
PROVE := tests/suite
# In boxes that are moved: FULL=1 has all that can be. A descriptor of the host is not moved, and io_uring_enter(2) says EINTR.
MOVED := $(addprefix build/tests/,exec-g memory-m pipe-g ptrace-m rewrite-m signal-m signal-registers-g thread-g)
ifneq ($(FULL),)
MOVED := $(filter-out build/tests/hostfd% build/tests/iouring%,$(GUEST_TESTS))
endif
TESTS_HERE := $(UNIT_TESTS) $(GUEST_TESTS:=+rewrite) $(wildcard tests/host/*.t tests/hostile/*.t tests/debian/*.t tests/system/*.t) \
	$(MOVED:=+moved) $(GUEST_TESTS:=+trap)

ifeq ($(ARCH),$(HOST))
check: all image image-debian image-system unit-tests
	BEGUN=$(BEGUN) $(PROVE) $(TESTS_HERE)
else
check: check-$(ARCH)
endif

# In an aarch64 machine under qemu; FULL=1: all of them.
check-arm64:
	@scripts/check-arm64
	$(PROVE) build/arm64/tap/*.tap

# On hosts with other processors, kernels and settings, in machines under qemu (tests/hosts.list);
# HOSTS='qemu64-* hpet-6.12': some of them, SHORT=1: a short choice.
check-hosts: all image
	@scripts/check-hosts
	$(PROVE) build/hosts/*/*.tap

# A host whose addresses have 39 bits, as small machines' kernels have it: MACHINE_KERNEL=build/arm64/host-39/arch/arm64/boot/Image.
# The tests in it: make check-arm64 with that in the environment.
host-39: $(LINUX)/.unpacked
	@scripts/build-host-39

# All of these, the hosts' in short, with one result, what make lint does, and the port on the newest source: in the time
# that CI has.
check-all: all image image-debian image-system unit-tests
	@BEGUN=$(BEGUN) scripts/check-all $(TESTS_HERE)

# What tools find in the source: scripts/lint.d. CHECKS='sparse clang': some of them.
lint: all
	@scripts/lint $(CHECKS)

bench: all image
	@scripts/bench

# In the machine of check-arm64, whose time says little; so instructions of a system call, too.
bench-arm64:
	@$(MAKE) -s ARCH=arm64 all image
	@scripts/bench --arm64

# The table of the host's descriptors, on the host: whether what it costs grows.
bench-fd: build/bench-fd
	@$<

build/bench-fd: bench/host/bench-fd.c $(HOSTFD) | $(LINUX)/.unpacked
	@mkdir -p $(@D)
	$(CC) -O2 -g $(WARN) $(HOSTFD_INC) -o $@ $(filter %.c,$^)

# What a page of memory costs the host, natively and as a box has to ask for it.
bench-page: build/bench-page
	@$<

build/bench-page: bench/host/bench-page.c bench/bench.h | build
	$(CC) -O2 -g $(WARN) -o $@ $<

# What a connection carries from a box of each engine, from a plain process behind pasta and slirp4netns, and from gVisor's
# runsc; and what clients get from servers there.
bench-net: all
	@scripts/bench-net

# How the system calls of real programs reach the kernel.
bench-sites: all image-debian
	@scripts/bench-sites

# Real programs natively, in a box, in proot and in gVisor's runsc.
bench-apps: all image-debian
	@scripts/bench-apps

# Instructions of a system call, and where.
count-calls: all image
	@scripts/count-calls

# Host calls for a fork, an exec, a page.
count-host-calls: all image image-debian
	@scripts/count-host-calls

demo: all image
	@scripts/demo

# The kernel tree's own selftests in a box, against tests/kselftest.list; TESTS='mm/* timers/nanosleep': some of them.
kselftest: all image-debian
	@scripts/kselftest $(TESTS)

# Random code, rewritten, does what it did before; FUZZ_SECONDS=60. FUZZ_SITE: a copy of site.c with a bug, for tests.
FUZZ := build/fuzz/fuzz_site
FUZZ_SITE := kernel/arch/kbox/x86_64/site.c

fuzz: $(FUZZ)
	@tests/fuzz/run

$(FUZZ): $(wildcard tests/fuzz/*.[ch]) $(FUZZ_SITE) $(REWRITE_H) build/gen/inat-tables.c
	@mkdir -p $(@D)
	clang $(WARN) $(SAN) -fsanitize=fuzzer -Itests/fuzz $(REWRITE_INC) -o $@ $(filter tests/fuzz/%.c,$^) $(FUZZ_SITE) $(DECODER)

# The device side against a hostile guest, and the network's policy. FUZZ_DEVICES_SRC: a copy of src with a bug, for tests.
FUZZ_DEVICES := build/fuzz-devices/fuzz_devices
FUZZ_DEVICES_SRC := src
WRAPPED := guest_read vq_pop pread pwrite preadv pwritev fallocate getrandom read writev

fuzz-devices: $(FUZZ_DEVICES)
	@tests/fuzz/devices/run

$(FUZZ_DEVICES): $(wildcard tests/fuzz/devices/*.[ch] $(FUZZ_DEVICES_SRC)/*.h) $(ABI) \
		tests/unit/packets.h $(addprefix $(FUZZ_DEVICES_SRC)/,virtio_blk.c virtio_rng.c virtio_net.c devices.c virtqueue.c \
		disk.c guestmem.c memfd.c frames.c policy.c packet.c answer.c allow.c learned.c dns.c flows.c ack.c resolv.c number.c)
	@mkdir -p $(@D)
	clang $(WARN) $(SAN) -fsanitize=fuzzer -I$(FUZZ_DEVICES_SRC) $(INC) $(WRAPPED:%=-Wl,--wrap=%) -pthread -o $@ \
		$(filter-out $(FUZZ_DEVICES_SRC)/devices.c,$(filter %.c,$^)) -lresolv

build/unit/test_site build/unit/test_walk build/unit/test_cancel: build/unit/%: tests/unit/%.c $(REWRITE) $(REWRITE_H) build/gen/inat-tables.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(REWRITE_INC) -o $@ $< $(REWRITE) $(DECODER) -lcmocka

build/unit/test_site_arm64: tests/unit/test_site_arm64.c kernel/arch/kbox/arm64/site.c $(REWRITE_H) build/gen/inat-tables.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) -idirafter kernel/arch/kbox/arm64/include $(REWRITE_INC) -o $@ $(filter %.c,$(filter-out build/gen/%,$^)) -lcmocka

build/unit/test_slirp: tests/unit/test_slirp.c $(filter-out %/main.c %/stack.c,$(SLIRP)) $(wildcard src/slirp/*.h src/*.h) $(ABI)
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(INC) -Isrc/slirp -o $@ $(filter %.c,$^) -lcmocka

# It includes the table itself.
build/unit/test_hostfd_table: tests/unit/test_hostfd_table.c $(HOSTFD) | $(LINUX)/.unpacked
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(HOSTFD_INC) -o $@ $< -lcmocka

unit-tests: all build/gen/inat-tables.c
	@$(MAKE) --no-print-directory -s -j$$(nproc) $(UNIT_TESTS)

# The launcher's own, once for all unit tests.
UNIT_OBJECTS := $(patsubst src/%.c,$(B)/unit-objects/%.o,$(filter-out src/main.c,$(LAUNCHER)))

# They stay.
.SECONDARY: $(UNIT_OBJECTS)

$(B)/unit-objects/%.o: src/%.c $(wildcard src/*.h) $(ABI) $(B)/gen/callnames.h
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(INC) $(JSON_INC) $(UNIT_FLAGS) -pthread -c -o $@ $<

# Its clock is its own.
$(B)/unit/test_policy: UNIT_WRAPPED := -Wl,--wrap=seconds,--wrap=flow_ended

$(B)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(WARN) $(SAN) $(INC) $(UNIT_FLAGS) $(UNIT_WRAPPED) -pthread -o $@ $< $(UNIT_OBJECTS) -lcmocka -lresolv $(JSON_LIB)

clean:
	rm -rf build
