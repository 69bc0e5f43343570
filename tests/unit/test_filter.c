// SPDX-License-Identifier: GPL-2.0-only
/* What the guests' filter lets through, by running it here. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include "arch.h"
#include "filter.h"
#include "hostcalls.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define START 0x700000123450UL
#define END 0x700000123980UL
#define X32_BIT 0x40000000
#define MEMORY 7
#define NULL_FD 9
#define EPOLL 11
#define VOLUMES 20
#define WRITTEN 23		/* to VOLUMES_END */
#define VOLUMES_END 26
#define ALL_GIVEN (WITH_FILES | WITH_MAPS | WITH_SOCKETS | WITH_NAMES | WITH_VOLUMES | WITH_WRITES | WITH_PATHS | WITH_UPPER)
#define REFUSED SECCOMP_RET_USER_NOTIF
#define ASKED SECCOMP_RET_TRACE		/* a broker, for a file of a volume; in truth that is another word */

static struct sock_filter prog[FILTER_MAX];
static size_t length;
static uint32_t paths = SECCOMP_RET_ALLOW;

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


static struct filter_box box;

static void make(uint64_t start, uint64_t end, unsigned given)
{
	memset(prog, 0xff, sizeof(prog));
	box = (struct filter_box) {
		.start = start, .end = end, .given = given, .mem_fd = MEMORY, .null_fd = NULL_FD, .epoll_fd = EPOLL,
		.volumes = VOLUMES, .written = WRITTEN, .volumes_end = VOLUMES_END, .refused = REFUSED,
		.signals = SECCOMP_RET_ALLOW, .paths = paths,
	};
	length = make_filter(prog, &box);
}

static int set_up(void **state)
{
	(void)state;
	make(START, END, 0);
	return 0;
}

static uint32_t call(uint64_t ip, uint32_t arch, int nr)
{
	return decide(&(struct seccomp_data) { .nr = nr, .arch = arch, .instruction_pointer = ip });
}

static struct seccomp_data from_kernel(int nr, const uint64_t args[6])
{
	struct seccomp_data d = { .nr = nr, .arch = ARCH_AUDIT, .instruction_pointer = START };

	memcpy(d.args, args, sizeof(d.args));
	return d;
}

#define ASK(nr, ...) decide(&(struct seccomp_data) { nr, ARCH_AUDIT, START, { __VA_ARGS__ } })
#define PASSES(...) assert_int_equal(ASK(__VA_ARGS__), SECCOMP_RET_ALLOW)
#define REFUSES(...) assert_int_equal(ASK(__VA_ARGS__), REFUSED)

/* As the host's kernel checks it: no jump leaves the program, and the end returns. */
static void well_formed(void **state)
{
	(void)state;
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		make(START, END, given);
		assert_true(length > 0 && length <= FILTER_MAX);
		for (size_t pc = 0; pc < length; pc++) {
			if (BPF_CLASS(prog[pc].code) != BPF_JMP)
				continue;
			if (prog[pc].code == (BPF_JMP | BPF_JA)) {
				assert_true(pc + 1 + prog[pc].k < length);
				continue;
			}
			assert_true(pc + 1 + prog[pc].jt < length);
			assert_true(pc + 1 + prog[pc].jf < length);
		}
		assert_int_equal(BPF_CLASS(prog[length - 1].code), BPF_RET);
	}
}

/* What a box without descriptors can ask for is to stay a short list. */
static void few_forms(void **state)
{
	size_t forms = 0;

	(void)state;
	for (size_t i = 0; i < nhost_calls; i++)
		forms += !host_calls[i].needs;
	assert_true(forms <= 30);
}

