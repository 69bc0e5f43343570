// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children are started once and used for every input: we write their memory through our own
 * mapping of it and set their registers.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "child.h"

/*
 * What the kernel's gate does. The call natively leaves the address behind it in rcx and the flags
 * in r11, and so do these: code that looks at them then sees no difference either.
 */
asm(".text\n"
    ".balign 16\n"
    ".globl gates_start, gate_before, gate_at, gate_syscall, clear_flags, gates_end\n"
    "gates_start:\n"
    "gate_before:\n"
    "	mov %rcx, gates_start + 4096(%rip)\n"
    "	syscall\n"
    "	mov gates_start + 4096(%rip), %rcx\n"
    "	jmp *gates_start + 4096(%rip)\n"
    "gate_at:\n"
    "	mov %rcx, gates_start + 4096(%rip)\n"
    "	syscall\n"
    "	mov gates_start + 4096(%rip), %rcx\n"
    "	mov %r11, gates_start + 4104(%rip)\n"
    "	movslq -6(%rcx), %r11\n"
    "	lea (%rcx, %r11), %rcx\n"
    "	mov gates_start + 4104(%rip), %r11\n"
    "	jmp *gates_start + 4096(%rip)\n"
    "gate_syscall:\n"
    "	syscall\n"
    "	int3\n"
    "clear_flags:\n"
    "	popf\n"
    "	int3\n"
    "gates_end:\n");

/* Upper halves of jump distances for which there is memory: bytes that fault, and others. */
static const u8 high[] = {
	0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x9a, 0xcc, 0xce, 0xd4,
	0xea, 0xf4, 0xfa, 0xfb, 0x00, 0x01, 0x40, 0x7f, 0x80, 0x90, 0xd5, 0xff,
};
static u8 mapped[65536 / 8];	/* bit: the 64 KiB with this distance from CODE */
static struct iovec fp_state;	/* of a new child */
static int children;

static void fail(const char *what)
{
	perror(what);
	_exit(99);
}

bool slot_mapped(u64 addr)
{
	s64 block = (s64)(addr - CODE) >> 16;

	return block == (s16)block && mapped[(u16)block / 8] >> (block & 7) & 1;
}

static void map(int fd, u64 offset, u64 addr, u64 size, int prot)
{
	if (mmap((void *)addr, size, prot, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED)
		fail("mmap");
}

/* Offsets in a child's memory file: the slots, then the other pages. */
enum { AT_CODE = SLOTS_SIZE, AT_DATA = AT_CODE + PAGE, AT_STACK = AT_DATA + PAGE, AT_GATES = AT_STACK + PAGE, SIZE = AT_GATES + 2 * PAGE };

static void choose_blocks(void)
{
	for (unsigned int i = 0; i < sizeof(high) * sizeof(high); i++) {
		u16 block = high[i / sizeof(high)] << 8 | high[i % sizeof(high)];

		/* The code's own offset can carry into the next block. Block 0 has the code. */
		for (int carry = 0; carry < 2; carry++, block++)
			if (block)
				mapped[block / 8] |= 1 << (block & 7);
	}
}

static void map_slots(int fd)
{
	for (unsigned int block = 0; block < 65536; block++)
		if (mapped[block / 8] >> (block & 7) & 1)
			map(fd, 0, CODE + (s64)(s16)block * 65536, SLOTS_SIZE, PROT_READ | PROT_EXEC);
}

/* In the new process: all it will have, then wait. What it has too much its parent takes away. */
static void become_child(int fd)
{
	map_slots(fd);
	map(fd, AT_CODE, CODE, PAGE, PROT_READ | PROT_EXEC);
	map(fd, AT_DATA, DATA, PAGE, PROT_READ | PROT_WRITE);
	map(fd, AT_STACK, STACK, PAGE, PROT_READ | PROT_WRITE);
	map(fd, AT_GATES, GATES, PAGE, PROT_READ | PROT_EXEC);
	map(fd, AT_GATES + PAGE, GATES + PAGE, PAGE, PROT_READ | PROT_WRITE);
	/* The kernel would go on writing to it. */
	if (__rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 1, RSEQ_SIG);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		fail("PTRACE_TRACEME");
	kill(getpid(), SIGSTOP);
	_exit(98);
}

static void on_timer(int sig)
{
	(void)sig;
}

/* Loops would never end: from here on a timer interrupts waiting for them. */
void children_started(void)
{
	struct sigaction sa = { .sa_handler = on_timer };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };
	struct itimerspec every = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t timer;

	ev._sigev_un._tid = gettid();
	if (sigaction(SIGRTMIN, &sa, NULL) || timer_create(CLOCK_MONOTONIC, &ev, &timer) || timer_settime(timer, 0, &every, NULL))
		fail("timer");
}

