// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile call NAME ARG... [, NAME ARG...]...: host calls, one after the other; each says what it
 * gave. A name may be a number; an argument is a number, a word of the table below, which may have
 * a number added (memsize+4096), ":text" for the address of a text, "how/FLAGS/MODE/RESOLVE" for
 * that of a struct open_how, or "=" for what the call before gave.
 */
#include <sys/mman.h>
#include "hostile.h"

static long last;
static int from_kernel;		/* texts and structures are where the kernel has its own */

/* There, of a page of this program's: the same memory. */
void *in_kernel(void *page)
{
	return guest_memory(phys_of(page));
}

static uint64_t lend(const void *what, size_t n)
{
	static char pages[8][PAGE] __attribute__((aligned(4096)));
	static char *at[COUNT(pages)];
	static unsigned int next;
	unsigned int i = next++ % COUNT(pages);

	if (!from_kernel)
		return (uint64_t)what;
	memset(pages[i], 0, PAGE);
	if (!at[i])
		at[i] = in_kernel(pages[i]);
	memcpy(pages[i], what, n < PAGE ? n : PAGE);
	return (uint64_t)at[i];
}

/* Of the host; this program's first thread has the number of its process. */
static uint64_t pid(void) { return host_call(SYS_getpid); }
/* Another host thread of it. */
static uint64_t thread(void) { return host_call(SYS_clone, CLONE_AS_KERNEL_THREAD, child_stack(1), own_page); }
static uint64_t supervisor(void) { return host_call(SYS_getppid); }
static uint64_t memfd(void) { return BOOT->mem_fd; }
static uint64_t nullfd(void) { return BOOT->null_fd; }
static uint64_t epollfd(void) { return BOOT->epoll_fd; }
static uint64_t memsize(void) { return BOOT->mem_size; }
static uint64_t text(void) { return KERNEL_TEXT; }
static uint64_t kernel(void) { return KBOX_PAGE_OFFSET; }
static uint64_t vdso(void) { return BOOT->keep_start; }
static uint64_t page(void) { return (uint64_t)(from_kernel ? in_kernel(own_page) : own_page); }
static uint64_t end(void) { return KBOX_PAGE_OFFSET + BOOT->mem_size; }
static uint64_t brink(void) { return end() - 8; }
static uint64_t page_phys(void) { return phys_of(own_page); }
static uint64_t ending(void) { return (uint64_t)child_stack(0); }
static uint64_t staying(void) { return (uint64_t)child_stack(1); }

/* Of a box with volumes: the first one, and the last, which is written if one is. */
static uint64_t volume(void) { return BOOT->volume[0].fd; }
static uint64_t written(void) { return BOOT->volume[BOOT->volumes - 1].fd; }

/*
 * What openat2(2) is asked for: struct open_how, without any of what would keep a path beneath its
 * directory.
 */
static const uint64_t hows[][3] = { { 0 }, { 0x41, 0644 }, { 2 }, { 0x200000 } };	/* O_RDONLY, O_WRONLY | O_CREAT, O_RDWR, O_PATH */
static uint64_t reading(void) { return lend(hows[0], sizeof(hows[0])); }
static uint64_t creating(void) { return lend(hows[1], sizeof(hows[1])); }
static uint64_t writing(void) { return lend(hows[2], sizeof(hows[2])); }
static uint64_t naming(void) { return lend(hows[3], sizeof(hows[3])); }

/* Addresses that the guest's kernel leaves alone, and where the host has nothing. */
static uint64_t hole(void)
{
	return (uint64_t)mmap(NULL, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static const struct { const char *name; uint64_t (*value)(void); } words[] = {
	{ "pid", pid }, { "supervisor", supervisor }, { "thread", thread },
	{ "memfd", memfd }, { "nullfd", nullfd }, { "epollfd", epollfd }, { "memsize", memsize },
	{ "text", text }, { "kernel", kernel }, { "vdso", vdso }, { "page", page }, { "pagephys", page_phys },
	{ "volume", volume }, { "written", written }, { "reading", reading }, { "creating", creating },
	{ "end", end }, { "brink", brink }, { "writing", writing }, { "naming", naming }, { "ending", ending }, { "staying", staying }, { "hole", hole },
};

static uint64_t number(const char *s, const char *all)
{
	char *end;
	uint64_t n = strtoul(s, &end, 0);

	if (end == s || *end) {
		fprintf(stderr, "hostile: what is '%s'?\n", all);
		exit(2);
	}
	return n;
}

static uint64_t any_how(const char *s)
{
	static uint64_t how[3];
	char *end = (char *)s;

	for (int i = 0; i < 3; i++)
		how[i] = *end ? strtoull(end + 1, &end, 0) : 0;
	return lend(how, sizeof(how));
}

static uint64_t argument(const char *s)
{
	size_t len = strcspn(s, "+");

	if (*s == ':')
		return lend(s + 1, strlen(s));
	if (!strncmp(s, "how/", 4))
		return any_how(s + 3);
	if (!strcmp(s, "="))
		return last;
	for (size_t i = 0; i < COUNT(words); i++)
		if (strlen(words[i].name) == len && !memcmp(words[i].name, s, len))
			return words[i].value() + (s[len] ? number(s + len + 1, s) : 0);
	return number(s, s);
}

#define CALL(name) { #name, SYS_##name },
static const struct { const char *name; long nr; } names[] = {
#include "names.h"
};

static long call_number(const char *s)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(names[i].name, s))
			return names[i].nr;
	return number(s, s);
}

