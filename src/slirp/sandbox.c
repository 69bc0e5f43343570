// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arch.h"
#include "sandbox.h"

#define NOBODY 65534

/* In a user namespace that lacks him root stays what it is there. */
static void leave_root(void)
{
	if (geteuid() || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY))
		return;
	if (setresuid(NOBODY, NOBODY, NOBODY))
		return;
}

/* The root is an empty directory of memory, which nothing can be written to. */
static void leave_files(void)
{
	static const char *const dirs[] = { "/tmp", "/usr", "/etc", "/" };
	size_t i = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	while (i < sizeof(dirs) / sizeof(dirs[0]) &&
	       mount("kbox", dirs[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k"))
		i++;
	if (i == sizeof(dirs) / sizeof(dirs[0]) || chdir(dirs[i]) || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH) || chdir("/"))
		return;
	mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static void leave_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	syscall(SYS_capset, &header, none);
}

void sandbox_leave(void)
{
	struct rlimit none = { 0, 0 };

	leave_root();
	leave_files();
	leave_capabilities();
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Calls that may have any arguments. */
static const int free_calls[] = {
	/* Frames and connections, the frequent calls first. */
#ifdef __x86_64__
	SYS_poll,
#endif
	SYS_ppoll, SYS_recvfrom, SYS_sendto, SYS_readv, SYS_read, SYS_recvmsg, SYS_close, SYS_connect, SYS_accept,
	SYS_accept4, SYS_shutdown, SYS_getsockopt, SYS_getsockname, SYS_getpeername,
	/* libc's own: messages, memory, locks, the clock where the vDSO does not have it. */
	SYS_write, SYS_writev, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_futex, SYS_clock_gettime, SYS_getrandom,
	SYS_restart_syscall, SYS_rt_sigreturn, SYS_exit, SYS_exit_group,
};

/* Those of which some arguments, by their low halves, must be one of these. */
static const struct rule {
	int nr, first;		/* and the argument from which on */
	uint32_t value[3], mask;
	int n;			/* arguments that are looked at */
} rules[] = {
	/* Of TCP, UDP and echo requests. */
#define TYPE_BITS (~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
	{ SYS_socket, 0, { AF_INET, SOCK_STREAM, 0 }, TYPE_BITS, 3 },
	{ SYS_socket, 0, { AF_INET, SOCK_DGRAM, 0 }, TYPE_BITS, 3 },
	{ SYS_socket, 0, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP }, TYPE_BITS, 3 },
	{ SYS_socket, 0, { AF_INET6, SOCK_STREAM, 0 }, TYPE_BITS, 3 },
	{ SYS_socket, 0, { AF_INET6, SOCK_DGRAM, 0 }, TYPE_BITS, 3 },
	{ SYS_socket, 0, { AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 }, TYPE_BITS, 3 },
#define ALL (~0U)
	{ SYS_setsockopt, 1, { SOL_SOCKET, SO_REUSEADDR }, ALL, 2 },
	{ SYS_setsockopt, 1, { SOL_SOCKET, SO_OOBINLINE }, ALL, 2 },
	{ SYS_setsockopt, 1, { IPPROTO_TCP, TCP_NODELAY }, ALL, 2 },
	{ SYS_setsockopt, 1, { IPPROTO_IP, IP_TTL }, ALL, 2 },
	{ SYS_setsockopt, 1, { IPPROTO_IP, IP_RECVERR }, ALL, 2 },
	{ SYS_setsockopt, 1, { IPPROTO_IPV6, IPV6_RECVERR }, ALL, 2 },
	{ SYS_setsockopt, 1, { IPPROTO_IPV6, IPV6_UNICAST_HOPS }, ALL, 2 },
	{ SYS_ioctl, 1, { FIONREAD }, ALL, 1 },
	{ SYS_fcntl, 1, { F_GETFL }, ALL, 1 }, { SYS_fcntl, 1, { F_SETFL }, ALL, 1 },
	{ SYS_fcntl, 1, { F_GETFD }, ALL, 1 }, { SYS_fcntl, 1, { F_SETFD }, ALL, 1 },
	/* Memory, but no code. */
	{ SYS_mmap, 2, { 0 }, PROT_EXEC, 1 }, { SYS_mprotect, 2, { 0 }, PROT_EXEC, 1 },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define RULE_MAX 12		/* instructions */
#define FILTER_MAX (8 + 2 * COUNT(free_calls) + RULE_MAX * COUNT(rules))
#define LOAD(field) (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define AND(k) (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, k)
#define EQUAL(k, t, f) (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define RET(k) (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, k)

/* Allows what the rule does, or falls through with the call's number loaded. */
static size_t add_rule(struct sock_filter *f, const struct rule *r)
{
	size_t last = 2 + 3 * r->n, n = 0;

	f[n++] = EQUAL(r->nr, 0, last);
	for (int i = 0; i < r->n; i++) {
		f[n++] = LOAD(args[r->first + i]);
		f[n++] = AND(r->mask);
		f[n] = EQUAL(r->value[i], 0, last - n - 1);
		n++;
	}
	f[n++] = RET(SECCOMP_RET_ALLOW);
	f[n++] = LOAD(nr);
	return n;
}

/*
 * What is not allowed fails: another libslirp, or another libc, may try what is no loss to it. A
 * call of another architecture is the end; numbers of x32's are in no rule.
 */
static size_t make_filter(struct sock_filter *f)
{
	size_t n = 0;

	f[n++] = LOAD(arch);
	f[n++] = EQUAL(ARCH_AUDIT, 1, 0);
	f[n++] = RET(SECCOMP_RET_KILL_PROCESS);
	f[n++] = LOAD(nr);
	for (size_t i = 0; i < COUNT(free_calls); i++) {
		f[n++] = EQUAL(free_calls[i], 0, 1);
		f[n++] = RET(SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < COUNT(rules); i++)
		n += add_rule(f + n, &rules[i]);
	f[n++] = RET(SECCOMP_RET_ERRNO | EPERM);
	return n;
}

bool sandbox_filter(void)
{
	struct sock_filter f[FILTER_MAX];
	struct sock_fprog prog = { make_filter(f), f };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
