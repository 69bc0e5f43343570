// SPDX-License-Identifier: GPL-2.0-only
/* From where the guests' filter lets calls through. */
#include "filter_run.h"

static void from_elsewhere(void **state)
{
	static const uint64_t elsewhere[] = {
		0, 1, 0x401000, START & 0xffffffff, END & 0xffffffff, START - (1UL << 32), START + (1UL << 32),
		END + (1UL << 32), START | 1UL << 63, 0x7fffffffe000, 0xffffffffff600000, UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		for (int nr = -1; nr < 500; nr++)
			assert_int_equal(call(elsewhere[i], ARCH_AUDIT, nr), SECCOMP_RET_TRAP);
}

static void boundaries(void **state)
{
	(void)state;
	assert_int_equal(call(START - 1, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
	assert_int_equal(call(START, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_ALLOW);
	assert_int_equal(call(END - 1, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_ALLOW);
	assert_int_equal(call(END, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
	assert_int_equal(call(END - 1, ARCH_AUDIT, SYS_execve), REFUSED);
	assert_int_equal(call(END, ARCH_AUDIT, SYS_execve), SECCOMP_RET_TRAP);
}

/* int $0x80 has other numbers: 11 is execve there, and on 32-bit ARM too. */
static void other_architectures(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64 };

	(void)state;
	for (size_t i = 0; i < COUNT(archs); i++)
		for (int nr = -1; nr < 500 && archs[i] != ARCH_AUDIT; nr++) {
			assert_int_equal(call(START, archs[i], nr), REFUSED);
			assert_int_equal(call(0x401000, archs[i], nr), SECCOMP_RET_TRAP);
		}
}

static void ranges_at_the_edges_of_4_gib(void **state)
{
	(void)state;
	make(0x700000000000, 0x700000001000, 0);
	assert_int_equal(call(0x700000000000, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x6fffffffffff, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
	assert_int_equal(call(0x700000001000, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
	make(0x7000fffff000, 0x7000ffffffff, 0);
	assert_int_equal(call(0x7000fffff000, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x7000fffffffe, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x7000ffffffff, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
	assert_int_equal(call(0x700100000000, ARCH_AUDIT, SYS_getpid), SECCOMP_RET_TRAP);
}

static void random_places(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		uint64_t ip = random() & 1 ? START - 0x1000 + random() % 0x3000 : (uint64_t)random() << 31 ^ random();
		uint32_t got = call(ip, ARCH_AUDIT, SYS_getpid);

		assert_int_equal(got, ip >= START && ip < END ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(from_elsewhere, set_up),
		cmocka_unit_test_setup(boundaries, set_up),
		cmocka_unit_test_setup(other_architectures, set_up),
		cmocka_unit_test_setup(ranges_at_the_edges_of_4_gib, set_up),
		cmocka_unit_test_setup(random_places, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
