// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker over code segments: which sites it reports of bytes that are assembled by hand, and
 * that it stays inside.
 */
#define _GNU_SOURCE	/* memfd_create() */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "rewrite.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(s) (s), sizeof(s) - 1
#define ADDR 0x400000UL
#define NOP7 "\x0f\x1f\x80\0\0\0\0"
#define PAD NOP7 NOP7 NOP7 NOP7 NOP7 NOP7 NOP7 NOP7 NOP7 NOP7

/* One letter per site, offset and number: "W5:39" a wrapper, "C5:-1" another; with ? if unsure. */
struct found {
	u64 addr;
	char text[4096];
};

static bool note(const struct wrapper_site *s, void *cookie)
{
	struct found *f = cookie;
	size_t n = strlen(f->text);

	snprintf(f->text + n, sizeof(f->text) - n, "%s%c%llu:%d%s", n ? " " : "", s->class == SITE_WRAPPER ? 'W' : 'C',
		 (unsigned long long)(s->addr - f->addr), s->nr, s->unsure ? "?" : "");
	return true;
}

/* The bytes are copied to memory of their size, so that what is read beyond them is found. */
static void assert_found(enum kbox_isa isa, u64 addr, const char *bytes, size_t n, const char *want)
{
	struct found f = { .addr = addr };
	u8 *copy = malloc(n);

	memcpy(copy, bytes, n);
	assert_true(wrapper_nr_scan_segment(isa, copy, addr, n, note, &f));
	assert_string_equal(f.text, want);
	free(copy);
}

static void x86(const char *code, size_t n, const char *want)
{
	char text[256];

	memcpy(text, PAD, 70);
	memcpy(text + 70, code, n);
	memcpy(text + 70 + n, PAD, 70);
	assert_found(KBOX_ISA_X86_64, ADDR - 70, text, 140 + n, want);
}

static void x86_numbers(void **state)
{
	(void)state;
	x86(BYTES("\xb8\x27\0\0\0\x0f\x05\xc3"), "W75:39");			/* mov $39,%eax; syscall; ret */
	x86(BYTES("\x48\xc7\xc0\x27\0\0\0\x0f\x05\xc3"), "W77:39");		/* mov $39,%rax */
	x86(BYTES("\x31\xc0\x0f\x05\xc3"), "W72:0");				/* xor %eax,%eax */
	x86(BYTES("\x33\xc0\x0f\x05\xc3"), "W72:0");
	x86(BYTES("\xb8\xb3\x01\0\0\x0f\x05\xc3"), "W75:435");
	x86(BYTES("\xb8\x0f\0\0\0\x0f\x05"), "C75:15");				/* a signal trampoline */
	x86(BYTES("\xb8\x27\0\0\0\x0f\x05\x48\x3d\x01\xf0\xff\xff"), "C75:39");	/* cmp $-4095,%rax */
	x86(BYTES("\xb8\x27\0\0\0\x0f\x05\x48\x89\xc7\xc3"), "C75:39");		/* mov %rax,%rdi; ret */
	x86(BYTES("\x89\xf8\x0f\x05\xc3"), "C72:-1");				/* mov %edi,%eax */
	x86(BYTES("\xb8\x27\0\0\0\x90\x0f\x05\xc3"), "C76:-1");			/* not right before */
	x86(BYTES("\x41\xb8\x27\0\0\0\x0f\x05\xc3"), "C76:-1");			/* mov $39,%r8d */
	x86(BYTES("\xbf\0\0\x31\xc0\x0f\x05\xc3"), "C75:-1");			/* mov $0xc0310000,%edi */
}

static void x86_not_sites(void **state)
{
	(void)state;
	x86(BYTES("\xb9\x0f\x05\0\0\xc3"), "");					/* mov $0x50f,%ecx */
	x86(BYTES("\xb9\0\0\x0f\x05\xc3"), "");					/* mov $0x50f0000,%ecx */
	x86(BYTES("\x48\x8b\x05\x0f\x05\0\0\xc3"), "");				/* mov 0x50f(%rip),%rax */
	x86(BYTES("\x0f\x34\x0f\x0b"), "");
}