static void what_the_kernel_asks_for(void **state)
{
	const uint64_t process = CLONE_PARENT | CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD;
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
				CLONE_PARENT_SETTID;

	(void)state;
	PASSES(SYS_futex, 0x1000, 0, 1);
	PASSES(SYS_futex, 0x1000, 1, 1);
	REFUSES(SYS_futex, 0x1000, 128);		/* FUTEX_PRIVATE_FLAG */
	REFUSES(SYS_futex, 0x1000, 6);			/* FUTEX_LOCK_PI */
	PASSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, MEMORY, 0);
	PASSES(SYS_mmap, 0x1000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED | MAP_POPULATE, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_LOCKED, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ | PROT_GROWSDOWN, MAP_SHARED | MAP_FIXED, MEMORY, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, MEMORY + 1, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | 1UL << 40, MEMORY, 0);
	PASSES(SYS_munmap, 0x1000, 4096);
	PASSES(SYS_mprotect, 0x1000, 4096, PROT_READ | PROT_EXEC);
	REFUSES(SYS_mprotect, 0x1000, 4096, PROT_READ | PROT_WRITE);
	PASSES(SYS_tgkill, 5, 5, SIGURG);
	PASSES(SYS_tgkill, 5, 5, SIGWINCH);
	REFUSES(SYS_tgkill, 5, 5, 0);
	REFUSES(SYS_tgkill, 5, 5, SIGKILL);
	REFUSES(SYS_tgkill, 5, 5, SIGSTOP);
	PASSES(SYS_clone, process);
	PASSES(SYS_clone, thread);
	for (int bit = 0; bit < 32; bit++) {
		REFUSES(SYS_clone, process ^ 1UL << bit);
		REFUSES(SYS_clone, thread ^ 1UL << bit);
	}
	PASSES(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	REFUSES(SYS_prctl, PR_SET_PDEATHSIG, 0);
	REFUSES(SYS_prctl, PR_SET_PDEATHSIG, SIGTERM);
	REFUSES(SYS_prctl, PR_SET_DUMPABLE, 0);
	REFUSES(SYS_prctl, PR_SET_MM, 0);
	PASSES(SYS_fallocate, MEMORY, FALLOC_FL_KEEP_SIZE, 0, 4096);
	PASSES(SYS_fallocate, MEMORY, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096);
	REFUSES(SYS_fallocate, MEMORY, 0, 0, 4096);
	REFUSES(SYS_fallocate, 1, FALLOC_FL_KEEP_SIZE, 0, 4096);
	PASSES(SYS_clock_gettime, CLOCK_MONOTONIC);
	REFUSES(SYS_clock_gettime, (uint64_t)-6);	/* the CPU time of a process */
	REFUSES(SYS_clock_gettime, 100);
	PASSES(SYS_madvise, 0x1000, 4096, 23);
	REFUSES(SYS_madvise, 0x1000, 4096, MADV_MERGEABLE);
#ifdef __x86_64__
	PASSES(SYS_arch_prctl, 0x1002);
	REFUSES(SYS_arch_prctl, 0x1012);		/* ARCH_SET_CPUID */
	REFUSES(SYS_arch_prctl, 0x5001);		/* shadow stacks */
#endif
}

static void of_files(void **state)
{
	static const int calls[] = {
		SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_preadv2, SYS_pwritev2, SYS_lseek, SYS_fstat,
		SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_ppoll, SYS_epoll_ctl, SYS_epoll_pwait, SYS_close,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		REFUSES(calls[i], 1);
	make(START, END, WITH_FILES);
	for (size_t i = 0; i < COUNT(calls); i++)
		PASSES(calls[i], 1);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, 1, 0);
	PASSES(SYS_fcntl, 1, F_GETFL);
	PASSES(SYS_fcntl, 1, F_SETFL, O_NONBLOCK | O_APPEND | O_RDWR);
	REFUSES(SYS_fcntl, 1, F_SETFL, O_NONBLOCK | O_ASYNC);
	REFUSES(SYS_fcntl, 1, F_SETOWN, 1);
	REFUSES(SYS_fcntl, 1, F_SETLK);
	REFUSES(SYS_fcntl, 1, F_DUPFD, 100);
	REFUSES(SYS_fcntl, 1, F_ADD_SEALS, 1);
	PASSES(SYS_close, MEMORY + 1);
	REFUSES(SYS_close, MEMORY);
	PASSES(SYS_dup3, NULL_FD, 1, O_CLOEXEC);
	REFUSES(SYS_dup3, NULL_FD, 3, O_CLOEXEC);
	REFUSES(SYS_dup3, NULL_FD, 1, 0);
	REFUSES(SYS_dup3, 1, 2, O_CLOEXEC);
	REFUSES(SYS_preadv2, 1, 0, 1, 0, 0, 1);		/* RWF_HIPRI */
	PASSES(SYS_ioctl, 1, TCGETS);
	PASSES(SYS_ioctl, 1, FIONREAD);
	/* Typing into the user's terminal would be a way out; so would be making it one's own. */
	REFUSES(SYS_ioctl, 1, TIOCSTI);
	REFUSES(SYS_ioctl, 1, TIOCLINUX);
	REFUSES(SYS_ioctl, 1, TIOCSETD);
	REFUSES(SYS_ioctl, 1, TIOCSCTTY);
	REFUSES(SYS_ioctl, 1, TIOCCONS);
	REFUSES(SYS_ioctl, 1, FIOASYNC);
	/* The host's kernel looks at 32 bits of a request. */
	REFUSES(SYS_ioctl, 1, TIOCSTI | 1UL << 32);
}