/* Nanoseconds that it has run. */
static s64 has_run(const struct child *c)
{
	struct timespec t;

	if (clock_gettime(c->clock, &t))
		fail("a child's clock");
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * True: the child stopped by itself. False: it had to be stopped, after 3 ms of processor time.
 * By the clock these take longer on a busy host, so only processor time says that a child loops.
 */
static bool wait_stop(struct child *c)
{
	bool told = false;
	s64 since = -1;
	int status;

	while (waitpid(c->pid, &status, __WALL) < 0) {
		if (errno != EINTR)
			fail("waitpid");
		if (since < 0)
			since = has_run(c);
		else if (!told && has_run(c) - since > 3000000)
			told = !kill(c->pid, SIGSTOP);
	}
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "a child ended: status %x\n", status);
		abort();
	}
	if (!told)
		return true;
	/* It may have stopped just before SIGSTOP came. */
	if (WSTOPSIG(status) != SIGSTOP && (ptrace(PTRACE_CONT, c->pid, 0, 0) || waitpid(c->pid, &status, __WALL) < 0))
		fail("a child that was stopped");
	return false;
}

static void get_state(struct child *c)
{
	if (ptrace(PTRACE_GETREGS, c->pid, 0, &c->regs) || ptrace(PTRACE_GETSIGINFO, c->pid, 0, &c->info))
		fail("a child's registers");
}

/* From regs on, to a signal; false: it loops. */
bool child_continue(struct child *c)
{
	bool ok;

	if (ptrace(PTRACE_SETREGS, c->pid, 0, &c->regs) || ptrace(PTRACE_CONT, c->pid, 0, 0))
		fail("a child does not go on");
	ok = wait_stop(c);
	get_state(c);
	return ok;
}

/* One instruction from regs on, or a signal. */
void child_step(struct child *c)
{
	if (ptrace(PTRACE_SETREGS, c->pid, 0, &c->regs) || ptrace(PTRACE_SINGLESTEP, c->pid, 0, 0))
		fail("a child does not step");
	if (!wait_stop(c))
		fail("a child's step does not end");
	get_state(c);
}

/* Code can set this flag, and we cannot but by code. */
static void clear_id_flag(struct child *c)
{
	const u64 flags = 0x202;

	if (!(c->regs.eflags & 0x200000))
		return;
	c->regs.rsp = STACK;
	c->regs.rip = gate_address(clear_flags);
	c->regs.cs = 0x33;
	memcpy(c->stack, &flags, sizeof(flags));
	child_continue(c);
}

/* All registers as they are at the start of a run; memory is the caller's. */
void child_reset(struct child *c, const struct user_regs_struct *regs)
{
	clear_id_flag(c);
	if (ptrace(PTRACE_SETREGSET, c->pid, NT_X86_XSTATE, &fp_state))
		fail("PTRACE_SETREGSET");
	c->regs = *regs;
}

/* The child makes a system call for us. */
static void child_call(struct child *c, long nr, u64 a, u64 b, u64 d)
{
	c->regs.rax = nr;
	c->regs.rdi = a;
	c->regs.rsi = b;
	c->regs.rdx = d;
	c->regs.rip = gate_address(gate_syscall);
	c->regs.orig_rax = -1;
	if (!child_continue(c) || c->info.si_signo != SIGTRAP || c->regs.rax) {
		fprintf(stderr, "system call %ld in a child: %lld\n", nr, (long long)c->regs.rax);
		_exit(99);
	}
}

static void disarm(struct child *c)
{
	/*
	 * struct sock_filter and struct sock_fprog, whose header is hidden by the kernel tools' of
	 * the same name.
	 */
	struct { u16 code; u8 jt, jf; u32 k; } enosys = { 0x06 /* BPF_RET */, 0, 0, SECCOMP_RET_ERRNO | ENOSYS };
	struct { u16 len; u64 filter; } prog = { 1, DATA + 64 };

	child_call(c, SYS_munmap, 0, LOW, 0);
	child_call(c, SYS_munmap, HIGH, 0x7ffffffff000 - HIGH, 0);
	memcpy(c->data, &prog, sizeof(prog));
	memcpy(c->data + 64, &enosys, sizeof(enosys));
	child_call(c, SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, DATA);
}

static void save_fp_state(struct child *c)
{
	static char buf[16384];

	fp_state = (struct iovec){ buf, sizeof(buf) };
	if (ptrace(PTRACE_GETREGSET, c->pid, NT_X86_XSTATE, &fp_state))
		fail("PTRACE_GETREGSET");
}

/* A switch to another CPU costs more than all the rest. */
static void one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void child_start(struct child *c)
{
	int fd = memfd_create("child", MFD_CLOEXEC);
	u8 *p;

	if (fd < 0 || ftruncate(fd, SIZE))
		fail("memfd");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	c->slots = memset(p, 0xcc, SLOTS_SIZE);
	c->code = p + AT_CODE;
	c->data = p + AT_DATA;
	c->stack = p + AT_STACK;
	c->gates = p + AT_GATES;
	memcpy(c->gates, gates_start, gates_end - gates_start);
	if (!children++) {
		choose_blocks();
		one_cpu();
	}
	c->pid = fork();
	if (!c->pid)
		become_child(fd);
	close(fd);
	if (clock_getcpuclockid(c->pid, &c->clock))
		fail("clock_getcpuclockid");
	wait_stop(c);
	if (ptrace(PTRACE_SETOPTIONS, c->pid, 0, PTRACE_O_EXITKILL))
		fail("PTRACE_SETOPTIONS");
	get_state(c);
	disarm(c);
	if (children == 1)
		save_fp_state(c);
}