/*
 * Two readings that do not meet: one of them comes to the call. Or nothing is known of what
 * follows.
 */
static void x86_unsure(void **state)
{
	char text[96];

	(void)state;
	memset(text, 0xb8, 60);
	memcpy(text + 60, "\x27\0\0\0\x0f\x05\xc3", 7);
	memset(text + 67, 0x90, 29);
	assert_found(KBOX_ISA_X86_64, ADDR, text, sizeof(text), "W64:39?");
	/* The call may be the end of mov $0x50fb8b8,%eax. */
	memset(text, 0xb8, 60);
	memcpy(text + 60, "\x0f\x05", 2);
	memset(text + 62, 0x90, 34);
	assert_found(KBOX_ISA_X86_64, ADDR, text, sizeof(text), "C60:-1195853640?");
	/* No VEX instruction has this opcode. */
	x86(BYTES("\x0f\x05\xc5\xf8\x04\xc5\xf8\x04\xc5\xf8\x04"), "C70:-1?");
}

/* All unsure: too little is before them. */
static void x86_ends(void **state)
{
	static const char code[] = "\xb8\x27\0\0\0\x0f\x05\xc3\xb8\x28\0\0\0\x0f\x05\xc3";

	(void)state;
	for (size_t n = 0; n < sizeof(code); n++)
		assert_found(KBOX_ISA_X86_64, ADDR, code, n,
			     n < 7 ? "" : n < 8 ? "C5:39?" : n < 15 ? "W5:39?" : n < 16 ? "W5:39? C13:40?" : "W5:39? W13:40?");
	/* It begins inside, and with, the call. */
	assert_found(KBOX_ISA_X86_64, ADDR, BYTES("\0\0\0\x0f\x05\xc3"), "C3:-1?");
	assert_found(KBOX_ISA_X86_64, ADDR, BYTES("\x0f\x05\xc3"), "C0:-1?");
	assert_found(KBOX_ISA_X86_64, ADDR, BYTES("\x05\xc3"), "");
	/* At an odd address, and at the end of the address space. */
	assert_found(KBOX_ISA_X86_64, 0x12345, BYTES("\xb8\x27\0\0\0\x0f\x05\xc3"), "W5:39?");
	assert_found(KBOX_ISA_X86_64, -8UL, BYTES("\xb8\x27\0\0\0\x0f\x05"), "C5:39?");
}

#define MOVZ_X8(nr) (0xd2800008u | (nr) << 5)
#define MOVZ_W8(nr) (0x52800008u | (nr) << 5)
#define SVC 0xd4000001u
#define RET 0xd65f03c0u
#define NOP 0xd503201fu

static void a64(const u32 *words, size_t n, const char *want)
{
	char bytes[128];

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 4; k++)
			bytes[4 * i + k] = words[i] >> 8 * k;
	assert_found(KBOX_ISA_AARCH64, ADDR, bytes, 4 * n, want);
}
#define A64(want, ...) a64((const u32[]) { __VA_ARGS__ }, COUNT(((const u32[]) { __VA_ARGS__ })), want)

static void a64_numbers(void **state)
{
	(void)state;
	A64("W4:172", MOVZ_X8(172), SVC, RET);
	A64("W4:172", MOVZ_W8(172), SVC, RET);
	A64("W4:0", MOVZ_X8(0), SVC, RET);
	A64("W4:65535", MOVZ_X8(65535), SVC, RET);
	A64("C4:172", MOVZ_X8(172), SVC, 0xb140041f, RET);	/* cmn x0, #1, lsl #12 */
	A64("C4:172", MOVZ_X8(172), SVC);
	A64("C0:-1", SVC, RET);
	A64("W8:172", MOVZ_X8(172), NOP, SVC, RET);
	A64("C4:-1", MOVZ_X8(172) - 1, SVC, RET);		/* to x7 */
	A64("C4:-1", MOVZ_X8(172) | 1 << 21, SVC, RET);		/* lsl #16 */
	A64("C4:-1", 0xf2800008 | 172 << 5, SVC, RET);		/* movk */
	A64("C4:-1", 0x92800008 | 172 << 5, SVC, RET);		/* movn */
	A64("W4:172", MOVZ_X8(172), SVC | 1 << 5, RET);		/* svc #1: Linux does not look at it */
	A64("", MOVZ_X8(172), SVC | 2, RET);			/* hvc */
	A64("W4:172 W16:93 C24:-1", MOVZ_X8(172), SVC, RET, MOVZ_X8(93), SVC, RET, SVC);
	A64("W4:172 C12:-1", MOVZ_X8(172), SVC, RET, SVC);
}

