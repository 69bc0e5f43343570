// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's kernel has its tasks stand still when it is asked to, and says so (kernel/snapshot.c).
 * What it says is the guest's own word: a box that lies has a snapshot that is no use.
 */
#include "bell.h"
#include "devices.h"
#include "freeze.h"
#include "futex.h"
#include "loop.h"

#define LOOK_MS		1
#define ASK_MS		100

static struct box *box;
static void (*told)(bool is);		/* NULL: nobody waits */
static bool wanted;			/* somebody has been told that it stands still, and wants it so */

static void (*came_back)(void);		/* NULL: it has, or was never away */

static void go_on(void)
{
	devices_go_on();
	__atomic_store_n(&box->shared->freeze, KBOX_RUNS, __ATOMIC_SEQ_CST);
	futex_wake(&box->shared->freeze, 1);
}

static void tell(bool is)
{
	void (*whom)(bool) = told;

	told = NULL;
	wanted = is;
	whom(is);
}

/* What the guest has asked of its disk is done before it is copied. */
static void look(void *arg);
static struct call look_again = { .fn = look };

static void look(void *arg)
{
	(void)arg;
	if (told && devices_pause())
		tell(true);
	else if (told)
		loop_call(&look_again, LOOK_MS);
}

/* Early in its boot nobody hears it, so it is asked again. */
static void ask(void *arg);
static struct call ask_again = { .fn = ask };

static void ask(void *arg)
{
	(void)arg;
	if (!told || __atomic_load_n(&box->shared->freeze, __ATOMIC_SEQ_CST) != KBOX_FREEZE)
		return;
	raise_irq(&box->shared->vcpu, KBOX_IRQ_FREEZE);
	loop_call(&ask_again, ASK_MS);
}

static void answered(void *arg)
{
	uint32_t freeze = __atomic_load_n(&box->shared->freeze, __ATOMIC_SEQ_CST);

	(void)arg;
	if (came_back)
		came_back();
	came_back = NULL;
	if (freeze == KBOX_FROZEN && told) {
		look(NULL);
	} else if (freeze == KBOX_FROZEN && !wanted) {
		go_on();		/* nobody wants it any more */
	} else if (freeze == KBOX_UNFREEZABLE) {
		go_on();
		if (told)
			tell(false);
	}
}

void freeze_await(struct box *b, void (*back)(void))
{
	box = b;
	came_back = back;
	bell_answer(KBOX_BELL_FREEZE, answered, NULL);
}

void freeze_box(struct box *b, void (*frozen)(bool is))
{
	box = b;
	told = frozen;
	bell_answer(KBOX_BELL_FREEZE, answered, NULL);
	__atomic_store_n(&b->shared->freeze, KBOX_FREEZE, __ATOMIC_SEQ_CST);
	ask(NULL);
}

void thaw_box(struct box *b)
{
	told = NULL;
	wanted = false;
	if (box && __atomic_load_n(&b->shared->freeze, __ATOMIC_SEQ_CST) == KBOX_FROZEN)
		go_on();
}
