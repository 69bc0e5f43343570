// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor locks itself in before the box runs anything of its image: whoever takes it over
 * by way of guest memory finds a process that can open nothing, start nothing and reach nobody but
 * its box. Landlock does so for each thread, a seccomp filter for all at once.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "landlock.h"
#include "lockin.h"

/* What a call's argument, its low half, must be: the filter sees no more of it. */
enum how {
	ANY,
	IS,		/* the value */
	WITHOUT,	/* none of these bits */
	SELF,		/* our process */
	BOX,		/* the box's first process */
	BOX_GROUP,	/* its process group, as kill(2) has it */
	WATCHER,	/* what watches over us (watcher.c) */
	ENGINE,		/* the network's (engine.c), if there is one */
	LOOP,		/* our epoll instance */
	BROKER,		/* its directory of descriptors */
	CONTROL,	/* the socket of the box's name */
};

struct rule {
	int nr;
	enum how how;
	unsigned int arg;
	uint32_t value;
};

#define NOT_A_DESCRIPTOR (1U << 31)	/* AT_FDCWD and other negative numbers */
#define IOCTL(request) { SYS_ioctl, IS, 1, request }

/* What is left to do, and what libc needs for it; the frequent calls first. */
static const struct rule rules[] = {
	/* Devices. */
	{ SYS_futex, ANY, 0, 0 }, { SYS_read, ANY, 0, 0 }, { SYS_write, ANY, 0, 0 },
	{ SYS_pread64, ANY, 0, 0 }, { SYS_pwrite64, ANY, 0, 0 }, { SYS_preadv, ANY, 0, 0 }, { SYS_pwritev, ANY, 0, 0 },
	{ SYS_writev, ANY, 0, 0 },	/* libc's own messages */
	{ SYS_fallocate, ANY, 0, 0 }, { SYS_fdatasync, ANY, 0, 0 },
	{ SYS_lseek, ANY, 0, 0 }, { SYS_fstat, ANY, 0, 0 }, { SYS_getrandom, ANY, 0, 0 }, { SYS_close, ANY, 0, 0 },
	/* Waiting. */
#ifdef __x86_64__
	{ SYS_poll, ANY, 0, 0 }, { SYS_epoll_wait, ANY, 0, 0 },
#endif
	{ SYS_ppoll, ANY, 0, 0 }, { SYS_epoll_pwait, ANY, 0, 0 }, { SYS_epoll_ctl, LOOP, 0, 0 },
	{ SYS_clock_gettime, ANY, 0, 0 }, { SYS_clock_nanosleep, ANY, 0, 0 }, { SYS_nanosleep, ANY, 0, 0 },
	{ SYS_sched_yield, ANY, 0, 0 }, { SYS_restart_syscall, ANY, 0, 0 },
	{ SYS_wait4, ANY, 0, 0 }, { SYS_waitid, ANY, 0, 0 },
	/* Signals. tgkill(2): raise(3), and what the listener sends to the box's processes. */
	{ SYS_rt_sigtimedwait, ANY, 0, 0 }, { SYS_rt_sigprocmask, ANY, 0, 0 }, { SYS_rt_sigaction, ANY, 0, 0 },
	{ SYS_rt_sigreturn, ANY, 0, 0 }, { SYS_kill, BOX_GROUP, 0, 0 }, { SYS_kill, BOX, 0, 0 }, { SYS_kill, SELF, 0, 0 },
	{ SYS_kill, WATCHER, 0, 0 }, { SYS_kill, ENGINE, 0, 0 },
	{ SYS_tgkill, SELF, 0, 0 }, { SYS_tgkill, IS, 2, SIGURG }, { SYS_tgkill, IS, 2, SIGWINCH },
	{ SYS_getpid, ANY, 0, 0 }, { SYS_gettid, ANY, 0, 0 }, { SYS_getpgid, ANY, 0, 0 },
#ifdef __x86_64__
	{ SYS_getpgrp, ANY, 0, 0 },
#endif
	/* The terminal: its modes, size and foreground job, but nothing that types into it. */
	IOCTL(TCGETS), IOCTL(TCSETS), IOCTL(TIOCGWINSZ), IOCTL(TIOCGPGRP),
	IOCTL(TCGETS2), IOCTL(TCSETS2),
	{ SYS_fcntl, IS, 1, F_GETFL },
	/* The listener of the box's filter. */
	IOCTL(SECCOMP_IOCTL_NOTIF_RECV), IOCTL(SECCOMP_IOCTL_NOTIF_SEND),
	/* Memory, but no code. */
	{ SYS_brk, ANY, 0, 0 }, { SYS_munmap, ANY, 0, 0 }, { SYS_mremap, ANY, 0, 0 }, { SYS_madvise, ANY, 0, 0 },
	{ SYS_mmap, WITHOUT, 2, PROT_EXEC }, { SYS_mprotect, WITHOUT, 2, PROT_EXEC },
	/* The end. */
	{ SYS_exit, ANY, 0, 0 }, { SYS_exit_group, ANY, 0, 0 },
};

/*
 * What a broker of volumes does (broker.c), in boxes that have one. The directory of each call is a
 * descriptor, but a filter sees no path: who takes over such a supervisor opens what the user may.
 * That is no more than he had: whoever has the listener can let each call of the box pass, and
 * these are hosts without Landlock.
 */
