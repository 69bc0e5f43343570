// SPDX-License-Identifier: GPL-2.0-only
/* Which calls the guests' filter lets through. */
#include "filter_run.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(well_formed, set_up),
		cmocka_unit_test_setup(few_forms, set_up),
		cmocka_unit_test_setup(what_the_kernel_asks_for, set_up),
		cmocka_unit_test_setup(of_files, set_up),
		cmocka_unit_test_setup(of_maps, set_up),
		cmocka_unit_test_setup(of_sockets, set_up),
		cmocka_unit_test_setup(never, set_up),
		cmocka_unit_test_setup(as_the_table_says, set_up),
		cmocka_unit_test_setup(signals_by_the_supervisor, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
