// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host process or thread of this program's own making, of which the guest's kernel knows nothing.
 */
#include <linux/futex.h>
#include "hostile.h"

volatile int child_lived;
static int never;

static __attribute__((used)) void ends(void)
{
	child_lived = 1;
	for (;;)
		host_call(SYS_exit, 0);
}

static __attribute__((used)) void stays(void)
{
	child_lived = 1;
	for (;;)
		host_call(SYS_futex, &never, FUTEX_WAIT, 0, 0);
}

#ifdef __x86_64__
/*
 * The host call returns to the address on top of the stack. All that stay have the same one, in
 * shared memory, and they all write the same there; but the top must not be written to, since the
 * next one is about to find its address there.
 */
static __attribute__((naked)) void go_and_end(void)
{
	__asm__("sub $4096, %rsp\n jmp ends");
}

static __attribute__((naked)) void go_and_stay(void)
{
	__asm__("sub $4096, %rsp\n jmp stays");
}

void *child_stack(int stay)
{
	static char stack[2][16384] __attribute__((aligned(4096)));
	void **top = (void **)(stack[!!stay] + sizeof(stack[0]) - 64);

	*top = stay ? go_and_stay : go_and_end;
	return top;
}

#define STACKS	32

/* Each has one of its own, which is there: nobody would see to a fault of it. */
void *stack_for(void (*run)(void))
{
	static char stacks[STACKS][4 * PAGE] __attribute__((aligned(4096)));
	static int used;
	void **top;

	if (used == STACKS)
		exit(2);
	memset(stacks[used], 1, sizeof(stacks[0]));
	top = (void **)(stacks[used++] + sizeof(stacks[0]) - 64);
	*top = run;
	return top;
}
#else
static void *nothing(void)
{
	fprintf(stderr, "hostile: only on x86_64\n");
	exit(2);
}

void *child_stack(int stay)
{
	(void)stay;
	return nothing();
}

void *stack_for(void (*run)(void))
{
	(void)run;
	return nothing();
}
#endif