/* The number is set before something else. */
static void a64_look_back(void **state)
{
	u32 words[32];

	(void)state;
	A64("W12:220", MOVZ_X8(220), 0xd2800220, 0xd2800001, SVC, RET);		/* mov x0, #17; mov x1, #0 */
	A64("C8:220", MOVZ_X8(220), 0xf9000028, SVC);				/* str x8, [x1] */
	A64("C8:-1", MOVZ_X8(220), 0xaa0103e8, SVC);				/* mov x8, x1 */
	A64("C8:-1", MOVZ_X8(220), 0xf9400028, SVC);				/* ldr x8, [x1] */
	A64("C8:-1", MOVZ_X8(220), 0xa9402029, SVC);				/* ldp x9, x8, [x1] */
	A64("C8:-1", MOVZ_X8(220), 0xf2a00028, SVC);				/* movk x8, #1, lsl #16 */
	A64("C8:172", MOVZ_X8(220), MOVZ_W8(172), SVC);
	A64("C8:-1", MOVZ_X8(220), 0x14000001, SVC);				/* b .+4 */
	A64("C8:-1", MOVZ_X8(220), 0x94000001, SVC);				/* bl .+4 */
	A64("C8:-1", MOVZ_X8(220), 0x34000020, SVC);				/* cbz w0, .+4 */
	A64("C8:-1", MOVZ_X8(220), 0xd63f0020, SVC);				/* blr x1 */
	A64("C4:220 C8:-1", MOVZ_X8(220), SVC, SVC);				/* x8 is the same still, but who knows */
	for (unsigned int n = 0; n < 20; n++) {
		char want[32];

		words[0] = MOVZ_X8(220);
		for (unsigned int i = 1; i <= n; i++)
			words[i] = NOP;
		words[n + 1] = SVC;
		snprintf(want, sizeof(want), "C%u:%d", 4 * n + 4, n < 16 ? 220 : -1);
		a64(words, n + 2, want);
		snprintf(want, sizeof(want), "C%u:-1", 4 * n);
		a64(words + 1, n + 1, want);
	}
}

/* musl 1.2.3's clone(), vfork() and a part of _Fork(), as Debian has them. */
static const u32 musl_clone[] = {
	0x927cec21, 0xa9bf0c20, 0x2a0203e0, 0xaa0403e2, 0xaa0503e3, 0xaa0603e4, 0xd2801b88, 0xd4000001, 0xb4000040,
	0xd65f03c0, 0xa8c103e1, 0xd63f0020, 0xd2800ba8, 0xd4000001,
};
static const u32 musl_vfork[] = {
	0xa9bf7bfd, 0xd2801b88, 0xd2800220, 0x910003fd, 0xd2800001, 0xd4000001, 0x94000000, 0xa8c17bfd, 0xd65f03c0,
};
static const u32 musl_fork[] = {
	0x94000000, 0xd2801b88, 0xd2800220, 0xd2800001, 0xd4000001, 0xaa0003f3, 0x35000220, 0xd2801648, 0xd53bd041,
	0xd1032021, 0xd4000001,
};

static void a64_musl_forks(void **state)
{
	(void)state;
	a64(musl_clone, COUNT(musl_clone), "C28:220 C52:93");
	a64(musl_vfork, COUNT(musl_vfork), "C20:220");
	a64(musl_fork, COUNT(musl_fork), "C16:220 C40:178");
}

