// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tracer of a program whose system call instructions the kernel has rewritten: it sees the
 * program's own text and addresses.
 */
#include "rewrite.h"
#include "trace-child.h"
#include <sched.h>
#include <sys/ioctl.h>

#ifdef __aarch64__

#define SP(r) (r).sp
#define ARG0(r) (r).regs[0]
#define ARG2(r) (r).regs[2]
#define CALL_NR(r) (r).regs[8]		/* before it is made */
enum { SKIPPED = -1 };	/* a call that a tracer has skipped leaves its first argument */

/* At a stop for a call, its register has no say any more. */
static void set_number(pid_t pid, struct user_regs_struct *r, int nr)
{
	(void)r;
	EQ(get_set(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &nr, sizeof(nr)), 0);
}

#else

#define SP(r) (r).rsp
#define ARG0(r) (r).rdi
#define ARG2(r) (r).rdx
#define CALL_NR(r) (r).rax
enum { SKIPPED = -38 };

static void set_number(pid_t pid, struct user_regs_struct *r, int nr)
{
	r->orig_rax = nr;
	EQ(SET(pid, r), 0);
}

#endif

/* To the program's own breakpoint, and behind it. */
static void to_break(pid_t pid)
{
	struct user_regs_struct r;

	resume(PTRACE_CONT, pid, SIGTRAP);
	r = regs_of(pid);
	IP(r) += LEFT_OF_BREAK;
	EQ(SET(pid, &r), 0);
}

/*
 * A page of the test's own, with known bytes: t_b at its start, t_a, t_c. Offsets of their
 * instructions, and of what is behind the call.
 */
#ifdef __aarch64__
asm(".text; .p2align 12\n"
    ".globl t_b, t_a, t_c\n"
    "t_b: mov x8, #64; svc #0; ret; nop\n.p2align 5\n"
    "t_a: mov x8, #64; nop; svc #0xffff; ret\n.p2align 5\n"
    "t_c: mov x8, #172; svc #0; ret\n.p2align 12\n");
static const unsigned char b_bytes[16] = { 0x08, 0x08, 0x80, 0xd2, 0x01, 0, 0, 0xd4, 0xc0, 0x03, 0x5f, 0xd6, 0x1f, 0x20, 0x03, 0xd5 },
	a_bytes[16] = { 0x08, 0x08, 0x80, 0xd2, 0x1f, 0x20, 0x03, 0xd5, 0xe1, 0xff, 0x1f, 0xd4, 0xc0, 0x03, 0x5f, 0xd6 };
static const int b_insns[] = { 0, 4, 8, -1 }, a_insns[] = { 0, 4, 8, 12, -1 };
enum { B_BEHIND = 8, A_BEHIND = 12, C_BEHIND = 8, LEN = 16, B_LEN = 16, A_LEN = 16 };
#else
asm(".text; .p2align 12\n"
    "t_b: mov $1, %eax; syscall; ret; nop; nop; nop\n.p2align 5\n"
    "t_a: mov $1, %r9d; mov %r9d, %eax; syscall; test %eax, %eax; nop; ret\n.p2align 5\n"
    "t_c: mov $39, %eax; syscall; ret; nop; nop; nop\n.p2align 12\n");
static const unsigned char b_bytes[16] = { 0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90, 0x90 },
	a_bytes[16] = { 0x41, 0xb9, 1, 0, 0, 0, 0x44, 0x89, 0xc8, 0x0f, 0x05, 0x85, 0xc0, 0x90, 0xc3 };
static const int b_insns[] = { 0, 5, 7, -1 }, a_insns[] = { 0, 6, 9, 11, 13, 14, -1 };
enum { B_BEHIND = 7, A_BEHIND = 11, C_BEHIND = 7, LEN = 16, B_LEN = 11, A_LEN = 15 };
#endif
extern long t_b(), t_a(), t_c();

static const struct kind {
	call_fn f;
	const int *insns;
	int behind;
	const unsigned char *bytes;
} kinds[] = { { t_b, b_insns, B_BEHIND, b_bytes }, { t_a, a_insns, A_BEHIND, a_bytes } };

static int bytes_in[2];
static const struct kind *kind;

/* How many writes of a byte have been made. */
static int drained(void)
{
	char buf[4096];
	int n;

	EQ(ioctl(bytes_in[0], 0x541b /* FIONREAD */, &n), 0);
	if (n)
		EQ(read(bytes_in[0], buf, sizeof(buf)), n);
	return n;
}