/* One call; how many words it took. */
static int one(int argc, char **argv)
{
	long nr = call_number(argv[0]), a[6] = { 0 };
	int n = 1;

	for (; n < argc && strcmp(argv[n], ","); n++)
		if (n <= 6)
			a[n - 1] = argument(argv[n]);
	/* A kick comes between: the host has not been asked yet. */
	do
		last = host_call7(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	while (last == -EINTR);
	printf("%s = %ld\n", argv[0], last);
	return n;
}

static int sequence(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		i += one(argc - i, argv + i);
	if (child_lived)
		printf("a child has lived\n");
	return 0;
}

/* hostile kcall NAME ARG...: the same, with texts and structures in the kernel's memory. */
static int kernel_sequence(int argc, char **argv)
{
	from_kernel = 1;
	return sequence(argc, argv);
}

/* The same from a kernel's text that this process has written itself. */
static int own_text(int argc, char **argv)
{
	own_kernel_text();
	return sequence(argc, argv);
}

/* hostile int80 NR ARG...: the i386 call, from the kernel's text. */
static int int80(int argc, char **argv)
{
#ifdef __x86_64__
	static const unsigned char clone[] = { 0xb8, 0x38, 0, 0, 0 }, code[] = { 0xcd, 0x80, 0xc3 };
	char *text = own_kernel_text(), *at = find_code(clone, sizeof(clone));
	long ret, a[4] = { 0 };

	if (!at)
		return 2;
	memcpy(text + (at - (char *)KERNEL_TEXT), code, sizeof(code));
	for (int i = 1; i < argc && i <= 4; i++)
		a[i - 1] = argument(argv[i]);
	__asm__ volatile("call *%1" : "=a" (ret) : "r" (at), "a" (a[0]), "b" (a[1]), "c" (a[2]), "d" (a[3])
			 : "memory", "r8", "r9", "r10", "r11");
	printf("int80 = %ld\n", ret);
	return 0;
#else
	(void)argc, (void)argv;
	return 2;
#endif
}

/* hostile compat NR ARG ARG: the same from 32-bit code of the program's own. */
static int compat_call(int argc, char **argv)
{
	/* mov $..., %eax; mov $..., %ebx; mov $..., %ecx; int $0x80; hlt */
	unsigned char code[] = { 0xb8, 0, 0, 0, 0, 0xbb, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xcd, 0x80, 0xf4 };
	char *at = mmap((void *)0x20000000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	for (int i = 1; i < argc && i <= 3; i++) {
		uint32_t v = argument(argv[i]);

		memcpy(code + 5 * i - 4, &v, 4);
	}
	memcpy(at, code, sizeof(code));
	((volatile char *)at)[PAGE - 1] = 0;
	compat(at);
}

/* hostile clones N: host processes that stay, as the kernel makes them, until the host refuses. */
static int clones(int argc, char **argv)
{
	long most = argc > 1 ? atol(argv[1]) : 1000, n = 0, ret = 0;

	while (n < most && (ret = host_call(SYS_clone, CLONE_AS_KERNEL_PROCESS, child_stack(1), own_page)) > 0)
		n++;
	printf("clones: %ld, then %ld\n", n, ret);
	stay();
}

/* hostile orphan: one that has not asked to die with its parent. */
static int orphan(int argc, char **argv)
{
	(void)argc, (void)argv;
	return clones(2, (char *[]) { "clones", "1" });
}

/* hostile beyond COUNT: so many pages beyond the end of guest memory are asked for. */
static int beyond(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 16384, at = BOOT->mem_size;
	long ret = host_call(SYS_fallocate, BOOT->mem_fd, 1, at, n * PAGE);

	printf("fallocate = %ld\n", ret);
	ret = host_call(SYS_ftruncate, BOOT->mem_fd, at + n * PAGE);
	printf("ftruncate = %ld\n", ret);
	stay();
}

const struct command calls[] = {
	{ "call", sequence }, { "kcall", kernel_sequence }, { "owntext", own_text }, { "int80", int80 }, { "compat", compat_call },
	{ "clones", clones }, { "orphan", orphan }, { "beyond", beyond }, { },
};
