// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of the host's descriptors: each transition of a slot, and random operations against a
 * model that has no table. SEED=N chooses others. The table's own check follows each change, but
 * not in the long run.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool no_memory, unchecked;
static unsigned long allocated;

static void *table_zalloc(size_t size)
{
	void *p = no_memory ? NULL : calloc(1, size);

	allocated += !!p;
	return p;
}

static void table_free(void *p)
{
	allocated--;
	free(p);
}

#define CONFIG_KBOX_HOSTFD_CHECK
#define hostfd_zalloc(size)	table_zalloc(size)
#define hostfd_free(p)		table_free(p)
#define hostfd_assert(x)	assert_true(unchecked || (x))
#include "hostfd_table.c"

#define HOLDERS	96

static struct hostfd_table t;
static struct hostfd_holder holders[HOLDERS];

static struct hostfd_holder *const a = &holders[0], *const b = &holders[1], *const c = &holders[2], *const d = &holders[3];

static int setup(void **state)
{
	int i;

	(void)state;
	hostfd_table_init(&t);
	for (i = 0; i < HOLDERS; i++)
		hostfd_holder_init(&holders[i]);
	no_memory = unchecked = false;
	return 0;
}

/* When nobody holds anything, there are only pages. */
static int teardown(void **state)
{
	bool left;
	int i;

	(void)state;
	for (i = 0; i < HOLDERS; i++)
		hostfd_remove(&t, &holders[i]);
	left = t.held || !list_empty(&t.far) || allocated != t.pages || !hostfd_consistent(&t);
	for (i = 0; i < HOSTFD_DIRECT / HOSTFD_CHUNK; i++)
		if (t.chunks[i])
			table_free(t.chunks[i]);
	return left ? -1 : 0;
}

static void assert_released(const struct hostfd_holder *h)
{
	assert_int_equal(h->fd, -1);
	assert_ptr_equal(h->ring.next, &h->ring);
	assert_ptr_equal(h->ring.prev, &h->ring);
}

/* Who holds it, in the order of the ring: "n" and then so many holders. */
static void assert_held(int fd, int n, ...)
{
	struct hostfd_holder *h;
	va_list ap;

	assert_int_equal(hostfd_refs(&t, fd), n);
	va_start(ap, n);
	hostfd_for_each_holder(h, hostfd_lookup(&t, fd)) {
		assert_true(n-- > 0);
		assert_ptr_equal(h, va_arg(ap, struct hostfd_holder *));
		assert_int_equal(h->fd, fd);
	}
	va_end(ap);
	assert_int_equal(n, 0);
	assert_true(hostfd_consistent(&t));
}

static void nothing(void **state)
{
	static const int numbers[] = { 0, 5, 65535, 65536, 1000000, INT_MAX, -1, INT_MIN };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_held(numbers[i], 0);
	assert_int_equal(t.pages + t.held, 0);
}

static void one(void **state)
{
	(void)state;
	assert_int_equal(hostfd_insert(&t, a, 5), 0);
	assert_held(5, 1, a);
	assert_held(4, 0);
	assert_held(6, 0);
	assert_int_equal(t.held, 1);
	assert_int_equal(t.pages, 1);

	assert_int_equal(hostfd_remove(&t, a), 5);
	assert_released(a);
	assert_held(5, 0);
	assert_int_equal(t.held, 0);
	assert_int_equal(t.pages, 1);

	assert_int_equal(hostfd_insert(&t, b, 5), 0);
	assert_held(5, 1, b);
	assert_int_equal(t.pages, 1);
}

/* a, and then b and c with it, of 5; d of 6. */
static void three(void)
{
	assert_int_equal(hostfd_insert(&t, a, 5), 0);
	assert_int_equal(hostfd_insert(&t, d, 6), 0);
	assert_int_equal(hostfd_share(&t, b, a), 0);
	assert_held(5, 2, a, b);
	assert_int_equal(hostfd_share(&t, c, b), 0);
	assert_held(5, 3, a, b, c);
	assert_int_equal(t.held, 2);
}