static void of_maps(void **state)
{
	(void)state;
	make(START, END, WITH_FILES | WITH_MAPS);
	PASSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, 1, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, 1, 0);
	REFUSES(SYS_mmap, 0x1000, 4096, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
}

static void of_sockets(void **state)
{
	static const int calls[] = {
		SYS_sendmsg, SYS_recvmsg, SYS_listen, SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		REFUSES(calls[i], 1);
	make(START, END, WITH_FILES | WITH_SOCKETS);
	for (size_t i = 0; i < COUNT(calls); i++)
		PASSES(calls[i], 1);
	PASSES(SYS_accept4, 1, 0, 0, SOCK_CLOEXEC);
	REFUSES(SYS_sendmsg, 1, 0x1000, MSG_FASTOPEN);	/* it would connect */
	PASSES(SYS_setsockopt, 1, SOL_SOCKET, SO_KEEPALIVE);
	REFUSES(SYS_setsockopt, 1, SOL_SOCKET, SO_BINDTODEVICE);
	REFUSES(SYS_setsockopt, 1, SOL_SOCKET, SO_ATTACH_FILTER);
	REFUSES(SYS_setsockopt, 1, SOL_SOCKET, SO_MARK);
	REFUSES(SYS_bind, 1);
	REFUSES(SYS_connect, 1);
	make(START, END, ALL_GIVEN);
	PASSES(SYS_bind, 1);
	PASSES(SYS_connect, 1);
	REFUSES(SYS_socket, 1);
}

/* Of the kinds of box that have volumes, one after the other. */
static void of_volumes(void **state)
{
	static const uint64_t others[] = { 0, 1, MEMORY, NULL_FD, VOLUMES - 1, VOLUMES_END, (uint32_t)AT_FDCWD, 1000 };

	(void)state;
	make(START, END, WITH_VOLUMES);
	for (int fd = VOLUMES; fd < VOLUMES_END; fd++) {
		PASSES(SYS_openat2, fd, 0x1000, 0x2000, 24);
		PASSES(SYS_readlinkat, fd, 0x1000, 0x2000, 100);
		REFUSES(SYS_close, fd);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		REFUSES(SYS_openat2, others[i], 0x1000, 0x2000, 24);
		REFUSES(SYS_readlinkat, others[i], 0x1000, 0x2000, 100);
	}
	REFUSES(SYS_openat2, VOLUMES, 0x1000, 0x2000, 25);
	PASSES(SYS_close, VOLUMES_END);
	PASSES(SYS_close, VOLUMES - 1);
	REFUSES(SYS_close, MEMORY);
	PASSES(SYS_pread64, 1);
	PASSES(SYS_mmap, 0x1000, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, 50, 0);
	REFUSES(SYS_read, 1);
	REFUSES(SYS_statx, VOLUMES, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_openat, VOLUMES, 0x1000, O_RDONLY);
}

static void of_written_volumes(void **state)
{
	static const int written[] = {
		SYS_pwrite64, SYS_pwritev2, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_fchmod, SYS_fchown,
		SYS_fsetxattr, SYS_fremovexattr, SYS_copy_file_range,
	};
	/* What it does not have of a volume, whose modes and owners are not the guest's. */
	static const uint64_t ours[] = { 0, 1, 2, MEMORY, NULL_FD, EPOLL };

	(void)state;
	make(START, END, WITH_VOLUMES);
	for (size_t i = 0; i < COUNT(written); i++)
		REFUSES(written[i], 50);
	REFUSES(SYS_mkdirat, WRITTEN, 0x1000, 0755);
	make(START, END, WITH_VOLUMES | WITH_WRITES);
	for (size_t i = 0; i < COUNT(written); i++)
		PASSES(written[i], 50);
	for (int fd = VOLUMES - 1; fd <= VOLUMES_END; fd++) {
		uint32_t right = fd >= WRITTEN && fd < VOLUMES_END ? SECCOMP_RET_ALLOW : REFUSED;

		assert_int_equal(ASK(SYS_mkdirat, fd, 0x1000, 0755), right);
		assert_int_equal(ASK(SYS_mknodat, fd, 0x1000, S_IFIFO | 0644), right);
		assert_int_equal(ASK(SYS_symlinkat, 0x1000, fd, 0x1000), right);
		assert_int_equal(ASK(SYS_unlinkat, fd, 0x1000, AT_REMOVEDIR), right);
		assert_int_equal(ASK(SYS_linkat, fd, 0x1000, WRITTEN, 0x1000, 0), right);
		assert_int_equal(ASK(SYS_linkat, WRITTEN, 0x1000, fd, 0x1000, 0), right);
		assert_int_equal(ASK(SYS_renameat2, fd, 0x1000, WRITTEN, 0x1000, 1), right);
		assert_int_equal(ASK(SYS_renameat2, WRITTEN, 0x1000, fd, 0x1000, 2), right);
	}
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 4);	/* RENAME_WHITEOUT: a device */
	REFUSES(SYS_linkat, WRITTEN, 0x1000, WRITTEN, 0x1000, AT_SYMLINK_FOLLOW);
	REFUSES(SYS_unlinkat, WRITTEN, 0x1000, 1);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR | 0666, 0x105);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFBLK | 0666, 0x105);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0);
	PASSES(SYS_utimensat, 50, 0, 0x1000, 0);
	for (size_t i = 0; i < COUNT(ours); i++) {
		REFUSES(SYS_fchmod, ours[i], 0777);
		REFUSES(SYS_fchmod, ours[i] | 1UL << 32, 0777);
		REFUSES(SYS_fchown, ours[i], 1, 1);
		REFUSES(SYS_fsetxattr, ours[i], 0x1000, 0x1000, 1, 0);
		REFUSES(SYS_fremovexattr, ours[i], 0x1000);
		REFUSES(SYS_utimensat, ours[i], 0, 0x1000, 0);
	}
	REFUSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW);
}