static void start(int i)
{
	kind = &kinds[i];
	if (!bytes_in[0])
		EQ(pipe(bytes_in), 0);
	drained();
}

/* A breakpoint, one byte written, a breakpoint, and so on. */
static void writes_bytes(void)
{
	char c = 'x';

	for (int i = 0; i < WARM; i++)
		kind->f(-1L, &c, 1L);
	for (int i = 0; i < WARM; i++) {
		asm volatile(BREAK);
		EQ(kind->f((long)bytes_in[1], &c, 1L), 1);
	}
}

static uintptr_t offset_of(pid_t pid)
{
	return IP(regs_of(pid)) - (uintptr_t)kind->f;
}

static void system_call_stops(void)
{
	for (int k = 0; k < 2; k++) {
		struct user_regs_struct r;
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		for (int i = 0; i < WARM; i++) {
			uintptr_t behind = (uintptr_t)kind->f + kind->behind;

			to_break(pid);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			r = regs_of(pid);
			EQ(IP(r), behind);
			EQ(NR(r), SYS_write);
#ifndef __aarch64__
			EQ(r.rax, -ENOSYS);
#endif
			EQ(ARG0(r), bytes_in[1]);
			EQ(ARG2(r), 1);
			EQ(drained(), 0);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			r = regs_of(pid);
			EQ(IP(r), behind);
			EQ(NR(r), SYS_write);
			EQ(RES(r), 1);
			EQ(drained(), 1);
		}
		ends_well(pid);
	}
}

static void changed_call(void)
{
	char c = 0;

	for (int i = 0; i < WARM; i++)
		kind->f(-1L, &c, 1L);
	asm volatile(BREAK);
	EQ(kind->f(-1L, &c, 1L), getpid());	/* another number */
	EQ(kind->f(-1L, &c, 1L), SKIPPED);		/* none */
	EQ(kind->f(-1L, &c, 1L), 4711);		/* another result */
	EQ(kind->f(-1L, &c, 1L), -77);		/* none, and a result */
	EQ(kind->f(-1L, &c, 1L), -EBADF);
}

static void calls_changed_by_the_tracer(void)
{
	for (int k = 0; k < 2; k++) {
		pid_t pid;

		start(k);
		pid = traced(changed_call);
		to_break(pid);
		for (int i = 0; i < 5; i++) {
			struct user_regs_struct r;

			/* The child's getpid() for the first check is one too. */
			do {
				resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
				r = regs_of(pid);
				if (IP(r) - (uintptr_t)kind->f >= LEN)
					resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			} while (IP(r) - (uintptr_t)kind->f >= LEN);
			EQ(NR(r), SYS_write);
			if (i == 0)
				set_number(pid, &r, SYS_getpid);
			if (i == 1 || i == 3)
				set_number(pid, &r, -1);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			r = regs_of(pid);
			EQ(IP(r), (uintptr_t)kind->f + kind->behind);
			if (i == 2)
				RES(r) = 4711;
			if (i == 3)
				RES(r) = -77;
			EQ(SET(pid, &r), 0);
		}
		ends_well(pid);
	}
}

/*
 * From breakpoint to breakpoint by single steps: the function's instructions one by one, and one
 * write.
 */
static void single_steps(void)
{
	for (int k = 0; k < 2; k++) {
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		to_break(pid);
		for (int i = 0; i < WARM - 1; i++) {
			int n = 0, in = 0;

			EQ(drained(), 0);
			for (int steps = 0; steps < 5000; steps++) {
				resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
				if (offset_of(pid) < LEN) {
					in = 1;
					if (kind->insns[n] != (int)offset_of(pid))
						tap_fail(__FILE__, __LINE__, "step %d is at +%d, not +%d", n, (int)offset_of(pid),
							 kind->insns[n]);
					EQ(drained(), kind->insns[n] == kind->behind);
					n++;
				} else if (in) {
					break;
				}
				if ((ptrace(PTRACE_PEEKTEXT, pid, IP(regs_of(pid)), 0) & BREAK_MASK) == BREAK_INSN)
					break;
			}
			EQ(kind->insns[n], -1);
			EQ(drained(), 0);
			to_break(pid);
		}
		ends_well(pid);
	}
}

/* Steps and system call stops in turn, and a step from a stop at entry and at exit. */
static void steps_from_stops(void)
{
	for (int k = 0; k < 2; k++) {
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		for (int i = 0; i < WARM; i++) {
			const int *next = kind->insns;

			to_break(pid);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			if (i & 1)
				resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			while (*next != kind->behind)
				next++;
			EQ(offset_of(pid), *next);
			resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
			EQ(drained(), 1);
			/*
			 * From the entry it ends behind the call; from the exit one instruction
			 * farther.
			 */
			if (i & 1)
				next++;
			if (*next != -1)
				EQ(offset_of(pid), *next);
			else
				CHECK(offset_of(pid) >= LEN);
		}
		ends_well(pid);
	}
}

