/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_FUZZ_CHILD_H
#define KBOX_FUZZ_CHILD_H
/*
 * A process that runs any bytes as code and can do nothing: it has six kinds of pages
 * and no others, and each of its system calls is ENOSYS. All its pages are shared with us.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>
#include <time.h>
#include <linux/types.h>

#define PAGE		4096UL
#define CODE		0x200000000000UL
#define DATA		0x200090000000UL
#define STACK		0x2000a0000000UL
#define GATES		0x2000b0000000UL	/* routines, and a page for what they save */
#define LOW		0x1fff00000000UL	/* nothing is mapped outside of these */
#define HIGH		0x200100000000UL

#define SLOTS_SIZE	0x10000UL

struct child {
	pid_t pid;
	clockid_t clock;		/* of its processor time */
	u8 *code, *data, *stack, *gates;
	u8 *slots;			/* these 64 KiB are at many addresses, see slot_at() */
	struct user_regs_struct regs;
	siginfo_t info;			/* of the signal that it stopped with */
};

extern const char gates_start[], gate_before[], gate_at[], gate_syscall[], clear_flags[], gates_end[];

void child_start(struct child *c);
void children_started(void);
void child_reset(struct child *c, const struct user_regs_struct *regs);
bool child_continue(struct child *c);
void child_step(struct child *c);
bool slot_mapped(u64 addr);

static inline u8 *slot_at(const struct child *c, u64 addr)
{
	return c->slots + addr % SLOTS_SIZE;
}

static inline u64 gate_address(const char *gate)
{
	return GATES + (gate - gates_start);
}
#endif
