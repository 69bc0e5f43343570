// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's side of the console's rings, against a guest that writes what it likes into the
 * indices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ring.h"

#define SIZE 16

/* Of their own, so that the address sanitizer sees each byte beside them. */
struct rig {
	uint8_t *bytes;
	uint32_t *theirs, *told;
	struct ring r;
};

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	g->bytes = malloc(SIZE);
	g->theirs = calloc(1, sizeof(*g->theirs));
	g->told = calloc(1, sizeof(*g->told));
	g->r = (struct ring) { .bytes = g->bytes, .size = SIZE, .theirs = g->theirs, .told = g->told };
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	free(g->bytes);
	free(g->theirs);
	free(g->told);
	free(g);
	return 0;
}

static void guest_writes(struct rig *g, const char *s)
{
	for (; *s; s++)
		g->bytes[(*g->theirs)++ % SIZE] = *s;
}

static void assert_taken(struct rig *g, uint32_t at_most, const char *expected)
{
	char *buf = malloc(at_most ?: 1);
	uint32_t n = ring_look(&g->r, buf, at_most);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(buf, expected, n);
	ring_done(&g->r, n);
	assert_int_equal(*g->told, g->r.ours);
	free(buf);
}

static void in_order(void **state)
{
	struct rig *g = *state;

	assert_taken(g, 8, "");
	guest_writes(g, "abcdefghijkl");
	assert_int_equal(ring_left(&g->r), 12);
	assert_taken(g, 5, "abcde");
	guest_writes(g, "mnopqrstu");
	assert_taken(g, 32, "fghijklmnopqrstu");
	assert_int_equal(ring_left(&g->r), 0);
	assert_taken(g, 32, "");
}

static void what_was_looked_at_stays(void **state)
{
	struct rig *g = *state;
	char buf[4];

	guest_writes(g, "abcdef");
	assert_int_equal(ring_look(&g->r, buf, 4), 4);
	assert_int_equal(*g->told, 0);
	assert_taken(g, 6, "abcdef");
}

static void indices_wrap(void **state)
{
	struct rig *g = *state;

	g->r.ours = *g->theirs = *g->told = -5U;
	guest_writes(g, "abcdefghij");
	assert_taken(g, 16, "abcdefghij");
	assert_int_equal(*g->told, 5);
	*g->theirs = g->r.ours;
	ring_put(&g->r, "klmnopqrst", 10);
	assert_int_equal(ring_room(&g->r), 6);
}

/*
 * An index that cannot be is where we begin anew; whatever it is, nothing outside the ring is read.
 */
static void lies_about_output(void **state)
{
	static const uint32_t lies[] = { SIZE + 1, 1000, 0x7fffffff, 0x80000000, -1U };
	struct rig *g = *state;
	char buf[64];

	memset(g->bytes, 'x', SIZE);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		*g->theirs = g->r.ours + lies[i];
		assert_int_equal(ring_left(&g->r), 0);
		assert_int_equal(ring_look(&g->r, buf, sizeof(buf)), 0);
		assert_int_equal(g->r.ours, *g->theirs);
		assert_int_equal(*g->told, *g->theirs);
		guest_writes(g, "good");
		assert_taken(g, 64, "good");
	}
}

/* What we have told may be overwritten, and is not believed either. */
static void told_is_not_read(void **state)
{
	struct rig *g = *state;

	guest_writes(g, "abcdef");
	assert_taken(g, 3, "abc");
	*g->told = 0x12345678;
	assert_taken(g, 3, "def");
	assert_int_equal(*g->told, 6);
}

static void room_for_input(void **state)
{
	struct rig *g = *state;

	assert_int_equal(ring_room(&g->r), SIZE);
	ring_put(&g->r, "abcdefghij", 10);
	assert_int_equal(ring_room(&g->r), 6);
	ring_put(&g->r, "klmnop", 6);
	assert_int_equal(ring_room(&g->r), 0);
	*g->theirs = 10;
	assert_int_equal(ring_room(&g->r), 10);
	ring_put(&g->r, "qrs", 3);
	assert_memory_equal(g->bytes, "qrsdefghijklmnop", SIZE);
	assert_int_equal(*g->told, 19);
}

/* It has not taken more than there was, nor less than before. */
static void lies_about_input(void **state)
{
	static const uint32_t lies[] = { 11, 1000, 0x80000000, -SIZE + 9U };
	struct rig *g = *state;

	ring_put(&g->r, "abcdefghij", 10);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		*g->theirs = lies[i];
		assert_int_equal(ring_room(&g->r), 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(in_order), TEST(what_was_looked_at_stays), TEST(indices_wrap), TEST(lies_about_output),
		TEST(told_is_not_read), TEST(room_for_input), TEST(lies_about_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