static void a64_ends(void **state)
{
	static const char code[] = "\x88\x15\x80\xd2\x01\0\0\xd4\xc0\x03\x5f\xd6";	/* mov x8, #172; svc #0; ret */
	char shifted[sizeof(code) + 3] = "";

	(void)state;
	for (size_t n = 0; n < sizeof(code); n++)
		assert_found(KBOX_ISA_AARCH64, ADDR, code, n, n < 8 ? "" : n < 12 ? "C4:172" : "W4:172");
	/* A segment at an odd address: the aligned words of it count, and they alone. */
	for (unsigned int odd = 1; odd < 4; odd++) {
		memcpy(shifted + 4 - odd, code, sizeof(code) - 1);
		assert_found(KBOX_ISA_AARCH64, ADDR + odd, shifted, 4 - odd + sizeof(code) - 1,
			     (const char *[]) { "", "W7:172", "W6:172", "W5:172" }[odd]);
		assert_found(KBOX_ISA_AARCH64, ADDR + odd, code, sizeof(code) - 1, "");
		for (unsigned int n = 0; n < 4; n++)
			assert_found(KBOX_ISA_AARCH64, ADDR + odd, code, n, "");
	}
}

static bool has_fork(enum kbox_isa isa, u32 nr)
{
	u8 x86[] = { 0xb8, nr, nr >> 8, 0, 0, 0x0f, 0x05, 0xc3 };
	u32 a64[] = { MOVZ_X8(nr), SVC, RET };

	if (isa == KBOX_ISA_X86_64)
		return kbox_rewrite_has_fork_sites(isa, x86, ADDR, sizeof(x86));
	return kbox_rewrite_has_fork_sites(isa, (u8 *)a64, ADDR, sizeof(a64));
}

static void forks(void **state)
{
	(void)state;
	for (u32 nr = 0; nr < 600; nr++) {
		assert_int_equal(has_fork(KBOX_ISA_X86_64, nr), nr == 56 || nr == 57 || nr == 58 || nr == 435);
		assert_int_equal(has_fork(KBOX_ISA_AARCH64, nr), nr == 220 || nr == 435);
	}
}

/* In whatever place, and if the result is looked at. */
static void forks_among_others(void **state)
{
	static const u8 x86[] = "\x31\xc0\x0f\x05\xc3\xb8\x27\0\0\0\x0f\x05\xc3\xb8\x39\0\0\0\x0f\x05\x48\x3d\x01\xf0\xff\xff\xc3";
	static const u32 a64[] = { MOVZ_X8(172), SVC, RET, MOVZ_X8(220), SVC, 0xb140041f, RET };

	(void)state;
	assert_true(kbox_rewrite_has_fork_sites(KBOX_ISA_X86_64, x86, ADDR, sizeof(x86) - 1));
	assert_false(kbox_rewrite_has_fork_sites(KBOX_ISA_X86_64, x86, ADDR, 13));
	assert_true(kbox_rewrite_has_fork_sites(KBOX_ISA_AARCH64, (const u8 *)a64, ADDR, sizeof(a64)));
	assert_false(kbox_rewrite_has_fork_sites(KBOX_ISA_AARCH64, (const u8 *)a64, ADDR, 12));
	assert_false(kbox_rewrite_has_fork_sites(KBOX_ISA_AARCH64, NULL, ADDR, 0));
	assert_false(kbox_rewrite_has_fork_sites(KBOX_ISA_X86_64, NULL, ADDR, 0));
}

/* A file with one segment, for this machine, in memory. */
static int elf_file(unsigned int machine, const void *code, size_t size)
{
	Elf64_Ehdr e = {
		.e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = machine, .e_phoff = sizeof(e), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr ph = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = sizeof(e) + sizeof(ph), .p_vaddr = ADDR, .p_filesz = size,
		.p_memsz = size,
	};
	int fd = memfd_create("program", MFD_CLOEXEC);

	e.e_ident[EI_CLASS] = ELFCLASS64;
	e.e_ident[EI_DATA] = ELFDATA2LSB;
	assert_int_equal(write(fd, &e, sizeof(e)), sizeof(e));
	assert_int_equal(write(fd, &ph, sizeof(ph)), sizeof(ph));
	assert_int_equal(write(fd, code, size), size);
	return fd;
}

