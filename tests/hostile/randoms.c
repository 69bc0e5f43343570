// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile random SEED COUNT: so many host calls, the same for the same seed. Half of them are such
 * as the kernel makes with some arguments changed, the others any number with any arguments.
 * hostile scribble SEED COUNT: so many words of guest memory get other values.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "hostile.h"

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1d;
}

static uint64_t below(uint64_t n)
{
	return (draw() >> 20) % n;
}

static uint64_t hole;

/* Where a call may read or write something, or finds nothing. */
static uint64_t an_address(void)
{
	switch (below(8)) {
	case 0: return hole + below(1 << 18) * PAGE;
	case 1: return KBOX_PAGE_OFFSET + below(BOOT->mem_size);
	case 2: return KERNEL_TEXT + below(512) * PAGE;
	case 3: return BOOT->keep_start;
	case 4: return 0xffffffffff600000;
	case 5: return (uint64_t)child_stack(below(2));
	default: return (uint64_t)own_page + below(PAGE);
	}
}

static uint64_t a_number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 8, 9, 15, 17, 19, 23, 28, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, ~0UL, ~1UL,
		1UL << 63, 4096, 0x11, 0x8011, 0x1000000,
	};

	switch (below(4)) {
	case 0: return edges[below(COUNT(edges))];
	case 1: return below(64);
	case 2: return 1UL << below(64);
	default: return draw();
	}
}

static uint64_t a_descriptor(void)
{
	switch (below(6)) {
	case 0: return BOOT->mem_fd;
	case 1: return BOOT->null_fd;
	case 2: return BOOT->epoll_fd;
	case 3: return draw();
	default: return below(32);
	}
}

static uint64_t a_process(void)
{
	switch (below(6)) {
	case 0: return host_call(SYS_getpid);
	case 1: return host_call(SYS_getppid);
	case 2: return -1UL;
	case 3: return 0;
	default: return below(2) ? below(32) : below(4096);
	}
}

static uint64_t an_argument(void)
{
	switch (below(4)) {
	case 0: return an_address();
	case 1: return a_descriptor();
	case 2: return a_process();
	default: return a_number();
	}
}

/*
 * What the kernel asks of the host, with as many letters as arguments: Address, Number, Descriptor,
 * Process, flags.
 */
static const struct { int nr; const char *args; uint64_t flags; } forms[] = {
	{ SYS_futex, "aN0n", 0 }, { SYS_futex, "a1n", 0 }, { SYS_mmap, "anpfdn", 0x11 }, { SYS_mmap, "anpfdn", 0x8011 },
	{ SYS_munmap, "an", 0 }, { SYS_mprotect, "anp", 0 }, { SYS_tgkill, "PPN", 0 }, { SYS_tgkill, "PPN", 0 }, { SYS_tkill, "PN", 0 },
	{ SYS_clone, "faa", 0x108411 }, { SYS_clone, "faa", 0x150f00 }, { SYS_prctl, "n9", 0 }, { SYS_prctl, "n1an", 0 },
	{ SYS_sigaltstack, "aa", 0 }, { SYS_rt_sigaction, "na08", 0 }, { SYS_clock_gettime, "na", 0 },
	{ SYS_madvise, "anf", 23 }, { SYS_fallocate, "dfnn", 1 }, { SYS_fallocate, "dfnn", 3 }, { SYS_membarrier, "f0", 8 },
	{ SYS_read, "dan", 0 }, { SYS_write, "dan", 0 }, { SYS_pread64, "dann", 0 }, { SYS_pwrite64, "dann", 0 },
	{ SYS_readv, "dan", 0 }, { SYS_preadv2, "dannnf", 8 }, { SYS_pwritev2, "dannnf", 8 }, { SYS_fstat, "da", 0 },
	{ SYS_lseek, "dnn", 0 }, { SYS_fcntl, "dnn", 0 }, { SYS_ftruncate, "dn", 0 }, { SYS_fsync, "d", 0 },
	{ SYS_epoll_ctl, "dnda", 0 }, { SYS_epoll_pwait, "dan00", 0 }, { SYS_ioctl, "dna", 0 }, { SYS_dup3, "ddf", O_CLOEXEC },
	{ SYS_dup, "d", 0 }, { SYS_close, "d", 0 }, { SYS_kill, "Pn", 0 }, { SYS_tgkill, "PPn", 0 },
	{ SYS_statx, "dannf", 0x1000 }, { SYS_mremap, "annfa", 1 },
};