static void of_an_upper_layer(void **state)
{
	(void)state;
	make(START, END, WITH_VOLUMES | WITH_WRITES | WITH_UPPER);
	PASSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0x103);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFBLK, 0);
	REFUSES(SYS_mknodat, WRITTEN - 1, 0x1000, S_IFCHR, 0);
	PASSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 4);	/* RENAME_WHITEOUT */
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 5);
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN - 1, 0x1000, 4);
}

static void of_paths(void **state)
{
	(void)state;
	make(START, END, WITH_VOLUMES | WITH_PATHS);
	PASSES(SYS_statx, VOLUMES, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_statx, VOLUMES, 0x1000, AT_EMPTY_PATH);
	REFUSES(SYS_statx, VOLUMES_END, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_fchmodat, WRITTEN, 0x1000, 0644);
	make(START, END, WITH_VOLUMES | WITH_WRITES | WITH_PATHS);
	PASSES(SYS_fchmodat, WRITTEN, 0x1000, 0644);
	PASSES(SYS_fchownat, WRITTEN, 0x1000, 0, 0, AT_SYMLINK_NOFOLLOW);
	PASSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_fchmodat, WRITTEN - 1, 0x1000, 0644);
	REFUSES(SYS_fchownat, WRITTEN, 0x1000, 0, 0, 0);
	REFUSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, 0);
}

/* Ways to other processes, to files, to more rights. */
static const int forbidden[] = {
#ifdef __x86_64__
	SYS_open, SYS_creat, SYS_fork, SYS_vfork, SYS_unlink, SYS_rename, SYS_chmod,
#endif
	SYS_kill, SYS_tkill, SYS_mremap, SYS_dup, SYS_readv, SYS_writev, SYS_rt_sigprocmask,
	SYS_execve, SYS_execveat, SYS_openat, SYS_socket, SYS_sendto, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_clone3, SYS_mount, SYS_umount2, SYS_chroot, SYS_pivot_root, SYS_setns, SYS_unshare, SYS_bpf,
	SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup, SYS_keyctl, SYS_memfd_create, SYS_shmget, SYS_setuid,
	SYS_truncate, SYS_reboot, SYS_init_module, SYS_name_to_handle_at,
	SYS_open_by_handle_at, SYS_rt_sigqueueinfo, SYS_seccomp, SYS_personality, SYS_setrlimit, SYS_prlimit64, -1,
};

static void never(void **state)
{
	(void)state;
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		make(START, END, given);
		for (size_t i = 0; i < COUNT(forbidden); i++)
			assert_int_equal(call(START, ARCH_AUDIT, forbidden[i]), REFUSED);
		for (size_t i = 0; i < nhost_calls; i++)
			assert_int_equal(call(START, ARCH_AUDIT, host_calls[i].nr | X32_BIT), REFUSED);
	}
}