static int file_has_fork(unsigned int machine, const void *code, size_t size)
{
	int fd = elf_file(machine, code, size), has = kbox_rewrite_file_has_fork_sites(fd);

	/* Its position does not matter, and is not changed. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), lseek(fd, 0, SEEK_END));
	close(fd);
	return has;
}

static void files(void **state)
{
	static const u32 clone[] = { MOVZ_X8(172), SVC, RET, MOVZ_X8(220), SVC, RET };
	int fd;

	(void)state;
	assert_int_equal(file_has_fork(EM_AARCH64, clone, sizeof(clone)), 1);
	assert_int_equal(file_has_fork(EM_AARCH64, clone, 12), 0);
	assert_int_equal(file_has_fork(EM_X86_64, BYTES("\xb8\x38\0\0\0\x0f\x05\xc3")), 1);
	assert_int_equal(file_has_fork(EM_X86_64, BYTES("\xb8\x27\0\0\0\x0f\x05\xc3")), 0);
	assert_int_equal(file_has_fork(EM_386, clone, sizeof(clone)), -1);
	fd = elf_file(EM_AARCH64, clone, sizeof(clone));
	assert_int_equal(ftruncate(fd, 130), 0);
	assert_int_equal(kbox_rewrite_file_has_fork_sites(fd), -1);
	close(fd);
	assert_int_equal(kbox_rewrite_file_has_fork_sites(-1), -1);
}

static bool stop(const struct wrapper_site *s, void *cookie)
{
	(void)s;
	return --*(int *)cookie;
}

static void callback_ends_walk(void **state)
{
	static const u8 code[] = "\x0f\x05\x0f\x05\x0f\x05\x0f\x05";
	int left = 2;

	(void)state;
	assert_false(wrapper_nr_scan_segment(KBOX_ISA_X86_64, code, ADDR, 8, stop, &left));
	assert_int_equal(left, 0);
}

struct order {
	const u8 *bytes;
	u64 addr, size, last;
};

static bool in_order(const struct wrapper_site *s, void *cookie)
{
	struct order *o = cookie;

	assert_true(s->addr - o->addr < o->size && s->addr >= o->last);
	assert_int_equal(o->bytes[s->addr - o->addr] == 0x0f, o->bytes[s->addr - o->addr + 1] == 0x05);
	o->last = s->addr + 1;
	return true;
}

/* Random words, with calls among them, at each alignment and of odd sizes. */
static void random_words(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 64; round++) {
		u64 size = 1000 + rand() % 9;
		struct order o = { .addr = ADDR + rand() % 9, .size = size };
		u8 *bytes = malloc(size);

		for (u64 i = 0; i < size; i++)
			bytes[i] = rand() >> 8;
		for (u64 i = 0; i + 4 < size; i += 1 + rand() % 16)
			memcpy(bytes + i, rand() & 1 ? "\x0f\x05\xc3" : "\x01\0\0\xd4", rand() & 1 ? 3 : 4);
		o.bytes = bytes;
		o.last = o.addr;
		wrapper_nr_scan_segment(KBOX_ISA_X86_64, bytes, o.addr, size, in_order, &o);
		o.last = o.addr;
		wrapper_nr_scan_segment(KBOX_ISA_AARCH64, bytes, o.addr, size, in_order, &o);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_numbers), cmocka_unit_test(x86_not_sites), cmocka_unit_test(x86_unsure),
		cmocka_unit_test(x86_ends), cmocka_unit_test(a64_numbers), cmocka_unit_test(a64_ends),
		cmocka_unit_test(a64_look_back), cmocka_unit_test(a64_musl_forks), cmocka_unit_test(files),
		cmocka_unit_test(forks), cmocka_unit_test(forks_among_others), cmocka_unit_test(callback_ends_walk),
		cmocka_unit_test(random_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