static void reads_original(const char *how, const unsigned char *got, int k)
{
	if (memcmp(got, kinds[k].bytes, k ? A_LEN : B_LEN))
		tap_fail(__FILE__, __LINE__, "%s shows %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x %02x", how,
			 got[0], got[1], got[2], got[3], got[4], got[5], got[6], got[7], got[8], got[9], got[10], got[11]);
	tap_checks++;
}

static void text_is_the_original(void)
{
	for (int k = 0; k < 2; k++) {
		unsigned char got[LEN];
		struct range text[16];
		char path[40];
		int n, fd;
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		for (int i = 0; i < WARM; i++) {
			struct iovec here = { got, LEN }, there = { (void *)(uintptr_t)kind->f, LEN };

			to_break(pid);
			for (int j = 0; j < LEN; j += 8) {
				long w = ptrace(PTRACE_PEEKTEXT, pid, (char *)(uintptr_t)kind->f + j, 0);

				memcpy(got + j, &w, 8);
			}
			reads_original("PEEKTEXT", got, k);
			snprintf(path, sizeof(path), "/proc/%d/mem", pid);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			CHECK(fd >= 0);
			EQ(pread(fd, got, LEN, (uintptr_t)kind->f), LEN);
			reads_original("/proc/PID/mem", got, k);
			close(fd);
			memset(got, 0, LEN);
			if (process_vm_readv(pid, &here, 1, &there, 1, 0) == LEN)
				reads_original("process_vm_readv", got, k);
			memset(got, 0, LEN);
		}
		n = maps_lines(" r-xp ", text, 16);
		for (int i = 0; i < n; i++)
			if ((uintptr_t)kind->f >= text[i].start && (uintptr_t)kind->f < text[i].end) {
				fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
				CHECK(fd >= 0);
				EQ(pread(fd, got, LEN, text[i].off + (uintptr_t)kind->f - text[i].start), LEN);
				close(fd);
				reads_original("/proc/self/exe", got, k);
			}
		ends_well(pid);
	}
}

/* A breakpoint on each instruction of a rewritten site, and taken away again. */
static void breakpoints(void)
{
	for (int k = 0; k < 2; k++)
		for (const int *insn = kinds[k].insns; *insn >= 0; insn++) {
			char *at = (char *)(uintptr_t)kinds[k].f + *insn;
			struct user_regs_struct r;
			pid_t pid;
			long text;

			start(k);
			pid = traced(writes_bytes);
			to_break(pid);
			for (int i = 0; i < WARM - 1; i++) {
				errno = 0;
				text = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
				EQ(errno, 0);
				CHECK(!memcmp(&text, kind->bytes + *insn, BREAK_MASK == 0xff ? 1 : 4));
				EQ(ptrace(PTRACE_POKETEXT, pid, at, (text & ~BREAK_MASK) | BREAK_INSN), 0);
				resume(PTRACE_CONT, pid, SIGTRAP);
				r = regs_of(pid);
				EQ(IP(r), at + PAST_BREAK);
				EQ(drained(), *insn >= kind->behind);
				EQ(ptrace(PTRACE_PEEKTEXT, pid, at, 0) & BREAK_MASK, BREAK_INSN);
				IP(r) -= PAST_BREAK;
				EQ(ptrace(PTRACE_POKETEXT, pid, at, text), 0);
				EQ(SET(pid, &r), 0);
				if (i & 1) {		/* as a debugger does it: a step over it */
					resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
					CHECK(offset_of(pid) >= LEN || (int)offset_of(pid) == insn[1]);
				}
				to_break(pid);
				EQ(drained(), *insn < kind->behind);
			}
			ends_well(pid);
		}
}

static const uint64_t vector[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };
static int read_from[2];
static volatile long *mem;