/* What is only for boxes with volumes. */
static const int of_volumes_alone[] = {
	SYS_openat2, SYS_statx, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mkdirat, SYS_mknodat, SYS_fchmodat,
	SYS_fchmod, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_getdents64, SYS_readlinkat, SYS_fstatfs, SYS_fgetxattr,
	SYS_fsetxattr, SYS_flistxattr, SYS_fremovexattr, SYS_copy_file_range,
};

static void not_without_volumes(void **state)
{
	(void)state;
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		if (given & WITH_VOLUMES)
			continue;
		make(START, END, given);
		for (size_t i = 0; i < COUNT(of_volumes_alone); i++)
			REFUSES(of_volumes_alone[i], VOLUMES);
	}
}

static uint64_t right(const struct check *c, int i)
{
	switch (c->fd) {
	case FD_MEMORY:
	case FD_CLOSES:
		return MEMORY;
	case FD_OPENED:
		return EPOLL;
	case FD_NULL:
		return NULL_FD;
	case FD_VOLUME:
	case FD_WRITTEN:
		return VOLUMES_END - 1;
	default:
		return c->value[i];
	}
}

static bool is_volume(uint64_t fd, uint64_t first)
{
	return fd >= first && fd < VOLUMES_END;
}

static bool fits_check(const struct check *c, uint64_t arg)
{
	bool any = false;

	arg &= c->mask;
	if (c->fd == FD_VOLUME)
		return is_volume(arg, VOLUMES);
	if (c->fd == FD_WRITTEN)
		return is_volume(arg, WRITTEN);
	if (c->fd == FD_CLOSES)
		return arg != MEMORY && !is_volume(arg, VOLUMES);
	if (c->fd == FD_OPENED)
		return arg > 2 && arg != MEMORY && arg != NULL_FD && arg != EPOLL;
	for (int v = 0; v < c->nvalues; v++)
		any |= arg == right(c, v);
	return any;
}

/* Whether the table has a form for it, found out in another way than the filter's. */
static bool listed(const struct seccomp_data *d, unsigned given)
{
	for (size_t i = 0; i < nhost_calls; i++) {
		const struct form *f = &host_calls[i];
		bool fits = f->nr == d->nr && !(f->needs & ~given);

		for (int c = 0; fits && c < CHECKS_MAX && f->check[c].nvalues; c++)
			fits = fits_check(&f->check[c], d->args[f->check[c].arg]);
		if (fits)
			return true;
	}
	return false;
}

static uint64_t random_word(void)
{
	uint64_t word = (uint64_t)random() << 33 ^ (uint64_t)random() << 2 ^ random();

	return word >> random() % 64;
}

/* One of the values that some check of the call has, with a bit changed or not. */
static uint64_t random_arg(int nr, int arg)
{
	const struct form *f = &host_calls[random() % nhost_calls];
	uint64_t word = random_word();

	for (size_t tries = 0; f->nr != nr && tries < nhost_calls; tries++)
		f = &host_calls[(f - host_calls + 1) % nhost_calls];
	for (int c = 0; f->nr == nr && c < CHECKS_MAX && f->check[c].nvalues; c++)
		if (f->check[c].arg == arg)
			word = right(&f->check[c], random() % f->check[c].nvalues);
	return random() % 8 ? word : word ^ 1UL << random() % 64;
}

static void as_the_table_says(void **state)
{
	unsigned passed = 0;

	(void)state;
	srandom(1);
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		make(START, END, given);
		for (int i = 0; i < 20000; i++) {
			int nr = random() % 8 ? host_calls[random() % nhost_calls].nr : (int)random() % 1024 - 1;
			uint64_t args[6];
			struct seccomp_data d;
			uint32_t got;

			for (int a = 0; a < 6; a++)
				args[a] = random_arg(nr, a);
			d = from_kernel(nr, args);
			got = decide(&d);
			assert_int_equal(got, listed(&d, given) ? SECCOMP_RET_ALLOW : REFUSED);
			passed += got == SECCOMP_RET_ALLOW;
		}
	}
	assert_true(passed > 10000);
}

static int paths_are_asked_for(void **state)
{
	(void)state;
	paths = ASKED;
	return 0;
}

static int paths_pass(void **state)
{
	(void)state;
	paths = SECCOMP_RET_ALLOW;
	return 0;
}

