// SPDX-License-Identifier: GPL-2.0-only
/* What the guests' filter lets through, by running it here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <asm/ioctls.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include "arch.h"
#include "filter.h"

#define START 0x700000123450UL
#define END 0x700000123980UL
#define X32_BIT 0x40000000

static struct sock_filter prog[FILTER_MAX];
static size_t length;

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t word;

	assert_true(at % 4 == 0 && at + 4 <= sizeof(*d));
	memcpy(&word, (const char *)d + at, 4);
	return word;
}

/* One instruction of those that filters are made of (kernel: net/core/filter.c); the next one's place. */
static size_t step(const struct sock_filter *f, size_t pc, uint32_t *a, const struct seccomp_data *d)
{
	int jump;

	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		*a = load(d, f->k);
		return pc + 1;
	case BPF_ALU | BPF_AND | BPF_K:
		*a &= f->k;
		return pc + 1;
	case BPF_JMP | BPF_JA:
		return pc + 1 + f->k;
	case BPF_JMP | BPF_JEQ | BPF_K:
		jump = *a == f->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		jump = *a > f->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		jump = *a >= f->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		jump = (*a & f->k) != 0;
		break;
	default:
		fail_msg("instruction %zu: code %#x", pc, f->code);
		return 0;
	}
	return pc + 1 + (jump ? f->jt : f->jf);
}

static uint32_t decide(const struct seccomp_data *d)
{
	uint32_t a = 0;
	size_t pc = 0;

	for (;;) {
		assert_true(pc < length);
		if (prog[pc].code == (BPF_RET | BPF_K))
			return prog[pc].k;
		pc = step(&prog[pc], pc, &a, d);
	}
}

static uint32_t call(uint64_t ip, uint32_t arch, int nr)
{
	return decide(&(struct seccomp_data) { .nr = nr, .arch = arch, .instruction_pointer = ip });
}

static uint32_t ioctl_call(uint64_t request)
{
	return decide(&(struct seccomp_data) {
		.nr = SYS_ioctl, .arch = ARCH_AUDIT, .instruction_pointer = START, .args = { 0, request },
	});
}

static const int essential[] = {
	SYS_futex, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_tkill, SYS_clone, SYS_exit, SYS_exit_group,
	SYS_sigaltstack, SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_clock_gettime, SYS_read,
	SYS_write, SYS_ppoll,
#ifdef __x86_64__
	SYS_arch_prctl,
#endif
};
/* Ways to other processes, to files, to more rights. */
static const int forbidden[] = {
#ifdef __x86_64__
	SYS_open, SYS_creat, SYS_fork, SYS_vfork, SYS_unlink, SYS_rename, SYS_chmod,
#endif
	SYS_execve, SYS_execveat, SYS_openat, SYS_openat2, SYS_socket, SYS_sendto, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_open,
	SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_clone3, SYS_unlinkat, SYS_renameat2,
	SYS_mount, SYS_umount2, SYS_chroot, SYS_pivot_root, SYS_setns, SYS_unshare, SYS_bpf, SYS_perf_event_open,
	SYS_userfaultfd, SYS_io_uring_setup, SYS_keyctl, SYS_memfd_create, SYS_shmget, SYS_setuid, SYS_fchmodat,
	SYS_fchmod, SYS_truncate, SYS_reboot, SYS_init_module, SYS_name_to_handle_at,
	SYS_open_by_handle_at, SYS_rt_sigqueueinfo, SYS_seccomp, SYS_personality, SYS_setrlimit, SYS_prlimit64, -1,
};

/* Only where the guest is given a socket; it can make none. */
static const int of_sockets[] = {
	SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_sendmsg, SYS_recvmsg, SYS_getsockopt, SYS_setsockopt,
	SYS_getsockname, SYS_getpeername, SYS_shutdown,
};

#define FOR_EACH(nr, list) for (size_t i_ = 0; i_ < sizeof(list) / sizeof((list)[0]) && ((nr) = (list)[i_], 1); i_++)

static int set_up(void **state)
{
	(void)state;
	memset(prog, 0xff, sizeof(prog));
	length = make_filter(prog, START, END, false);
	return 0;
}

/* As the host's kernel checks it: no jump leaves the program, and the end returns. */
static void well_formed(void **state)
{
	(void)state;
	assert_true(length > 0 && length <= FILTER_MAX);
	for (size_t pc = 0; pc < length; pc++) {
		if (BPF_CLASS(prog[pc].code) != BPF_JMP)
			continue;
		assert_true(pc + 1 + prog[pc].jt < length);
		assert_true(pc + 1 + prog[pc].jf < length);
	}
	assert_int_equal(BPF_CLASS(prog[length - 1].code), BPF_RET);
}

static void from_the_kernel(void **state)
{
	int nr;

	(void)state;
	FOR_EACH(nr, essential)
		assert_int_equal(call(START, ARCH_AUDIT, nr), SECCOMP_RET_ALLOW);
	FOR_EACH(nr, forbidden)
		assert_int_equal(call(START, ARCH_AUDIT, nr), SECCOMP_RET_KILL_PROCESS);
	FOR_EACH(nr, essential)
		assert_int_equal(call(START, ARCH_AUDIT, nr | X32_BIT), SECCOMP_RET_KILL_PROCESS);
}

