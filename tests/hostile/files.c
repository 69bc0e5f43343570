// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a volume, asked for by several host threads that the guest's kernel knows nothing of, at
 * once; and paths that change while the host reads them. Texts are in the kernel's memory.
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

const struct command files[] = { { "storm", storm }, { "paths", paths }, { } };