static void by_a_broker(void **state)
{
	(void)state;
	make(START, END, ALL_GIVEN);
	/* Each that has a volume's number as its directory. */
	for (size_t i = 0; i < nhost_calls; i++) {
		bool is = false;

		for (int c = 0; c < CHECKS_MAX && host_calls[i].check[c].nvalues; c++)
			is |= host_calls[i].check[c].fd == FD_VOLUME || host_calls[i].check[c].fd == FD_WRITTEN;
		assert_int_equal(host_calls[i].by_path, is);
	}
	assert_int_equal(ASK(SYS_openat2, VOLUMES, 0x1000, 0x1000, 24), ASKED);
	assert_int_equal(ASK(SYS_statx, VOLUMES_END - 1, 0x1000, AT_SYMLINK_NOFOLLOW), ASKED);
	assert_int_equal(ASK(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 0), ASKED);
	assert_int_equal(ASK(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW), ASKED);
	PASSES(SYS_utimensat, 50, 0, 0x1000, 0);
	PASSES(SYS_fchmod, 50, 0644);
	PASSES(SYS_getdents64, 50);
	REFUSES(SYS_openat2, VOLUMES - 1, 0x1000, 0x1000, 24);
	REFUSES(SYS_openat2, VOLUMES, 0x1000, 0x1000, 32);
	REFUSES(SYS_mkdirat, WRITTEN - 1, 0x1000, 0755);
	REFUSES(SYS_linkat, WRITTEN, 0x1000, WRITTEN, 0x1000, AT_SYMLINK_FOLLOW);
}

/* What the supervisor takes for the broker's business is what the filter has meant. */
static void path_calls(void **state)
{
	unsigned asked = 0;

	(void)state;
	srandom(1);
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		make(START, END, given);
		for (int i = 0; i < 20000; i++) {
			int nr = host_calls[random() % nhost_calls].nr;
			uint64_t args[6];
			struct seccomp_data d;
			bool is;

			for (int a = 0; a < 6; a++)
				args[a] = random_arg(nr, a);
			d = from_kernel(nr, args);
			is = is_path_call(&box, &d);
			assert_int_equal(is, decide(&d) == ASKED);
			asked += is;
			d.arch++;
			assert_false(is_path_call(&box, &d));
		}
	}
	assert_true(asked > 10000);
}

static void signals_by_the_supervisor(void **state)
{
	(void)state;
	length = make_filter(prog, &(struct filter_box) {
		.start = START, .end = END, .mem_fd = MEMORY, .null_fd = NULL_FD,
		.refused = SECCOMP_RET_KILL_PROCESS, .signals = SECCOMP_RET_USER_NOTIF,
	});
	assert_int_equal(ASK(SYS_tgkill, 5, 5, SIGURG), SECCOMP_RET_USER_NOTIF);
	assert_int_equal(ASK(SYS_tgkill, 5, 5, SIGTERM), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ASK(SYS_getpid), SECCOMP_RET_ALLOW);
}

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
		cmocka_unit_test_setup(well_formed, set_up),
		cmocka_unit_test_setup(few_forms, set_up),
		cmocka_unit_test_setup(what_the_kernel_asks_for, set_up),
		cmocka_unit_test_setup(of_files, set_up),
		cmocka_unit_test_setup(of_maps, set_up),
		cmocka_unit_test_setup(of_sockets, set_up),
		cmocka_unit_test_setup(of_volumes, set_up),
		cmocka_unit_test_setup(of_written_volumes, set_up),
		cmocka_unit_test_setup(of_an_upper_layer, set_up),
		cmocka_unit_test_setup(of_paths, set_up),
		cmocka_unit_test_setup(never, set_up),
		cmocka_unit_test_setup(not_without_volumes, set_up),
		cmocka_unit_test_setup(as_the_table_says, set_up),
		cmocka_unit_test_setup_teardown(by_a_broker, paths_are_asked_for, paths_pass),
		cmocka_unit_test_setup_teardown(path_calls, paths_are_asked_for, paths_pass),
		cmocka_unit_test_setup(signals_by_the_supervisor, set_up),
		cmocka_unit_test_setup(from_elsewhere, set_up),
		cmocka_unit_test_setup(boundaries, set_up),
		cmocka_unit_test_setup(other_architectures, set_up),
		cmocka_unit_test_setup(ranges_at_the_edges_of_4_gib, set_up),
		cmocka_unit_test_setup(random_places, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
