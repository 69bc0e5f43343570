// SPDX-License-Identifier: GPL-2.0-only
/* The guests' seccomp filter: it decides by instruction pointer (seccomp(2)). */
#include <asm/ioctls.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include "arch.h"
#include "filter.h"

/* What the kernel asks of the host, the frequent ones first: the list is walked for every host call. */
static const int allowed[] = {
	SYS_futex, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_tkill, SYS_clone, SYS_read, SYS_write, ARCH_CALLS
	SYS_exit, SYS_sigaltstack, SYS_rt_sigreturn, SYS_prctl, SYS_getppid, SYS_exit_group,
	SYS_clock_gettime, SYS_sched_yield, SYS_madvise, SYS_mremap, SYS_fallocate, SYS_fstat, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_tgkill, SYS_kill, SYS_gettid, SYS_getpid, SYS_pread64, SYS_pwrite64, SYS_readv,
	SYS_writev, SYS_ppoll, SYS_lseek, SYS_close, SYS_dup, SYS_fcntl, SYS_restart_syscall,
	SYS_epoll_ctl, SYS_epoll_pwait, SYS_preadv2, SYS_pwritev2, SYS_dup3, SYS_statx, SYS_ftruncate, SYS_fsync,
	SYS_fdatasync, SYS_membarrier,
};

/* Only for a box that was given a socket. */
static const int of_sockets[] = {
	SYS_sendmsg, SYS_recvmsg, SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_accept4,
	SYS_connect, SYS_bind, SYS_listen, SYS_shutdown,
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define LOAD(field, plus) \
	(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + (plus))
#define JUMP(op, k, t, f) (struct sock_filter)BPF_JUMP(BPF_JMP | (op) | BPF_K, k, t, f)
#define RET(k) (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, k)

/* Falls through for host calls of the kernel's text; all hosts are little-endian. */
static size_t check_ip(struct sock_filter *f, uint64_t start, uint64_t end)
{
	size_t n = 0;

	f[n++] = LOAD(instruction_pointer, 4);
	f[n++] = JUMP(BPF_JEQ, start >> 32, 0, 3);
	f[n++] = LOAD(instruction_pointer, 0);
	f[n++] = JUMP(BPF_JGE, (uint32_t)start, 0, 1);
	f[n++] = JUMP(BPF_JGE, (uint32_t)end, 0, 1);
	f[n++] = RET(SECCOMP_RET_TRAP);
	return n;
}

size_t make_filter(struct sock_filter *f, uint64_t start, uint64_t end, bool sockets)
{
	size_t more = sockets ? COUNT(of_sockets) : 0, calls = COUNT(allowed) + more;
	size_t n = check_ip(f, start, end);

	f[n++] = LOAD(arch, 0);
	f[n++] = JUMP(BPF_JEQ, ARCH_AUDIT, 1, 0);
	f[n++] = RET(SECCOMP_RET_KILL_PROCESS);
	f[n++] = LOAD(nr, 0);
	for (size_t i = 0; i < calls; i++)
		f[n++] = JUMP(BPF_JEQ, i < COUNT(allowed) ? allowed[i] : of_sockets[i - COUNT(allowed)], calls - i + 3, 0);
	/* Of ioctls all but those that type into the user's terminal. */
	f[n++] = JUMP(BPF_JEQ, SYS_ioctl, 0, 4);
	f[n++] = LOAD(args[1], 0);
	f[n++] = JUMP(BPF_JEQ, TIOCSTI, 2, 0);
	f[n++] = JUMP(BPF_JEQ, TIOCLINUX, 1, 0);
	f[n++] = RET(SECCOMP_RET_ALLOW);
	f[n++] = RET(SECCOMP_RET_KILL_PROCESS);
	return n;
}