static void with_sockets(void **state)
{
	int nr;

	FOR_EACH(nr, of_sockets)
		assert_int_equal(call(START, ARCH_AUDIT, nr), SECCOMP_RET_KILL_PROCESS);
	length = make_filter(prog, START, END, true);
	well_formed(state);
	FOR_EACH(nr, of_sockets)
		assert_int_equal(call(START, ARCH_AUDIT, nr), SECCOMP_RET_ALLOW);
	from_the_kernel(state);
	set_up(state);
}

static void from_elsewhere(void **state)
{
	static const uint64_t elsewhere[] = {
		0, 1, 0x401000, START & 0xffffffff, END & 0xffffffff, START - (1UL << 32), START + (1UL << 32),
		END + (1UL << 32), START | 1UL << 63, 0x7fffffffe000, 0xffffffffff600000, UINT64_MAX,
	};
	int nr;

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		FOR_EACH(nr, essential)
			assert_int_equal(call(elsewhere[i], ARCH_AUDIT, nr), SECCOMP_RET_TRAP);
		FOR_EACH(nr, forbidden)
			assert_int_equal(call(elsewhere[i], ARCH_AUDIT, nr), SECCOMP_RET_TRAP);
	}
}

static void boundaries(void **state)
{
	(void)state;
	assert_int_equal(call(START - 1, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
	assert_int_equal(call(START, ARCH_AUDIT, SYS_write), SECCOMP_RET_ALLOW);
	assert_int_equal(call(END - 1, ARCH_AUDIT, SYS_write), SECCOMP_RET_ALLOW);
	assert_int_equal(call(END, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
	assert_int_equal(call(END - 1, ARCH_AUDIT, SYS_execve), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(call(END, ARCH_AUDIT, SYS_execve), SECCOMP_RET_TRAP);
}

/* int $0x80 has other numbers: 11 is execve there, and on 32-bit ARM too. */
static void other_architectures(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64 };

	(void)state;
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		for (int nr = -1; nr < 500 && archs[i] != ARCH_AUDIT; nr++) {
			assert_int_equal(call(START, archs[i], nr), SECCOMP_RET_KILL_PROCESS);
			assert_int_equal(call(0x401000, archs[i], nr), SECCOMP_RET_TRAP);
		}
}

/* There is no fourth answer, and none that depends on where in the range the call is. */
static void every_number(void **state)
{
	unsigned allowed = 0;

	(void)state;
	for (int nr = -1; nr < 1024; nr++) {
		uint32_t first = call(START, ARCH_AUDIT, nr);

		assert_true(first == SECCOMP_RET_ALLOW || first == SECCOMP_RET_KILL_PROCESS);
		assert_int_equal(call(END - 2, ARCH_AUDIT, nr), first);
		assert_int_equal(call(END, ARCH_AUDIT, nr), SECCOMP_RET_TRAP);
		allowed += first == SECCOMP_RET_ALLOW;
	}
	assert_true(allowed < 64);
}

/* Typing into the user's terminal would be a way out. */
static void terminal_injection(void **state)
{
	(void)state;
	assert_int_equal(ioctl_call(TIOCSTI), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ioctl_call(TIOCLINUX), SECCOMP_RET_KILL_PROCESS);
	/* The host's kernel looks at 32 bits of a request. */
	assert_int_equal(ioctl_call(TIOCSTI | 1UL << 32), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ioctl_call(TIOCLINUX | 0xffffffffUL << 32), SECCOMP_RET_KILL_PROCESS);
}

static void ranges_at_the_edges_of_4_gib(void **state)
{
	(void)state;
	length = make_filter(prog, 0x700000000000, 0x700000001000, false);
	assert_int_equal(call(0x700000000000, ARCH_AUDIT, SYS_write), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x6fffffffffff, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
	assert_int_equal(call(0x700000001000, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
	length = make_filter(prog, 0x7000fffff000, 0x7000ffffffff, false);
	assert_int_equal(call(0x7000fffff000, ARCH_AUDIT, SYS_write), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x7000fffffffe, ARCH_AUDIT, SYS_write), SECCOMP_RET_ALLOW);
	assert_int_equal(call(0x7000ffffffff, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
	assert_int_equal(call(0x700100000000, ARCH_AUDIT, SYS_write), SECCOMP_RET_TRAP);
}

static void random_places(void **state)
{
	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		uint64_t ip = random() & 1 ? START - 0x1000 + random() % 0x3000 : (uint64_t)random() << 31 ^ random();
		uint32_t got = call(ip, ARCH_AUDIT, SYS_write);

		assert_int_equal(got, ip >= START && ip < END ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(well_formed, set_up),
		cmocka_unit_test_setup(from_the_kernel, set_up),
		cmocka_unit_test_setup(with_sockets, set_up),
		cmocka_unit_test_setup(from_elsewhere, set_up),
		cmocka_unit_test_setup(boundaries, set_up),
		cmocka_unit_test_setup(other_architectures, set_up),
		cmocka_unit_test_setup(every_number, set_up),
		cmocka_unit_test_setup(terminal_injection, set_up),
		cmocka_unit_test_setup(ranges_at_the_edges_of_4_gib, set_up),
		cmocka_unit_test_setup(random_places, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
