// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device side of a virtqueue against rings built here, in memory whose bounds the
 * address sanitizer watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "virtqueue.h"

#define MEM (64UL << 10)
#define SIZE 8
#define DESC 0x1000
#define AVAIL 0x2000
#define USED 0x3000
#define DATA 0x8000

enum { NEXT = 1, WRITE = 2 };

struct rig {
	char *mem;
	struct kbox_virtqueue hw;
	struct virtqueue q;
};

static struct vq_request r;

/* The queue is as the driver has it when the first request is looked for. */
static bool pop(struct rig *g)
{
	if (!g->q.run)
		vq_start(&g->q);
	return vq_pop(&g->q, &r);
}

static void start_anew(struct rig *g)
{
	vq_stop(&g->q);
	g->q.run = 0;
}

static uint16_t *u16(struct rig *g, uint64_t phys)
{
	return (uint16_t *)(g->mem + phys);
}

static uint32_t *u32(struct rig *g, uint64_t phys)
{
	return (uint32_t *)(g->mem + phys);
}

static void desc(struct rig *g, int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	char *d = g->mem + DESC + 16 * i;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

/* The driver offers the chain that begins with head. */
static void offer(struct rig *g, uint16_t head)
{
	uint16_t *avail = u16(g, AVAIL);

	avail[2 + avail[1] % g->hw.size] = head;
	avail[1]++;
}

static int set_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	g->mem = calloc(1, MEM);
	g->hw = (struct kbox_virtqueue) { DESC, AVAIL, USED, SIZE, 1 };
	g->q = (struct virtqueue) { .mem = g->mem, .mem_size = MEM, .hw = &g->hw };
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *g = *state;

	free(g->mem);
	free(g);
	return 0;
}

static void nothing_offered(void **state)
{
	struct rig *g = *state;

	assert_false(pop(g));
	assert_false(pop(g));
	desc(g, 0, DATA, 4, 0, 0);
	offer(g, 0);
	assert_true(pop(g));
	assert_false(pop(g));
}

static void good_chain(void **state)
{
	struct rig *g = *state;

	desc(g, 3, DATA, 16, NEXT, 5);
	desc(g, 5, DATA + 100, 0, NEXT, 1);
	desc(g, 1, DATA + 512, 512, NEXT | WRITE, 0);
	desc(g, 0, DATA + 50, 1, WRITE, 3);
	offer(g, 3);
	assert_true(pop(g));
	assert_int_equal(r.head, 3);
	assert_int_equal(r.nout, 2);
	assert_int_equal(r.nin, 2);
	assert_ptr_equal(r.seg[0].iov_base, g->mem + DATA);
	assert_int_equal(r.seg[0].iov_len, 16);
	assert_int_equal(r.seg[1].iov_len, 0);
	assert_ptr_equal(r.seg[2].iov_base, g->mem + DATA + 512);
	assert_int_equal(r.seg[2].iov_len, 512);
	assert_ptr_equal(r.seg[3].iov_base, g->mem + DATA + 50);

	vq_push(&g->q, &r, 513);
	assert_int_equal(u16(g, USED)[1], 1);
	assert_int_equal(u32(g, USED)[1], 3);
	assert_int_equal(u32(g, USED)[2], 513);
}

/* Both rings wrap, and their 16-bit indices too. */
static void many_requests(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < SIZE; i++)
		desc(g, i, DATA + 64 * i, 64, i % 2 ? WRITE : 0, 0);
	for (uint32_t n = 0; n < 200000; n++) {
		offer(g, n % SIZE);
		assert_true(pop(g));
		assert_int_equal(r.head, n % SIZE);
		assert_int_equal(r.nin, n % 2);
		assert_int_equal(r.nout, !(n % 2));
		vq_push(&g->q, &r, n);
		assert_int_equal(u16(g, USED)[1], (uint16_t)(n + 1));
		assert_int_equal(u32(g, USED)[1 + 2 * (n % SIZE)], n % SIZE);
		assert_int_equal(u32(g, USED)[2 + 2 * (n % SIZE)], n);
	}
}

static void a_full_queue_in_order(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < SIZE; i++) {
		desc(g, i, DATA, 1, 0, 0);
		offer(g, SIZE - 1 - i);
	}
	for (int i = 0; i < SIZE; i++) {
		assert_true(pop(g));
		assert_int_equal(r.head, SIZE - 1 - i);
	}
	assert_false(pop(g));
}

