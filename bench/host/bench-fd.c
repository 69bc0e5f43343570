// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-fd: what the table of the host's descriptors costs
 * (kernel/arch/kbox/drivers/hostfd_table.c), here on the host, with more and more descriptors held
 * and more and more holders of one. All rows go over as many descriptors, which lie far apart, so
 * that the caches have as much to do in each. The rows take turns, many times; each is a median.
 * Each time all is elsewhere in memory: addresses that are the same but for the page cost some
 * nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "hostfd_table.h"

#define PICKS	8	/* descriptors that are looked up or closed */
#define CALLS	20000	/* so few that most are done between two interrupts */
#define ROUNDS	101
#define FLAT	1.1
#define LINES	64	/* in a page */
#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

/* As if each were in a file of its own. */
struct line {
	struct hostfd_holder h;
} __attribute__((aligned(64)));

struct table {
	int from, held, holders;	/* from this number on; holders of each pick, all others have one */
	struct hostfd_table t;
	int fd[PICKS];
	struct hostfd_holder *first[PICKS], *more[PICKS];
};

#define TABLE(f, n, h) { .from = (f), .held = (n), .holders = (h) }
static struct table tables[] = {
	TABLE(0, 10, 1), TABLE(0, 1000, 1), TABLE(0, 15000, 1),
	TABLE(0, 10, 2), TABLE(0, 1000, 2), TABLE(0, 15000, 2),
	TABLE(0, 10, 100), TABLE(0, 1000, 100), TABLE(0, 15000, 100),
	TABLE(HOSTFD_DIRECT, 10, 1),
};

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench-fd: %s\n", what);
	exit(1);
}

static struct line *new_holders(int n)
{
	int skip = rand() % LINES, i;
	struct line *l = aligned_alloc(sizeof(*l), (n + skip) * sizeof(*l));

	require(l, "no memory");
	l += skip;
	for (i = 0; i < n; i++)
		hostfd_holder_init(&l[i].h);
	return l;
}

static void make_pick(struct table *t, int i)
{
	struct line *l = new_holders(t->holders);
	int k;

	t->fd[i] = t->from + i * (t->held / PICKS);
	t->first[i] = hostfd_lookup(&t->t, t->fd[i]);
	t->more[i] = &l[0].h;
	for (k = 1; k < t->holders; k++)
		require(!hostfd_share(&t->t, &l[k].h, t->first[i]), "share");
}

static void make(struct table *t)
{
	struct line *l = new_holders(t->held);
	int i;

	hostfd_table_init(&t->t);
	for (i = 0; i < t->held; i++)
		require(!hostfd_insert(&t->t, &l[i].h, t->from + i), "insert");
	for (i = 0; i < PICKS; i++)
		make_pick(t, i);
}

static bool close_and_insert(struct table *t, int i)
{
	return hostfd_remove(&t->t, t->first[i]) == t->fd[i] && !hostfd_insert(&t->t, t->first[i], t->fd[i]);
}

/* One more than there are comes and goes. */
static bool share_and_close(struct table *t, int i)
{
	return !hostfd_share(&t->t, t->more[i], t->first[i]) && hostfd_remove(&t->t, t->more[i]) == -1;
}

static bool lookup(struct table *t, int i)
{
	return hostfd_lookup(&t->t, t->fd[i]) == t->first[i];
}

static bool walk(struct table *t, int i)
{
	struct hostfd_holder *h;
	int n = 0;

	hostfd_for_each_holder(h, hostfd_lookup(&t->t, t->fd[i]))
		n++;
	return n == t->holders;
}

static const struct {
	const char *name;
	bool (*call)(struct table *t, int i);
	int most;	/* holders for which it is measured */
	bool grows;		/* as it may */
} operations[] = {
	{ "close+insert", close_and_insert, 1, false },
	{ "share+close", share_and_close, 100, false },
	{ "lookup", lookup, 100, false },
	{ "walk", walk, 100, true },
};

struct times {
	double ns[COUNT(operations)][COUNT(tables)][ROUNDS];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Nanoseconds. */
static double measure(bool (*call)(struct table *t, int i), struct table *t)
{
	bool ok = true;
	double start = 0;
	int i;

	for (i = -CALLS / 10; i < CALLS; i++) {
		if (!i)
			start = now();
		ok &= call(t, i & (PICKS - 1));
	}
	require(ok, "wrong result");
	return (now() - start) / CALLS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return ns[ROUNDS / 2];
}

/* The list of what is beyond the directory grows, too. */
static const char *verdict(int op, const struct table *t, double ratio)
{
	if (operations[op].grows || t->from)
		return "may grow";
	return ratio <= FLAT ? "flat" : "NOT FLAT";
}

/* In a process of its own, which has no memory to free. */
static void one_round(struct times *times, int r)
{
	int op, i;

	srand(r);
	for (i = 0; i < COUNT(tables); i++)
		make(&tables[i]);
	for (op = 0; op < COUNT(operations); op++)
		for (i = 0; i < COUNT(tables); i++)
			if (tables[i].holders <= operations[op].most)
				times->ns[op][i][r] = measure(operations[op].call, &tables[i]);
}

static void all_rounds(struct times *times)
{
	int r, status;
	pid_t pid;

	for (r = 0; r < ROUNDS; r++) {
		pid = fork();
		require(pid >= 0, "fork");
		if (!pid) {
			one_round(times, r);
			_exit(0);
		}
		require(waitpid(pid, &status, 0) == pid && !status, "a round failed");
	}
}

static void print_times(int op, double ns[COUNT(tables)][ROUNDS])
{
	double first = 0, m;
	int i;

	for (i = 0; i < COUNT(tables); i++) {
		struct table *t = &tables[i];

		if (t->holders > operations[op].most)
			continue;
		m = median(ns[i]);
		first = first ?: m;
		printf("%-13s %5d %-11s %7d %8.2f %6.2f  %s\n", operations[op].name, t->held, t->from ? "from 65536" : "", t->holders,
		       m, m / first, verdict(op, t, m / first));
	}
}

static void print_memory(struct table *t)
{
	unsigned long list;

	make(t);
	list = t->from ? t->t.held * sizeof(struct hostfd_far) : 0;

	printf("bytes         %5d %-11s %8lu: %zu, %lu pages, %lu in the list\n", t->held, t->from ? "from 65536" : "",
	       sizeof(t->t) + t->t.pages * 4096 + list, sizeof(t->t), t->t.pages, list);
}

int main(void)
{
	struct times *times = mmap(NULL, sizeof(*times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int op, i;

	require(times != MAP_FAILED, "no memory");
	all_rounds(times);
	printf("%-13s %5s %-11s %7s %8s %6s\n", "", "held", "", "holders", "ns", "ratio");
	for (op = 0; op < COUNT(operations); op++)
		print_times(op, times->ns[op]);
	for (i = 0; i < COUNT(tables); i++)
		if (tables[i].holders == 1)
			print_memory(&tables[i]);
	return 0;
}
