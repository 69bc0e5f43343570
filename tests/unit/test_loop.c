// SPDX-License-Identifier: GPL-2.0-only
/* The supervisor's loop: what it waits for, in which order calls come, and others' bells. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <cmocka.h>
#include "bell.h"
#include "futex.h"
#include "loop.h"

static char order[16];

static void note(void *arg)
{
	strncat(order, arg, sizeof(order) - strlen(order) - 1);
}

static struct call a = { .fn = note, .arg = "a" }, b = { .fn = note, .arg = "b" };

static int set_up(void **state)
{
	(void)state;
	order[0] = 0;
	return 0;
}

static void calls_in_time(void **state)
{
	(void)state;
	loop_call(&a, 20);
	loop_call(&b, 0);
	loop_turn();
	assert_string_equal(order, "b");
	while (strlen(order) < 2)
		loop_turn();
	assert_string_equal(order, "ba");
}

/* What is asked for again is one call, at the time that was said last. */
static void a_call_that_is_asked_for_again(void **state)
{
	(void)state;
	loop_call(&a, 3600 * 1000);
	loop_call(&a, 0);
	loop_turn();
	assert_string_equal(order, "a");
	loop_call(&b, 0);
	loop_turn();
	assert_string_equal(order, "ab");
}

static int left;
static struct call again;

static void once_more(void *arg)
{
	note(arg);
	if (--left)
		loop_call(&again, 0);
}

/* A call that asks for itself leaves the others their turns. */
static void calls_without_end(void **state)
{
	(void)state;
	again = (struct call) { .fn = once_more, .arg = "c" };
	left = 3;
	loop_call(&again, 0);
	loop_turn();
	assert_string_equal(order, "c");
	loop_call(&a, 0);
	loop_turn();
	assert_int_equal(strlen(order), 3);
	loop_turn();
	assert_int_equal(left, 0);
}

static int ends[2], reads;
static struct source in;

static void read_one(void *arg)
{
	char c;

	(void)arg;
	assert_int_equal(read(ends[0], &c, 1), 1);
	reads++;
}

static void a_descriptor(void **state)
{
	(void)state;
	assert_int_equal(pipe(ends), 0);
	in = (struct source) { .fd = ends[0], .ready = read_one };
	assert_int_equal(write(ends[1], "xyz", 3), 3);
	loop_watch(&in, EPOLLIN);
	loop_turn();
	assert_int_equal(reads, 1);
	loop_watch(&in, 0);
	loop_watch(&in, 0);
	loop_call(&a, 0);
	loop_turn();
	assert_int_equal(reads, 1);
	loop_watch(&in, EPOLLIN);
	loop_turn();
	assert_int_equal(reads, 2);
	loop_watch(&in, 0);
}

static struct source twins[2];

static void end_both(void *arg)
{
	note(arg);
	loop_watch(&twins[0], 0);
	loop_watch(&twins[1], 0);
}

/* Both are ready, and the first ends the other: it is not called any more. */
static void one_that_ends_another(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		twins[i] = (struct source) { .fd = dup(ends[0]), .ready = end_both, .arg = "t" };
		loop_watch(&twins[i], EPOLLIN);
	}
	loop_turn();
	assert_string_equal(order, "t");
}

static void *wakes(void *arg)
{
	loop_wake();
	return arg;
}

static void woken_by_a_thread(void **state)
{
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, wakes, NULL), 0);
	loop_turn();
	pthread_join(t, NULL);
}

static struct kbox_shared *shared;

static void guest_rings(uint32_t bells)
{
	__atomic_fetch_or(&shared->doorbell, bells, __ATOMIC_SEQ_CST);
	futex_wake(&shared->doorbell, INT_MAX);
}

/* A bell that nobody answers turns the loop, as the end of a box does. */
static void bells(void **state)
{
	static struct box box;

	(void)state;
	shared = box.shared = aligned_alloc(64, sizeof(*shared));
	memset(shared, 0, sizeof(*shared));
	bell_answer(3, note, "3");
	bell_answer(31, note, "l");
	start_bells(&box);
	guest_rings(1u << 3);
	while (!strlen(order))
		loop_turn();
	assert_string_equal(order, "3");
	guest_rings(~(1u << 3));
	while (strlen(order) < 2)
		loop_turn();
	assert_string_equal(order, "3l");
	guest_rings(1u << KBOX_BELL_EXIT);
	loop_turn();
	bell_ring(3);
	while (strlen(order) < 3)
		loop_turn();
	assert_string_equal(order, "3l3");
}

/* These are answered while the loop waits, or in its turn where it does not. */
static void *rings_until_answered(void *arg)
{
	do
		guest_rings(1u << 5);
	while (!__atomic_load_n(&order[0], __ATOMIC_SEQ_CST));
	loop_wake();
	return arg;
}

static void bells_at_once(void **state)
{
	pthread_t t;

	(void)state;
	bell_answer_at_once(5, note, "5");
	assert_int_equal(pthread_create(&t, NULL, rings_until_answered, NULL), 0);
	loop_turn();
	pthread_join(t, NULL);
	assert_int_equal(order[0], '5');
	while (order[1] != '5') {
		guest_rings(1u << 5);
		loop_turn();
	}
	bell_answer_at_once(5, NULL, NULL);
}

static void asks_for_a(void *arg)
{
	loop_call(arg, 0);
}

/* The loop waits for nothing else. */
static void a_call_while_the_loop_waits(void **state)
{
	(void)state;
	bell_answer_at_once(6, asks_for_a, &a);
	guest_rings(1u << 6);
	while (!strlen(order))
		loop_turn();
	assert_string_equal(order, "a");
}

static struct kbox_vcpu vcpu;
static bool enough;

static void *watches(void *arg)
{
	while (!__atomic_load_n(&enough, __ATOMIC_SEQ_CST))
		futex_wait(&vcpu.watch_seq, __atomic_load_n(&vcpu.watch_seq, __ATOMIC_SEQ_CST));
	return arg;
}

/* Whoever watches is woken; Z, where nobody does, whatever the guest says of that. */
static void interrupts(void **state)
{
	uint32_t z_seq;
	pthread_t t;

	(void)state;
	vcpu.lock = 1;
	raise_irq(&vcpu, 3);
	assert_int_equal(vcpu.irq_pending, 1u << 3);
	assert_int_equal(vcpu.z_seq, 0);
	vcpu.lock = 0;
	raise_irq(&vcpu, 4);
	assert_int_equal(vcpu.irq_pending, 3u << 3);
	assert_int_equal(vcpu.z_seq, 1);
	assert_int_equal(vcpu.watch_seq, 0);
	vcpu.watched = 1;
	raise_irq(&vcpu, 4);
	assert_int_equal(vcpu.z_seq, 2);
	assert_int_equal(pthread_create(&t, NULL, watches, NULL), 0);
	do {
		z_seq = vcpu.z_seq;
		raise_irq(&vcpu, 4);
	} while (vcpu.z_seq != z_seq);
	__atomic_store_n(&enough, true, __ATOMIC_SEQ_CST);
	raise_irq(&vcpu, 4);
	pthread_join(t, NULL);
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_in_time), TEST(a_call_that_is_asked_for_again), TEST(calls_without_end),
		TEST(a_descriptor), TEST(one_that_ends_another), TEST(woken_by_a_thread), TEST(bells),
		TEST(bells_at_once), TEST(a_call_while_the_loop_waits), TEST(interrupts),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