static void longest_chain(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < SIZE; i++)
		desc(g, i, DATA, 1, i < SIZE - 1 ? NEXT : 0, i + 1);
	offer(g, 0);
	assert_true(pop(g));
	assert_int_equal(r.nout, SIZE);
}

/* The whole of guest memory and its last byte are inside; one byte more is not. */
static void bounds_of_segments(void **state)
{
	static const struct { uint64_t addr; uint32_t len; int good; } cases[] = {
		{ 0, MEM, 1 }, { MEM - 1, 1, 1 }, { MEM, 0, 1 },
		{ 0, MEM + 1, 0 }, { MEM - 1, 2, 0 }, { MEM, 1, 0 }, { MEM + 1, 0, 0 }, { MEM / 2, UINT32_MAX, 0 },
		{ UINT64_MAX, 1, 0 }, { UINT64_MAX, 0, 0 }, { UINT64_MAX - 15, 16, 0 }, { UINT64_MAX - 15, 17, 0 },
		{ 1UL << 63, 16, 0 }, { -(uint64_t)DATA, DATA + 16, 0 }, { 0xffffffff00000000, 1, 0 },
		{ KBOX_PAGE_OFFSET, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int position = 0; position < 2; position++) {
			struct rig *g;

			set_up((void **)&g);
			desc(g, 0, DATA, 1, NEXT, 1);
			desc(g, position, cases[i].addr, cases[i].len, position ? WRITE : NEXT, 1);
			if (!position)
				desc(g, 1, DATA, 1, WRITE, 0);
			offer(g, 0);
			assert_int_equal(pop(g), cases[i].good);
			tear_down((void **)&g);
		}
	}
	(void)state;
}

/* All of guest memory in each of them is more than 32 bits hold. */
static void bytes_of_segments(void **state)
{
	static struct iovec seg[VQ_MAX_SEGS];

	(void)state;
	for (int i = 0; i < VQ_MAX_SEGS; i++)
		seg[i].iov_len = 448UL << 30;
	assert_int_equal(vq_bytes(seg, VQ_MAX_SEGS), (448UL << 30) * VQ_MAX_SEGS);
	assert_int_equal(vq_bytes(seg, 0), 0);
}

static void loops(void **state)
{
	struct rig *g = *state;

	desc(g, 0, DATA, 1, NEXT, 0);
	offer(g, 0);
	assert_false(pop(g));
	tear_down(state);

	set_up(state);
	g = *state;
	desc(g, 0, DATA, 1, NEXT, 1);
	desc(g, 1, DATA, 1, NEXT, 2);
	desc(g, 2, DATA, 1, NEXT, 1);
	offer(g, 0);
	assert_false(pop(g));
}