static const struct rule broker_rules[] = {
	IOCTL(SECCOMP_IOCTL_NOTIF_ADDFD),
	{ SYS_openat2, WITHOUT, 0, NOT_A_DESCRIPTOR }, { SYS_statx, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_openat, BROKER, 0, 0 }, { SYS_fstatfs, ANY, 0, 0 }, { SYS_readlinkat, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_mkdirat, WITHOUT, 0, NOT_A_DESCRIPTOR }, { SYS_mknodat, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_symlinkat, WITHOUT, 1, NOT_A_DESCRIPTOR }, { SYS_linkat, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_unlinkat, WITHOUT, 0, NOT_A_DESCRIPTOR }, { SYS_renameat2, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_fchmodat, BROKER, 0, 0 }, { SYS_fchownat, WITHOUT, 0, NOT_A_DESCRIPTOR },
	{ SYS_utimensat, WITHOUT, 0, NOT_A_DESCRIPTOR },
};

/*
 * What a box with a name does for its clients (control.c): they connect, and their descriptors go
 * to the guest's agent. Who takes over such a supervisor has what clients give to the box from then
 * on.
 */
static const struct rule control_rules[] = {
	{ SYS_accept4, CONTROL, 0, 0 }, { SYS_getsockopt, IS, 2, SO_PEERCRED },
	{ SYS_recvmsg, ANY, 0, 0 }, { SYS_sendmsg, ANY, 0, 0 },
};

#define LOCKIN_MAX 512
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define LOAD(field) (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP(op, k, t, f) (struct sock_filter)BPF_JUMP(BPF_JMP | (op) | BPF_K, k, t, f)
#define RET(k) (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, k)

_Static_assert((COUNT(rules) + COUNT(broker_rules) + COUNT(control_rules)) * 5 + 12 <= LOCKIN_MAX,
	       "the filter is longer");

static uint32_t value_of(const struct rule *r, const struct lockin *who)
{
	switch (r->how) {
	case SELF:
		return who->self;
	case BOX:
		return who->box;
	case BOX_GROUP:
		return -who->box;
	case WATCHER:
		return who->watcher;
	case ENGINE:
		return who->engine;
	case LOOP:
		return who->loop;
	case BROKER:
		return who->broker_fds;
	case CONTROL:
		return who->control;
	default:
		return r->value;
	}
}

/* Allows the call of this rule, or falls through with its number loaded. */
static size_t add_rule(struct sock_filter *f, const struct rule *r, const struct lockin *who)
{
	uint32_t value = value_of(r, who);

	if (r->how == ANY) {
		f[0] = JUMP(BPF_JEQ, r->nr, 0, 1);
		f[1] = RET(SECCOMP_RET_ALLOW);
		return 2;
	}
	f[0] = JUMP(BPF_JEQ, r->nr, 0, 4);
	f[1] = LOAD(args[r->arg]);
	f[2] = r->how == WITHOUT ? JUMP(BPF_JSET, value, 1, 0) : JUMP(BPF_JEQ, value, 0, 1);
	f[3] = RET(SECCOMP_RET_ALLOW);
	f[4] = LOAD(nr);
	return 5;
}

/*
 * The box's control group is removed at the end. Landlock lets that be done in its place alone; a
 * host that has no Landlock lets empty directories of the user's go.
 */
static size_t add_rmdir(struct sock_filter *f, int dir)
{
	f[0] = JUMP(BPF_JEQ, SYS_unlinkat, 0, 6);
	f[1] = LOAD(args[0]);
	f[2] = JUMP(BPF_JEQ, dir, 0, 3);
	f[3] = LOAD(args[2]);
	f[4] = JUMP(BPF_JEQ, AT_REMOVEDIR, 0, 1);
	f[5] = RET(SECCOMP_RET_ALLOW);
	f[6] = LOAD(nr);
	return 7;
}

/* x32 calls of x86_64 have other numbers, which are in no rule. */
static size_t make_filter_for(struct sock_filter *f, const struct lockin *who)
{
	size_t n = 0;

	f[n++] = LOAD(arch);
	f[n++] = JUMP(BPF_JEQ, ARCH_AUDIT, 1, 0);
	f[n++] = RET(SECCOMP_RET_KILL_PROCESS);
	f[n++] = LOAD(nr);
	for (size_t i = 0; i < COUNT(rules); i++)
		if (rules[i].how != ENGINE || who->engine)	/* 0 would be our process group */
			n += add_rule(f + n, &rules[i], who);
	for (size_t i = 0; who->broker_fds >= 0 && i < COUNT(broker_rules); i++)
		n += add_rule(f + n, &broker_rules[i], who);
	for (size_t i = 0; who->control >= 0 && i < COUNT(control_rules); i++)
		n += add_rule(f + n, &control_rules[i], who);
	if (who->group_dir >= 0)
		n += add_rmdir(f + n, who->group_dir);
	f[n++] = RET(SECCOMP_RET_KILL_PROCESS);
	return n;
}

/* All threads are of one filter, so they take this one too. It returns the thread that does not. */
static bool filter_all(const struct sock_fprog *prog)
{
	unsigned int fast = is_hidden(KBOX_HIDE_SPEC_ALLOW) ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	return !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | fast, prog) ||
	       (fast && !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, prog));
}

/* Nobody reads our memory, in which the user's files go by: no debugger of the user's, no dump. */
static void hide_memory(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void lock_in_thread(void)
{
	if (!is_hidden(KBOX_HIDE_LOCK_IN))
		landlock_lock(false, false, NULL, 0);
}

bool lock_in(const struct lockin *who)
{
	struct sock_filter f[LOCKIN_MAX];
	struct sock_fprog prog = { make_filter_for(f, who), f };

	if (is_hidden(KBOX_HIDE_LOCK_IN))
		return false;
	hide_memory();
	if (!landlock_lock_but(who->group_dir))
		landlock_lock(false, false, NULL, 0);
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && filter_all(&prog);
}
