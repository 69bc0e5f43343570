// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a volume, asked for by several host threads that the guest's kernel knows nothing of, at
 * once; paths that change while the host reads them; and any call with any path. Texts are in the
 * kernel's memory.
 */
#include <stddef.h>
#include "hostile.h"

#define ASKERS	16
#define LINE	256

static struct {
	char text[2][LINE];	/* the path that is asked for is the first one */
	uint64_t how[3];
	char statx[256];
	char read[64];
} lent __attribute__((aligned(4096)));

static volatile int ended, asked, opened, strange, stop;
static long volume;
static char *at;		/* lent, in the kernel's memory */
#define THERE(member) (at + offsetof(__typeof__(lent), member))

static long open_it(void)
{
	return host_call(SYS_openat2, volume, THERE(text[0]), THERE(how), sizeof(lent.how));
}

static void prepare(void)
{
	memset(&lent, 0, sizeof(lent));
	at = in_kernel(&lent);
	volume = BOOT->volume[BOOT->volumes - 1].fd;
}

static void __attribute__((noreturn)) leave(void)
{
	__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
	for (;;)
		host_call(SYS_exit, 0);
}

static int start(void (*run)(void))
{
	return host_call(SYS_clone, CLONE_AS_KERNEL_THREAD, stack_for(run), own_page) > 0;
}

/* An answer that is no error of opening, or of looking. */
static void count(long ret)
{
	__atomic_fetch_add(&asked, 1, __ATOMIC_SEQ_CST);
	if (ret >= 0)
		__atomic_fetch_add(&opened, 1, __ATOMIC_SEQ_CST);
	else if (ret != -EMFILE)
		__atomic_fetch_add(&strange, 1, __ATOMIC_SEQ_CST);
}

static int rounds;

static void asks(void)
{
	for (int i = 0; i < rounds && !stop; i++) {
		long fd = open_it();

		count(fd);
		if (fd >= 0)
			host_call(SYS_close, fd);
		count(host_call(SYS_statx, volume, THERE(text[0]), 0x100, 0x7ff, THERE(statx)));
	}
	leave();
}

/* hostile storm PATH ROUNDS: many threads open a file and ask for it, so many times each. */
static int storm(int argc, char **argv)
{
	int n = 0;

	if (argc < 3)
		return 2;
	prepare();
	strncpy(lent.text[0], argv[1], LINE - 1);
	rounds = atoi(argv[2]);
	while (n < ASKERS && start(asks))
		n++;
	printf("begun\n");
	while (ended < n)
		host_call(SYS_sched_yield);
	printf("storm: %d threads, %d asked, %d opened, %d strange\n", n, asked, opened, strange);
	return 0;
}

static void flips(void)
{
	char other[LINE];

	/* Byte by byte, so that what is read may be neither. */
	while (!stop) {
		for (int i = 0; i < LINE; i++)
			other[i] = lent.text[0][i];
		for (int i = 0; i < LINE; i++)
			((volatile char *)lent.text[0])[i] = lent.text[1][i];
		for (int i = 0; i < LINE; i++)
			lent.text[1][i] = other[i];
	}
	leave();
}

/* hostile paths GOOD BAD ROUNDS: the path is one and the other in turn while it is asked for. */
static int paths(int argc, char **argv)
{
	long good = 0, bad = 0, fd;

	if (argc < 4)
		return 2;
	prepare();
	strncpy(lent.text[0], argv[1], LINE - 1);
	strncpy(lent.text[1], argv[2], LINE - 1);
	if (!start(flips))
		return 2;
	for (int i = atoi(argv[3]); i; i--) {
		fd = open_it();
		if (fd < 0)
			continue;
		memset(lent.read, 0, sizeof(lent.read));
		host_call(SYS_pread64, fd, THERE(read), sizeof(lent.read), 0);
		if (strcmp(lent.read, "content\n"))
			bad++;
		else
			good++;
		host_call(SYS_close, fd);
	}
	stop = 1;
	while (!ended)
		host_call(SYS_sched_yield);
	printf("paths: %s, %ld others\n", good ? "some" : "none", bad);
	return 0;
}

static uint64_t state;

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1d >> 20) % below;
}

static void draw_path(char *to)
{
	static const char *const parts[] = { "..", ".", "", "sub", "file", "other", "aside", "out", "in", "made", "fifo", "socket" };

	*to = 0;
	for (int n = draw(5); n >= 0; n--) {
		strcat(to, parts[draw(COUNT(parts))]);
		if (n || !draw(8))
			strcat(to, "/");
	}
}

/* Of a text or structure: where it is, or, one time in sixteen, somewhere else. */
static char *somewhere(char *there)
{
	static const uint64_t edges[] = { 0, 8, KBOX_PAGE_OFFSET - 8, ~0UL, ~0UL - 4095, 1UL << 63 };

	switch (draw(32)) {
	case 0: return (char *)edges[draw(COUNT(edges))];
	case 1: return (char *)KBOX_PAGE_OFFSET + BOOT->mem_size - draw(5000);
	default: return there;
	}
}

static long ask(int which)
{
	static const uint64_t flags[] = { 0, 1, 2, 0xc0, 0xc1, 0xc2, 0x800, 0x10000, 0x20000, 0x8000 };
	char *one = somewhere(THERE(text[0])), *two = somewhere(THERE(text[1])), *how = somewhere(THERE(how));
	char *to = somewhere(THERE(statx));

	lent.how[0] = draw(8) ? flags[draw(COUNT(flags))] | flags[draw(COUNT(flags))] : 1UL << draw(64);
	lent.how[1] = lent.how[0] & 0x40 ? draw(010000) | 0700 : draw(2);
	lent.how[2] = draw(8) ? draw(32) : 1UL << draw(64);
	switch (which) {
	case 0: return host_call(SYS_statx, volume, one, 0x100, draw(0x2000), to);
	case 1: return host_call(SYS_readlinkat, volume, one, to, draw(300));
	case 2: return host_call(SYS_mkdirat, volume, one, draw(010000) | 0700);
	case 3: return host_call(SYS_mknodat, volume, one, 0x1000 | draw(010000), 0);
	case 4: return host_call(SYS_symlinkat, two, volume, one);
	case 5: return host_call(SYS_linkat, volume, one, volume, two, 0);
	case 6: return host_call(SYS_unlinkat, volume, one, draw(2) * 0x200);
	case 7: return host_call(SYS_renameat2, volume, one, volume, two, draw(4));
	case 8: return host_call(SYS_fchmodat, volume, one, draw(010000) | 0700);
	case 9: return host_call(SYS_fchownat, volume, one, -1, -1, 0x100);
	case 10: return host_call(SYS_utimensat, volume, one, draw(2) ? how : NULL, 0x100);
	default: return host_call(SYS_openat2, volume, one, how, sizeof(lent.how));
	}
}

/* hostile asks SEED ROUNDS: so many calls, the same for the same seed, in the last volume. */
static int asks_anything(int argc, char **argv)
{
	int done = 0;

	if (argc < 3)
		return 2;
	prepare();
	state = strtoul(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 | 1;
	for (int i = atoi(argv[2]); i; i--) {
		int which = draw(16);
		long ret;

		draw_path(lent.text[0]);
		draw_path(lent.text[1]);
		ret = ask(which);
		done += ret >= 0;
		if (ret >= 0 && which > 10)
			host_call(SYS_close, ret);
	}
	printf("asks: %s\n", done ? "some were done" : "none was done");
	return 0;
}

const struct command files[] = { { "storm", storm }, { "paths", paths }, { "asks", asks_anything }, { } };