/* The last one has the descriptor to close, whichever that is. */
static void several(void **state)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct hostfd_holder *x = &holders[orders[i][0]], *y = &holders[orders[i][1]], *z = &holders[orders[i][2]];

		three();
		assert_int_equal(hostfd_remove(&t, x), -1);
		assert_released(x);
		assert_held(5, 2, y < z ? y : z, y < z ? z : y);
		assert_int_equal(hostfd_remove(&t, y), -1);
		assert_released(y);
		assert_held(5, 1, z);
		assert_int_equal(t.held, 2);
		assert_int_equal(hostfd_remove(&t, z), 5);
		assert_released(z);
		assert_held(5, 0);
		assert_int_equal(t.held, 1);
		assert_held(6, 1, d);
		assert_int_equal(hostfd_remove(&t, d), 6);
	}
}

/* One that is left of several is as good as the first. */
static void shared_again(void **state)
{
	(void)state;
	three();
	assert_int_equal(hostfd_remove(&t, a), -1);
	assert_int_equal(hostfd_remove(&t, b), -1);
	assert_int_equal(hostfd_share(&t, a, c), 0);
	assert_held(5, 2, c, a);
	assert_int_equal(hostfd_remove(&t, c), -1);
	assert_int_equal(hostfd_remove(&t, a), 5);
}

static void insert_over_one(void **state)
{
	(void)state;
	assert_int_equal(hostfd_insert(&t, a, 5), 0);
	assert_int_equal(hostfd_insert(&t, b, 5), 0);
	assert_released(a);
	assert_held(5, 1, b);
	assert_int_equal(t.held, 1);
	assert_int_equal(hostfd_remove(&t, a), -1);
	assert_held(5, 1, b);
	assert_int_equal(hostfd_remove(&t, b), 5);
}

static void insert_over_several(void **state)
{
	(void)state;
	three();
	assert_int_equal(hostfd_insert(&t, &holders[4], 5), 0);
	assert_released(a);
	assert_released(b);
	assert_released(c);
	assert_held(5, 1, &holders[4]);
	assert_held(6, 1, d);
	assert_int_equal(t.held, 2);
	assert_int_equal(hostfd_remove(&t, b), -1);
	assert_int_equal(hostfd_share(&t, b, &holders[4]), 0);
	assert_held(5, 2, &holders[4], b);
}

static void share_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(hostfd_share(&t, b, a), -EBADF);	/* never held any */
	assert_int_equal(hostfd_share(&t, a, a), -EBADF);
	hostfd_insert(&t, a, 5);
	hostfd_remove(&t, a);
	assert_int_equal(hostfd_share(&t, b, a), -EBADF);	/* has gone */
	hostfd_insert(&t, a, 5);
	hostfd_insert(&t, c, 5);
	assert_int_equal(hostfd_share(&t, b, a), -EBADF);	/* was released */
	a->fd = 5;						/* and is told from who holds it now: one */
	assert_int_equal(hostfd_share(&t, b, a), -EBADF);
	assert_int_equal(hostfd_share(&t, d, c), 0);		/* or several */
	assert_int_equal(hostfd_share(&t, b, a), -EBADF);
	assert_int_equal(hostfd_remove(&t, a), -1);
	assert_released(a);
	assert_released(b);
	assert_held(5, 2, c, d);
}

/* Who holds something cannot get more. */
static void busy(void **state)
{
	(void)state;
	three();
	assert_int_equal(hostfd_insert(&t, a, 5), -EBUSY);
	assert_int_equal(hostfd_insert(&t, b, 7), -EBUSY);
	assert_int_equal(hostfd_share(&t, d, a), -EBUSY);
	assert_int_equal(hostfd_share(&t, a, d), -EBUSY);
	assert_int_equal(hostfd_share(&t, a, a), -EBUSY);
	assert_int_equal(hostfd_share(&t, a, c), -EBUSY);
	assert_held(5, 3, a, b, c);
	assert_held(6, 1, d);
	assert_held(7, 0);
}

/* Pages and what is in the list: "far" of them are in it. */
static void assert_life_at(int fd, unsigned long pages, unsigned long far)
{
	assert_int_equal(hostfd_insert(&t, a, fd), 0);
	assert_int_equal(t.pages, pages);
	assert_int_equal(allocated, pages + far);
	assert_int_equal(hostfd_share(&t, b, a), 0);
	assert_held(fd, 2, a, b);
	assert_int_equal(hostfd_insert(&t, c, fd), 0);
	assert_int_equal(allocated, pages + far);
	assert_held(fd, 1, c);
	assert_held(fd - 1, 0);
	if (fd < INT_MAX)
		assert_held(fd + 1, 0);
	assert_int_equal(hostfd_share(&t, b, c), 0);
	assert_int_equal(hostfd_remove(&t, c), -1);
	assert_int_equal(hostfd_remove(&t, b), fd);
	assert_int_equal(t.pages, pages);
	assert_int_equal(allocated, pages);
}