static uint64_t by_letter(char letter, uint64_t flags)
{
	switch (below(16) ? letter : 'x') {
	case 'a': return an_address();
	case 'n': return a_number();
	case 'N': return below(2) ? 23 : 28;
	case 'd': return a_descriptor();
	case 'P': return a_process();
	case 'p': return below(8);
	case 'f': return below(3) ? flags : flags ^ 1UL << below(40);
	case 'x': return an_argument();
	default: return letter - '0';
	}
}

static long like_the_kernel(uint64_t a[6])
{
	int i = below(COUNT(forms));

	for (int n = 0; n < 6; n++)
		a[n] = n < (int)strlen(forms[i].args) ? by_letter(forms[i].args[n], forms[i].flags) : 0;
	return forms[i].nr;
}

static long anything(uint64_t a[6])
{
	for (int n = 0; n < 6; n++)
		a[n] = an_argument();
	switch (below(16)) {
	case 0: return draw();
	case 1: return -(long)below(600);
#ifdef __x86_64__
	case 2: return 0x40000000 + below(600);
#endif
	default: return below(600);
	}
}

/* What ends or stops this process itself says nothing. */
static int dull(long nr, const uint64_t a[6])
{
#ifdef SYS_pause
	if (nr == SYS_pause)
		return 1;
#endif
	return nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn || (nr == SYS_futex && !(a[1] & 127));
}

/* What may well be the end of it, and so of the round. */
static int rash(long nr)
{
	static const int calls[] = {
		SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_rt_sigaction, SYS_sigaltstack, SYS_clone, SYS_prctl,
		SYS_close, SYS_dup3, SYS_fallocate, SYS_ftruncate, SYS_read, SYS_pread64, SYS_readv, SYS_fstat, SYS_clock_gettime,
	};

	for (size_t i = 0; i < COUNT(calls); i++)
		if (nr == calls[i])
			return 1;
	return 0;
}

static long *made;	/* calls, in this round */

static void random_calls(long count)
{
	while (count--) {
		uint64_t a[6];
		long nr = below(2) ? like_the_kernel(a) : anything(a);

		if (dull(nr, a) || (rash(nr) && below(8)))
			continue;
		++*made;
		host_call7(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static void scribble(long count)
{
	uint64_t bits[] = { 0, ~0UL, 1, 1UL << 63 };

	while (count--) {
		volatile uint64_t *at = guest_memory(below(BOOT->mem_size / 8) * 8);

		/*
		 * The kernel's text is not to be written to; the boot page is the most interesting
		 * one.
		 */
		if (below(4) == 0)
			at = (void *)((char *)BOOT + below(sizeof(*BOOT) / 8) * 8);
		else if ((uint64_t)at >= KERNEL_TEXT && (uint64_t)at < KERNEL_TEXT + (16 << 20))
			continue;
		*at = below(2) ? draw() : bits[below(COUNT(bits))];
	}
}

/*
 * Rounds, each in a process of its own, as the guest's kernel has them, for as long as that works.
 */
static int rounds(int argc, char **argv, void (*what)(long))
{
	uint64_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	long count = argc > 2 ? atol(argv[2]) : 100;

	hole = (uint64_t)mmap(NULL, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		*made = 0;
		pid = fork();

		if (!pid) {
			state = (seed * 64 + i) * 0x9e3779b97f4a7c15 | 1;
			what(count);
			_exit(0);
		}
		for (int ms = 0; ms < 200 && pid > 0 && !waitpid(pid, NULL, WNOHANG); ms += 5)
			usleep(5000);
		printf("round %d: %ld calls\n", i, *made);
	}
	printf("done\n");
	return 0;
}

static int random_attack(int argc, char **argv)
{
	return rounds(argc, argv, random_calls);
}

static int scribble_attack(int argc, char **argv)
{
	return rounds(argc, argv, scribble);
}

const struct command randoms[] = { { "random", random_attack }, { "scribble", scribble_attack }, { } };