static void bad_chains(void **state)
{
	static const struct { uint16_t head, flags, next; } cases[] = {
		{ SIZE, 0, 0 }, { 0xffff, 0, 0 }, { 0, NEXT, SIZE }, { 0, NEXT, 0xffff }, { 0, NEXT, 255 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *g;

		set_up((void **)&g);
		desc(g, 0, DATA, 1, cases[i].flags, cases[i].next);
		offer(g, cases[i].head);
		assert_false(pop(g));
		tear_down((void **)&g);
	}
}

/* virtio 1.2, 2.7.4.2: what the device writes comes after what it reads. */
static void a_read_after_a_write(void **state)
{
	struct rig *g = *state;

	desc(g, 0, DATA, 1, NEXT | WRITE, 1);
	desc(g, 1, DATA, 1, 0, 0);
	offer(g, 0);
	assert_false(pop(g));
}

static void not_started(void **state)
{
	struct rig *g = *state;

	desc(g, 0, DATA, 1, 0, 0);
	offer(g, 0);
	assert_false(vq_pop(&g->q, &r));
	assert_false(vq_wants_interrupt(&g->q));
	assert_true(vq_start(&g->q));
	assert_true(vq_pop(&g->q, &r));
	offer(g, 0);
	vq_stop(&g->q);
	assert_false(vq_pop(&g->q, &r));
}

static void bad_sizes(void **state)
{
	static const uint32_t sizes[] = {
		0, 3, 5, 6, 7, 100, 255, 257, 512, 0x8000, 0xffff, 0x10000, 0x80000000, 0xffffffff,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig *g;

		set_up((void **)&g);
		desc(g, 0, DATA, 1, 0, 0);
		offer(g, 0);
		g->hw.size = sizes[i];
		assert_false(pop(g));
		assert_false(pop(g));
		tear_down((void **)&g);
	}
	for (uint32_t size = 1; size <= KBOX_VQ_SIZE; size *= 2) {
		struct rig *g;

		set_up((void **)&g);
		g->hw.size = size;
		desc(g, 0, DATA, 1, 0, 0);
		offer(g, 0);
		assert_true(pop(g));
		vq_push(&g->q, &r, 0);
		assert_int_equal(u16(g, USED)[1], 1);
		tear_down((void **)&g);
	}
}

static void rings_outside_memory(void **state)
{
	static const uint64_t places[] = {
		MEM - 16, MEM - 2, MEM, MEM + 16, UINT64_MAX & ~15UL, UINT64_MAX, 1UL << 63, KBOX_PAGE_OFFSET,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (int ring = 0; ring < 3; ring++) {
			struct rig *g;

			set_up((void **)&g);
			desc(g, 0, DATA, 1, 0, 0);
			offer(g, 0);
			*(ring == 0 ? &g->hw.desc : ring == 1 ? &g->hw.driver : &g->hw.device) = places[i];
			if (pop(g))
				vq_push(&g->q, &r, 1);
			assert_int_equal(u16(g, USED)[1], 0);
			tear_down((void **)&g);
		}
	}
}

/* Rings that end with guest memory's last byte. */
static void rings_at_the_end(void **state)
{
	struct rig *g = *state;
	uint16_t *avail;

	g->hw.driver = MEM - (4 + 2 * SIZE);
	desc(g, 0, DATA, 1, 0, 0);
	avail = u16(g, g->hw.driver);
	avail[1] = 1;
	assert_true(pop(g));

	g->hw.driver = AVAIL;
	g->hw.device = MEM - (4 + 8 * SIZE);
	start_anew(g);
	for (int i = 0; i < 3 * SIZE; i++) {
		offer(g, 0);
		assert_true(pop(g));
		vq_push(&g->q, &r, 7);
	}
	assert_int_equal(u16(g, g->hw.device)[1], 3 * SIZE);
}

/* A driver may not offer more than there are entries. */
static void index_runs_ahead(void **state)
{
	struct rig *g = *state;
	int popped = 0;

	desc(g, 0, DATA, 1, 0, 0);
	u16(g, AVAIL)[1] = SIZE + 1;
	while (popped <= SIZE && pop(g))
		popped++;
	assert_true(popped <= SIZE);
}

/* What the driver breaks stays broken until it sets the queue up anew. */
static void set_up_anew(void **state)
{
	struct rig *g = *state;

	desc(g, 0, DATA, 1, NEXT, 99);
	offer(g, 0);
	assert_false(pop(g));
	assert_false(pop(g));
	memset(g->mem, 0, MEM);
	start_anew(g);
	desc(g, 2, DATA, 9, 0, 0);
	offer(g, 2);
	assert_true(pop(g));
	assert_int_equal(r.head, 2);
	vq_push(&g->q, &r, 0);
	assert_int_equal(u16(g, USED)[1], 1);
	assert_int_equal(u32(g, USED)[1], 2);
}

/* The queue changes between a request and its answer: the answer must stay inside. */
static void changes_in_between(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 3, 256, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig *g;

		set_up((void **)&g);
		desc(g, 0, DATA, 1, WRITE, 0);
		offer(g, 0);
		assert_true(pop(g));
		g->hw.size = sizes[i];
		g->hw.device = MEM - 8;
		u16(g, USED)[1] = 0xffff;
		vq_push(&g->q, &r, 1);
		tear_down((void **)&g);
	}
}

/* The answer to a request from before does not go into the rings of now, nor anywhere. */
static void an_answer_that_is_late(void **state)
{
	struct rig *g = *state;
	struct vq_request late;

	desc(g, 0, DATA, 1, WRITE, 0);
	offer(g, 0);
	assert_true(pop(g));
	late = r;
	vq_stop(&g->q);
	vq_push(&g->q, &late, 1);
	assert_int_equal(u16(g, USED)[1], 0);
	assert_true(vq_start(&g->q));
	vq_push(&g->q, &late, 1);
	assert_int_equal(u16(g, USED)[1], 0);
	assert_true(pop(g));
	vq_push(&g->q, &r, 1);
	assert_int_equal(u16(g, USED)[1], 1);
}