static void large_numbers(void **state)
{
	(void)state;
	assert_life_at(65536, 0, 1);
	assert_life_at(1000000, 0, 1);
	assert_life_at(INT_MAX, 0, 1);
	assert_life_at(65535, 1, 0);
	assert_life_at(65280, 1, 0);
	assert_life_at(65279, 2, 0);
}

/* From the list each is found and taken, whether it comes first, last or between others. */
static void list_of_large_numbers(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(hostfd_insert(&t, &holders[i], 100000 + i), 0);
	assert_int_equal(allocated, 4);
	assert_int_equal(hostfd_remove(&t, b), 100001);
	assert_int_equal(hostfd_remove(&t, d), 100003);
	assert_held(100000, 1, a);
	assert_held(100001, 0);
	assert_held(100002, 1, c);
	assert_int_equal(hostfd_remove(&t, a), 100000);
	assert_held(100002, 1, c);
	assert_int_equal(hostfd_remove(&t, c), 100002);
	assert_int_equal(allocated, 0);
}

static void negative_numbers(void **state)
{
	(void)state;
	assert_int_equal(hostfd_insert(&t, a, -1), -EBADF);
	assert_int_equal(hostfd_insert(&t, a, INT_MIN), -EBADF);
	assert_released(a);
	assert_int_equal(hostfd_remove(&t, a), -1);
	assert_int_equal(t.held + allocated, 0);
}

static void no_memory_left(void **state)
{
	(void)state;
	no_memory = true;
	assert_int_equal(hostfd_insert(&t, a, 5), -ENOMEM);
	assert_int_equal(hostfd_insert(&t, a, 70000), -ENOMEM);
	assert_released(a);
	assert_held(5, 0);
	assert_held(70000, 0);
	assert_int_equal(t.held + t.pages, 0);

	no_memory = false;
	three();
	assert_int_equal(hostfd_remove(&t, d), 6);
	no_memory = true;
	assert_int_equal(hostfd_insert(&t, d, 256), -ENOMEM);
	assert_int_equal(hostfd_insert(&t, d, 70000), -ENOMEM);
	assert_released(d);
	assert_held(5, 3, a, b, c);
	assert_int_equal(hostfd_insert(&t, d, 255), 0);		/* the same page */
	assert_int_equal(hostfd_insert(&t, &holders[4], 5), 0);	/* the same slot */
	assert_held(5, 1, &holders[4]);
}

/* The first holder says that it has another one, at each place where a number can be. */
static void stale(void **state)
{
	static const int numbers[] = { 5, 65535, 70000 }, others[] = { -1, 9, 4, 80000 };
	int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		int fd = numbers[i % 3];

		assert_int_equal(hostfd_insert(&t, a, fd), 0);
		assert_int_equal(hostfd_insert(&t, d, 4), 0);
		if (i % 2)
			assert_int_equal(hostfd_share(&t, b, a), 0);
		a->fd = others[i / 3];
		assert_false(hostfd_consistent(&t));
		assert_null(hostfd_lookup(&t, fd));
		assert_int_equal(hostfd_refs(&t, fd), 0);
		assert_int_equal(hostfd_share(&t, c, b), -EBADF);
		if (!(i % 2))
			assert_int_equal(hostfd_share(&t, c, a), -EBADF);
		assert_released(c);
		assert_int_equal(hostfd_insert(&t, c, fd), 0);
		assert_released(a);
		assert_released(b);
		assert_held(fd, 1, c);
		assert_held(4, 1, d);
		assert_int_equal(hostfd_remove(&t, c), fd);
		assert_int_equal(hostfd_remove(&t, d), 4);
	}
}

/* Even so it leaves no trace in the others' ring. */
static void stale_removed(void **state)
{
	(void)state;
	unchecked = true;
	three();
	b->fd = -1;
	assert_int_equal(hostfd_insert(&t, b, 7), -EBUSY);
	assert_int_equal(hostfd_remove(&t, b), -1);
	assert_released(b);
	assert_ptr_equal(a->ring.next, &c->ring);
	a->fd = 9;
	assert_int_equal(hostfd_remove(&t, c), -1);
	assert_released(c);
	assert_ptr_equal(a->ring.next, &a->ring);
	assert_int_equal(hostfd_insert(&t, c, 5), 0);
	assert_true(hostfd_consistent(&t));
}