static void blocks_in_read(call_fn f)
{
	uint64_t out[2];
	char c = 0;
	long n;

	warm(f);
	mem[0] = 1;
#ifdef __aarch64__
	register long x0 asm("x0") = read_from[0], x1 asm("x1") = (long)&c, x2 asm("x2") = 1;

	asm volatile("ldr q7, %2; blr %5; str q7, %1"
		     : "+r" (x0), "=m" (out) : "m" (vector), "r" (x1), "r" (x2), "r" (f) : "x8", "x30", "memory", "cc", "v7");
	n = x0;
#else
	asm volatile("movups %2, %%xmm7; sub $128, %%rsp; call *%6; add $128, %%rsp; movups %%xmm7, %1"
		     : "=a" (n), "=m" (out) : "m" (vector), "D" ((long)read_from[0]), "S" (&c), "d" (1L), "b" (f)
		     : "rcx", "r10", "r11", "memory", "cc", "xmm7");
#endif
	EQ(n, 1);
	EQ(c, 'y');
	EQ(out[0], mem[1] ? (uint64_t)mem[1] : vector[0]);
	EQ(out[1], vector[1]);
	_exit(0);
}

static void attached_in_a_call(void)
{
	mem = map_anon(4096, MAP_SHARED);
	for (int i = 0; i < 12; i++) {
		call_fn f = i & 1 ? b_read : a_read;
		fp_regs fp;
		struct user_regs_struct r;
		pid_t pid;

		EQ(pipe(read_from), 0);
		mem[0] = mem[1] = 0;
		pid = FORK();
		if (!pid)
			blocks_in_read(f);
		SOON(mem[0] && sleeps_in_a_call(pid));
		if (i & 2) {
			EQ(ptrace(PTRACE_ATTACH, pid, 0, 0), 0);
			stopped_by(pid, SIGSTOP);
		} else {
			EQ(ptrace(0x4206 /* PTRACE_SEIZE */, pid, 0, 0), 0);
			EQ(ptrace(0x4207 /* PTRACE_INTERRUPT */, pid, 0, 0), 0);
			stopped_by(pid, SIGTRAP);
		}
		r = regs_of(pid);
#ifdef __aarch64__
		/* A tracer finds it gone back to the call already. */
		EQ(IP(r), at_of(f));
#else
		/*
		 * Stopped where the call will be made again: the kernel has not gone back to it
		 * yet.
		 */
		EQ(r.rip, at_of(f) + 2);
		EQ(r.rax, -512);
#endif
		EQ(NR(r), SYS_read);
		EQ(ARG0(r), read_from[0]);
		EQ(GET_FP(pid, &fp), 0);
#ifndef __aarch64__
		EQ(fp.mxcsr & ~0x3f, 0x1f80);
#endif
		CHECK(!memcmp(VECTOR7(fp), vector, 16));
		if (i & 4) {
			mem[1] = 0x0102030405060708;
			memcpy(VECTOR7(fp), (void *)&mem[1], 8);
			EQ(SET_FP(pid, &fp), 0);
		}
		EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
		sleep_ms(2);
		EQ(write(read_from[1], "y", 1), 1);
		CHILD_OK(pid);
	}
}

static void calls_forever(volatile int *up)
{
	for (;; *up = 1) {
		b_getpid();
		a_getpid();
		b_getppid();
		a_getppid();
	}
}

static void stopped_anywhere(void)
{
	static const call_fn fns[] = { b_getpid, a_getpid, b_getppid, a_getppid };
	volatile int *up = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	int st;

	if (!pid)
		calls_forever(up);
	note_text();
	SOON(*up);
	EQ(ptrace(0x4206, pid, 0, 0), 0);
	for (int i = 0; i < 500; i++) {
		struct user_regs_struct r;

		EQ(ptrace(0x4207, pid, 0, 0), 0);
		stopped_by(pid, SIGTRAP);
		r = regs_of(pid);
		if (!in_text(IP(r)))
			tap_fail(__FILE__, __LINE__, "stopped at 0x%llx", (long long)IP(r));
		for (size_t k = 0; k < ARRAY_SIZE(fns); k++) {
			if (IP(r) - (uintptr_t)fns[k] >= FN_LEN)
				continue;
			CHECK(starts_insn(fns[k], IP(r)));
			if (IP(r) == (uintptr_t)at_of(fns[k]))
				EQ(CALL_NR(r), k < 2 ? SYS_getpid : SYS_getppid);
			if (IP(r) == (uintptr_t)at_of(fns[k]) + CALL_LEN)
				EQ(RES(r), k < 2 ? pid : getpid());
		}
		EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
		for (volatile int j = 0; j < i * 20; j++)
			;
	}
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
}

static void forks(void)
{
	call_fn f = kind == &kinds[0] ? b_fork : a_fork;

	for (int i = 0; i < 4; i++) {
		long pid = f();

		if (!pid) {
			EQ(b_getpid(), a_getpid());
			_exit(0);
		}
		CHILD_OK(pid);
	}
}