/* Some are answered later than others. */
static void answers_in_another_order(void **state)
{
	struct rig *g = *state;
	struct vq_request held[3];

	for (int i = 0; i < 3; i++) {
		desc(g, i, DATA, 1, WRITE, 0);
		offer(g, i);
		assert_true(pop(g));
		held[i] = r;
	}
	for (int i = 3; i--;)
		vq_push(&g->q, &held[i], i);
	assert_int_equal(u16(g, USED)[1], 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(u32(g, USED)[1 + 2 * i], 2 - i);
}

static void interrupts(void **state)
{
	struct rig *g = *state;

	desc(g, 0, DATA, 1, 0, 0);
	offer(g, 0);
	assert_true(pop(g));
	vq_push(&g->q, &r, 0);
	assert_true(vq_wants_interrupt(&g->q));
	u16(g, AVAIL)[0] = 1;
	assert_false(vq_wants_interrupt(&g->q));
	u16(g, AVAIL)[0] = 0;
	assert_true(vq_wants_interrupt(&g->q));
}

/* A request is inside guest memory, or there is none. */
static void check_request(const struct rig *g)
{
	assert_true(r.nout >= 0 && r.nin >= 0 && r.nout + r.nin <= VQ_MAX_SEGS);
	for (int i = 0; i < r.nout + r.nin; i++) {
		char *p = r.seg[i].iov_base;
		size_t n = r.seg[i].iov_len;

		assert_true(p >= g->mem && n <= MEM && (size_t)(p - g->mem) <= MEM - n);
		if (n && i >= r.nout)
			p[0] = p[n - 1] = random();
	}
}

static void random_queue(struct rig *g)
{
	static const uint64_t near[] = { DESC, AVAIL, USED, 0, MEM - 256, MEM };

	g->hw.size = random() % 4 ? 1u << random() % 9 : (uint32_t)random() % 600;
	g->hw.desc = random() % 8 ? DESC : near[random() % 6] + random() % 64;
	g->hw.driver = random() % 8 ? AVAIL : near[random() % 6] + random() % 64;
	g->hw.device = random() % 8 ? USED : near[random() % 6] + random() % 64;
}

/* Mostly rings that could be real, so that the fuzz gets past the first check. */
static void random_rings(struct rig *g)
{
	uint16_t *avail = u16(g, AVAIL);

	if (random() % 4 == 0) {
		for (int i = 0; i < 512; i++)
			g->mem[random() % MEM] = random();
		return;
	}
	for (int i = 0; i < 16; i++)
		desc(g, random() % 32, random() % 16 ? random() % MEM : (uint64_t)random() << 33,
		     random() % 8 ? random() % 4096 : random(), random() % 8, random() % 32);
	avail[1] = g->q.last_avail + random() % 5;
	for (int i = 0; i < 16; i++)
		avail[2 + i] = random() % 40;
}

static void fuzz(void **state)
{
	struct rig *g = *state;
	int good = 0;

	srandom(1);
	for (int round = 0; round < 100000; round++) {
		if (random() % 4) {
			start_anew(g);
			random_queue(g);
		}
		if (round % 500 == 0)
			memset(g->mem, 0, MEM);
		random_rings(g);
		for (int i = 0; i < 8 && pop(g); i++) {
			good++;
			check_request(g);
			if (random() % 32 == 0)
				random_queue(g);
			vq_push(&g->q, &r, random());
			vq_wants_interrupt(&g->q);
		}
	}
	print_message("# %d requests were good\n", good);
	assert_true(good > 1000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_offered),
		TEST(good_chain),
		TEST(many_requests),
		TEST(a_full_queue_in_order),
		TEST(longest_chain),
		TEST(bounds_of_segments),
		TEST(bytes_of_segments),
		TEST(loops),
		TEST(bad_chains),
		TEST(a_read_after_a_write),
		TEST(not_started),
		TEST(bad_sizes),
		TEST(rings_outside_memory),
		TEST(rings_at_the_end),
		TEST(index_runs_ahead),
		TEST(set_up_anew),
		TEST(changes_in_between),
		TEST(an_answer_that_is_late),
		TEST(answers_in_another_order),
		TEST(interrupts),
		TEST(fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