#define assert_found(spoil, mend)			\
	do {						\
		spoil;					\
		assert_false(hostfd_consistent(&t));	\
		mend;					\
		assert_true(hostfd_consistent(&t));	\
	} while (0)

/* What hostfd_consistent() has to find. */
static void inconsistent(void **state)
{
	struct hostfd_slot *s;
	struct hostfd_far *far;

	(void)state;
	three();
	hostfd_insert(&t, &holders[4], 70000);
	assert_true(hostfd_consistent(&t));
	assert_found(t.held++, t.held--);
	assert_found(t.pages++, t.pages--);
	s = &t.chunks[0][5];
	assert_found(s->refs++, s->refs--);
	assert_found(s->refs--, s->refs++);
	assert_found(s->first = NULL, s->first = a);
	assert_found(s->first = d, s->first = a);
	assert_found(b->fd = 6, b->fd = 5);
	assert_found(b->ring.prev = &c->ring, b->ring.prev = &a->ring);
	assert_found(a->ring.next = &a->ring, a->ring.next = &b->ring);
	s = &t.chunks[0][7];
	assert_found(s->refs = 1, s->refs = 0);
	far = list_first_entry(&t.far, struct hostfd_far, list);
	assert_found(far->slot.refs++, far->slot.refs--);
	assert_found(far->slot.first = NULL, far->slot.first = &holders[4]);
	assert_found(far->slot = (struct hostfd_slot) { }, far->slot = ((struct hostfd_slot) { &holders[4], 1 }));
	assert_found(far->fd = holders[4].fd = 7, far->fd = holders[4].fd = 70000);
	hostfd_insert(&t, &holders[5], 70001);
	assert_found(far->fd = holders[4].fd = 70001, far->fd = holders[4].fd = 70000);
}

/* The model: what each holder holds (-1: nothing), and which pages have been needed. */
static int model[HOLDERS];
static bool model_page[HOSTFD_DIRECT / HOSTFD_CHUNK];

static unsigned long op;
static uint64_t random_state;

/* Each has to have happened often. */
static struct {
	unsigned long insert, over_one, over_several, share, last, first_of_several, far, badf, busy, nomem;
} seen;

#define expect(x) do { if (!(x)) fail_msg("operation %lu: %s", op, #x); } while (0)

static unsigned int below(unsigned int n)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x >> 32) % n;
}

/* Few and small ones mostly, so that they are held. wide: each page is taken some time. */
static int number(bool wide)
{
	static const int edges[] = { 255, 256, 4095, 65534, 65535, 65536, 65537, 1000000, INT_MAX };

	if (!below(32))
		return -1 - (int)below(INT_MAX);
	if (wide && !below(64))
		return below(3 * HOSTFD_DIRECT);
	return below(6) ? (int)below(24) : edges[below(sizeof(edges) / sizeof(edges[0]))];
}

static unsigned int model_refs(int fd)
{
	unsigned int i, n = 0;

	for (i = 0; fd >= 0 && i < HOLDERS; i++)
		n += model[i] == fd;
	return n;
}

static int any_holder(int fd)
{
	int i;

	do
		i = below(HOLDERS);
	while (model[i] != fd);
	return i;
}

/* Those that walk the ring are those that the model has, each once. */
static void expect_walk(int fd)
{
	bool met[HOLDERS] = { };
	struct hostfd_holder *h;
	unsigned int n = 0;

	hostfd_for_each_holder(h, hostfd_lookup(&t, fd)) {
		expect(model[h - holders] == fd && !met[h - holders]);
		met[h - holders] = true;
		n++;
	}
	expect(n == model_refs(fd));
}

static void expect_number(int fd)
{
	struct hostfd_holder *h = hostfd_lookup(&t, fd);

	expect(hostfd_refs(&t, fd) == model_refs(fd));
	expect(!h == !model_refs(fd));
	expect(!h || model[h - holders] == fd);
}

static void expect_all(void)
{
	unsigned long pages = 0, held = 0;
	int i, j;

	for (i = 0; i < HOLDERS; i++) {
		for (j = 0; j < i && model[j] != model[i]; j++)
			;
		held += model[i] >= 0 && j == i;
		if (model[i] >= 0)
			expect_walk(model[i]);
	}
	for (i = 0; i < HOSTFD_DIRECT / HOSTFD_CHUNK; i++)
		pages += model_page[i];
	expect(t.held == held);
	expect(t.pages == pages);
	expect(hostfd_consistent(&t));
}