static void traced_fork(void)
{
	for (int k = 0; k < 2; k++) {
		pid_t pid;

		start(k);
		pid = traced(forks);
		EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL), 0);
		for (int i = 0; i < 4; i++) {
			char *behind = at_of(k ? a_fork : b_fork) + CALL_LEN;
			struct user_regs_struct r;
			unsigned long child;
			int st;

			EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
			do {
				EQ(waitpid(pid, &st, 0), pid);
				CHECK(WIFSTOPPED(st));
				if (WSTOPSIG(st) == SIGCHLD)
					EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
			} while (WSTOPSIG(st) == SIGCHLD);
			EQ(st >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
			EQ(ptrace(PTRACE_GETEVENTMSG, pid, 0, &child), 0);
			EQ(IP(regs_of(pid)), behind);
			stopped_by(child, SIGSTOP);
			r = regs_of(child);
			EQ(IP(r), behind);
			EQ(RES(r), 0);
			EQ(ptrace(PTRACE_DETACH, child, 0, 0), 0);
		}
		EQ(ptrace(PTRACE_CONT, pid, 0, SIGCHLD), 0);
		for (int st = -1; st;) {
			EQ(waitpid(pid, &st, 0), pid);
			if (!st)
				break;
			if (!WIFSTOPPED(st))
				tap_fail(__FILE__, __LINE__, "status 0x%x", st);
			EQ(ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(st)), 0);
		}
	}
}

/*
 * What the kernel says of a call by PTRACE_GET_SYSCALL_INFO, and calls that only the tracer makes.
 */
static void information_and_emulation(void)
{
	struct { uint8_t op, pad[3]; uint32_t arch; uint64_t ip, sp, nr, args[6]; } info;

	for (int k = 0; k < 2; k++) {
		struct user_regs_struct r;
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		for (int i = 0; i < WARM - 1; i++) {
			to_break(pid);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			CHECK(ptrace(0x420e, pid, sizeof(info), &info) > 0);
			EQ(info.op, 1);
			EQ(info.ip, (uintptr_t)kind->f + kind->behind);
			EQ(info.nr, SYS_write);
			EQ(info.args[0], bytes_in[1]);
			EQ(info.sp, SP(regs_of(pid)));
		}
		to_break(pid);
		drained();
		if (!ptrace(31 /* PTRACE_SYSEMU */, pid, 0, 0)) {
			stopped_by(pid, SIGTRAP | 0x80);
			r = regs_of(pid);
			EQ(IP(r), (uintptr_t)kind->f + kind->behind);
			EQ(NR(r), SYS_write);
			RES(r) = 1;
			EQ(SET(pid, &r), 0);
			EQ(drained(), 0);
		}
		ends_well(pid);
	}
}

/* The tracer calls functions in the child, from a stop in a rewritten call. */
static void sent_elsewhere(void)
{
	for (int k = 0; k < 2; k++) {
		struct user_regs_struct r, old;
		pid_t pid;

		start(k);
		pid = traced(writes_bytes);
		for (int i = 0; i < WARM; i++) {
			to_break(pid);
			/* To the entry, and to the exit. */
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			old = r = regs_of(pid);
			EQ(drained(), 1);
			/* Once more from the site's start, and from its syscall. */
			IP(r) = (uintptr_t)kind->f + (i & 1 ? 0 : kind->behind - CALL_LEN);
			CALL_NR(r) = SYS_write;
			ARG0(r) = bytes_in[1];
#ifndef __aarch64__
			r.orig_rax = -1;
#endif
			EQ(SET(pid, &r), 0);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			EQ(NR(regs_of(pid)), SYS_write);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			EQ(drained(), 1);
			r = regs_of(pid);
			EQ(IP(r), IP(old));
			EQ(SP(r), SP(old));
			/* Another function of the page. */
			IP(r) = (uintptr_t)t_c;
			EQ(SET(pid, &r), 0);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			EQ(NR(regs_of(pid)), SYS_getpid);
			resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
			EQ(RES(regs_of(pid)), pid);
			EQ(IP(regs_of(pid)), (uintptr_t)t_c + C_BEHIND);
			EQ(SET(pid, &old), 0);
		}
		ends_well(pid);
	}
}

static const struct test tests[] = {
	T(system_call_stops), T(calls_changed_by_the_tracer), T(single_steps), T(steps_from_stops), T(text_is_the_original),
	T(breakpoints), T(attached_in_a_call), T(stopped_anywhere), T(traced_fork), T(information_and_emulation), T(sent_elsewhere),
};
MAIN(tests)
