/* SPDX-License-Identifier: GPL-2.0-only */
/* What guest and supervisor have to get each other's attention: bells there, interrupts here. */
#ifndef BELL_H
#define BELL_H
#include "box.h"

/* The loop calls fn when the guest rings this bell (KBOX_BELL_*). */
void bell_answer(int bell, void (*fn)(void *arg), void *arg);
/* The same, and while the loop waits it is called without a turn of the loop's. */
void bell_answer_at_once(int bell, void (*fn)(void *arg), void *arg);
/* Ring it ourselves; from any thread. */
void bell_ring(int bell);
void start_bells(struct box *b);

void raise_irq(struct kbox_vcpu *vcpu, int irq);

#endif