static int model_insert(int i, int fd)
{
	unsigned int j, n = model_refs(fd);

	if (fd < 0)
		return seen.badf++, -EBADF;
	if (model[i] >= 0)
		return seen.busy++, -EBUSY;
	if (no_memory && (fd < HOSTFD_DIRECT ? !model_page[fd / HOSTFD_CHUNK] : !n))
		return seen.nomem++, -ENOMEM;
	if (fd < HOSTFD_DIRECT)
		model_page[fd / HOSTFD_CHUNK] = true;
	for (j = 0; j < HOLDERS; j++)
		if (model[j] == fd)
			model[j] = -1;
	model[i] = fd;
	seen.insert++;
	seen.over_one += n == 1;
	seen.over_several += n > 1;
	seen.far += fd >= HOSTFD_DIRECT;
	return 0;
}

static void random_insert(int i, int fd)
{
	no_memory = !below(8);
	expect(hostfd_insert(&t, &holders[i], fd) == model_insert(i, fd));
	no_memory = false;
	expect_number(fd);
}

static int model_share(int i, int of)
{
	if (model[of] < 0)
		return seen.badf++, -EBADF;
	if (model[i] >= 0)
		return seen.busy++, -EBUSY;
	model[i] = model[of];
	seen.share++;
	return 0;
}

static void random_share(int i, int of)
{
	expect(hostfd_share(&t, &holders[i], &holders[of]) == model_share(i, of));
	expect_number(model[of]);
}

static void random_remove(int i)
{
	int fd = model[i];
	bool last = model_refs(fd) == 1;

	seen.last += last;
	seen.first_of_several += fd >= 0 && !last && hostfd_lookup(&t, fd) == &holders[i];
	model[i] = -1;
	expect(hostfd_remove(&t, &holders[i]) == (last ? fd : -1));
	expect_number(fd);
}

static void random_operation(bool wide)
{
	int i = below(HOLDERS), fd = number(wide);

	if (!below(8)) {
		expect_number(fd);
		expect_walk(fd);
	} else if (!below(8)) {
		random_share(i, below(HOLDERS));
	} else if (model[i] >= 0 ? below(8) : !below(8)) {
		random_remove(i);
	} else if (model_refs(fd) && below(8)) {
		random_share(i, any_holder(fd));
	} else {
		random_insert(i, fd);
	}
}

static void random_operations(unsigned long n, bool wide)
{
	const char *seed = getenv("SEED");
	int i;

	random_state = seed ? strtoull(seed, NULL, 0) : 20250101;
	printf("# SEED=%llu\n", (unsigned long long)random_state);
	fflush(stdout);
	memset(&seen, 0, sizeof(seen));
	memset(model, -1, sizeof(model));
	memset(model_page, 0, sizeof(model_page));
	for (op = 0; op < n; op++) {
		random_operation(wide);
		for (i = 0; i < HOLDERS; i++)
			expect(holders[i].fd == model[i]);
		if (op % 1024 == 0)
			expect_all();
	}
	expect_all();
	printf("# %lu operations: %lu inserted (%lu over one, %lu over several, %lu in the list), %lu shared, %lu first of several "
	       "removed, %lu last; -EBADF %lu, -EBUSY %lu, -ENOMEM %lu; pages %lu\n", n, seen.insert, seen.over_one, seen.over_several,
	       seen.far, seen.share, seen.first_of_several, seen.last, seen.badf, seen.busy, seen.nomem, t.pages);
	for (i = 0; i < (int)(sizeof(seen) / sizeof(long)); i++)
		assert_true(((unsigned long *)&seen)[i] > 0);
}

static void random_long(void **state)
{
	(void)state;
	unchecked = true;
	random_operations(1000000, true);
}

static void random_checked(void **state)
{
	(void)state;
	random_operations(50000, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing), TEST(one), TEST(several), TEST(shared_again), TEST(insert_over_one), TEST(insert_over_several),
		TEST(share_of_nothing), TEST(busy), TEST(large_numbers), TEST(list_of_large_numbers), TEST(negative_numbers),
		TEST(no_memory_left), TEST(stale), TEST(stale_removed), TEST(inconsistent), TEST(random_long), TEST(random_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
