// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest rings by a word in shared memory, and no thread can wait for that and for descriptors.
 * So one hears the bells. It passes them on to the loop, or, where the loop waits, answers those of
 * devices itself: a second wake-up costs more than what there is to do.
 */
#include <sys/epoll.h>
#include "bell.h"
#include "futex.h"
#include "loop.h"
#include "thread.h"

static struct {
	void (*fn)(void *arg);
	void *arg;
} answers[32];

static uint32_t at_once;		/* those that need no turn of the loop's */
static uint32_t rung;			/* heard, and not answered yet */
static void answer(void *arg);
static struct source bells = { .fd = -1, .ready = answer };

/* False: nobody has waited there. */
static bool wake(uint32_t *seq)
{
	__atomic_fetch_add(seq, 1, __ATOMIC_SEQ_CST);
	return futex_wake(seq, 1) > 0;
}

void raise_irq(struct kbox_vcpu *vcpu, int irq)
{
	__atomic_fetch_or(&vcpu->irq_pending, 1u << irq, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->lock, __ATOMIC_SEQ_CST))
		return;
	if (!__atomic_load_n(&vcpu->watched, __ATOMIC_SEQ_CST) || !wake(&vcpu->watch_seq))
		wake(&vcpu->z_seq);
}

void bell_answer(int bell, void (*fn)(void *arg), void *arg)
{
	answers[bell].fn = fn;
	answers[bell].arg = arg;
}

void bell_answer_at_once(int bell, void (*fn)(void *arg), void *arg)
{
	bell_answer(bell, fn, arg);
	at_once |= 1u << bell;
}

static void pass_on(uint32_t set)
{
	if (!__atomic_fetch_or(&rung, set, __ATOMIC_SEQ_CST))
		ring_bell(bells.fd);
}

void bell_ring(int bell)
{
	pass_on(1u << bell);
}

/* For KBOX_BELL_EXIT the loop's turn is the answer. */
static void answer_all(uint32_t set)
{
	for (int i = 0; i < 32; i++)
		if (set & 1u << i && answers[i].fn)
			answers[i].fn(answers[i].arg);
}

static void answer(void *arg)
{
	(void)arg;
	hear_bell(bells.fd);
	answer_all(__atomic_exchange_n(&rung, 0, __ATOMIC_SEQ_CST));
}

static void take(uint32_t set)
{
	if (set & at_once && loop_enter()) {
		answer_all(set & at_once);
		loop_leave();
		set &= ~at_once;
	}
	if (set)
		pass_on(set);
}

static void *hear(void *arg)
{
	uint32_t *word = arg, set;

	for (;;) {
		set = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
		if (set)
			take(set);
		else
			futex_wait(word, 0);
	}
	return NULL;
}

void start_bells(struct box *b)
{
	bells.fd = new_bell();
	loop_watch(&bells, EPOLLIN);
	start_thread(hear, &b->shared->doorbell);
}
