// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's rt_sigreturn(2) takes a signal frame from anybody: with it go a signal mask, and a
 * code segment.
 */
#include <signal.h>
#include <ucontext.h>
#include "hostile.h"

#ifdef __x86_64__
static const unsigned char restorer[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };	/* rt_sigreturn */

static struct {
	long restorer;
	ucontext_t uc;
	siginfo_t info;
} frame __attribute__((aligned(64)));
static char stack[16384] __attribute__((aligned(4096)));

static void __attribute__((noreturn)) go_to(void *ip, void *sp, long segments, const sigset_t *mask)
{
	void *at = find_code(restorer, sizeof(restorer));
	greg_t *r = frame.uc.uc_mcontext.gregs;

	if (!at)
		exit(2);
	memset(&frame, 0, sizeof(frame));
	r[REG_RIP] = (long)ip;
	r[REG_RSP] = (long)sp;
	r[REG_EFL] = 0x202;
	r[REG_CSGSFS] = segments;
	frame.uc.uc_flags = 4;	/* UC_STRICT_RESTORE_SS */
	memcpy(&frame.uc.uc_sigmask, mask, 8);
	__asm__ volatile("mov %0, %%rsp\n jmp *%1" : : "r" (&frame.uc), "r" (at) : "memory");
	__builtin_unreachable();
}

void deaf(void (*then)(void))
{
	sigset_t all;

	sigfillset(&all);
	memset(&all, 0xff, 8);
	go_to(then, stack + sizeof(stack) - 8, 0x2bUL << 48 | 0x33, &all);
}

void compat(void *code)
{
	sigset_t none;

	memset(&none, 0, sizeof(none));
	go_to(code, (char *)code + 2048, 0x2bUL << 48 | 0x23, &none);
}
#else
void deaf(void (*then)(void))
{
	(void)then;
	fprintf(stderr, "hostile: only on x86_64\n");
	exit(2);
}

void compat(void *code)
{
	(void)code;
	deaf(NULL);
}
#endif
