// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine says that it is: uname, auxiliary vector, /proc/cpuinfo,
 * /sys/devices/system/cpu, prctl.
 */
#include "tap.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#ifdef __x86_64__
#include <cpuid.h>
#define MACHINE "x86_64"
#else
#define MACHINE "aarch64"
#endif

static char *read_text(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n, len = 0;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	close(fd);
	text[len] = 0;
	return text;
}

/* What the first processor's line of this name has; NULL: there is none. */
static char *cpuinfo(const char *name)
{
	static char value[8192];
	char *line, *save, *text = read_text("/proc/cpuinfo");

	CHECK(text);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t n = strcspn(line, "\t:");

		if (strlen(name) != n || memcmp(line, name, n))
			continue;
		line += n + strspn(line + n, "\t");
		snprintf(value, sizeof(value), "%s", line + strspn(line, ": "));
		return value;
	}
	return NULL;
}

/* Is it one of the words? */
static int has(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return 1;
	return 0;
}

/* glibc's getauxval() has words of its own for some. */
__attribute__((unused)) static unsigned long auxv(unsigned long type)
{
	unsigned long pair[2];
	int fd = open("/proc/self/auxv", O_RDONLY);

	while (read(fd, pair, sizeof(pair)) == sizeof(pair))
		if (pair[0] == type) {
			close(fd);
			return pair[1];
		}
	tap_fail(__FILE__, __LINE__, "no entry %lu", type);
}

static void machine(void)
{
	struct utsname u;
	char *arch;

	EQ(uname(&u), 0);
	IS(u.machine, MACHINE);
	IS((char *)getauxval(AT_PLATFORM), MACHINE);
	arch = read_text("/proc/sys/kernel/arch");
	if (arch)
		IS(arch, MACHINE "\n");
}

/* It is the same after exec, which setarch(8) needs. */
static void machine_of_a_personality(void)
{
	struct utsname u;
	char said[64] = "";
	int p[2];
	pid_t pid;

#ifdef __aarch64__
	if (personality(PER_LINUX32) < 0 && errno == EINVAL)
		SKIP("no 32-bit programs here");
#endif
	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		personality(PER_LINUX32);
		EQ(uname(&u), 0);
		CHECK(!strcmp(u.machine, "i686") || !strncmp(u.machine, "armv8", 5));
		dup2(p[1], 1);
		execl("/bin/uname", "uname", "-m", NULL);
		_exit(1);
	}
	close(p[1]);
	CHECK(read(p[0], said, sizeof(said) - 1) > 0);
	CHILD_OK(pid);
	CHECK(!strcmp(said, "i686\n") || !strncmp(said, "armv8", 5));
	EQ(personality(0xffffffff), 0);
	EQ(uname(&u), 0);
	IS(u.machine, MACHINE);
}

static void cpuinfo_of_all_machines(void)
{
	IS(cpuinfo("processor"), "0");
	CHECK(atof(cpuinfo(MACHINE[0] == 'x' ? "bogomips" : "BogoMIPS")) > 0);
}

static void sysfs(void)
{
	IS(strncmp(read_text("/sys/devices/system/cpu/online"), "0", 1) ? "" : "0", "0");
	IS(strncmp(read_text("/sys/devices/system/cpu/present"), "0", 1) ? "" : "0", "0");
	IS(strncmp(read_text("/sys/devices/system/cpu/possible"), "0", 1) ? "" : "0", "0");
	CHECK(read_text("/sys/devices/system/cpu/cpu0/topology/core_id"));
	CHECK(read_text("/sys/devices/system/cpu/cpu0/topology/physical_package_id"));
}

static void speculation(void)
{
	int state = prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0);

	FAILS(prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0), ENODEV);
	FAILS(prctl(PR_SET_SPECULATION_CTRL, 99, PR_SPEC_ENABLE, 0, 0), ENODEV);
	FAILS(prctl(PR_GET_SPECULATION_CTRL, 0, 1, 0, 0), EINVAL);
	CHECK(state >= 0 || errno == ENODEV);
	if (state < 0 || !(state & PR_SPEC_PRCTL))
		FAILS(prctl(PR_SET_SPECULATION_CTRL, 0, PR_SPEC_ENABLE, 0, 0), state < 0 ? ENODEV : ENXIO);
}

#ifdef __x86_64__
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define ARCH_MAP_VDSO_64 0x2003
#define FSGSBASE 2	/* of AT_HWCAP2 */
#define MTRR	(1UL << 12)	/* of AT_HWCAP */

static unsigned leaf(unsigned nr, unsigned sub, int reg)
{
	unsigned r[4] = { 0 };

	__get_cpuid_count(nr, sub, &r[0], &r[1], &r[2], &r[3]);
	return r[reg];
}

static unsigned long long xcr0(void)
{
	unsigned a, d;

	if (!(leaf(1, 0, 2) & 1 << 27))
		return 3;
	__asm__ volatile("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	return (unsigned long long)d << 32 | a;
}

static void x86_names(void)
{
	unsigned a, r[3], sig = leaf(1, 0, 0), family = sig >> 8 & 15, model = sig >> 4 & 15, name[13] = { 0 };
	char vendor[13] = "", *p = (char *)name;

	__get_cpuid(0, &a, &r[0], &r[2], &r[1]);
	memcpy(vendor, r, 12);
	IS(cpuinfo("vendor_id"), vendor);
	if (family == 6 || family == 15)
		model |= sig >> 12 & 0xf0;
	if (family == 15)
		family += sig >> 20 & 255;
	EQ(atoi(cpuinfo("cpu family")), family);
	EQ(atoi(cpuinfo("model")), model);
	EQ(atoi(cpuinfo("stepping")), sig & 15);
	for (int i = 0; i < 3; i++)
		__get_cpuid(0x80000002 + i, &name[4 * i], &name[4 * i + 1], &name[4 * i + 2], &name[4 * i + 3]);
	for (p += strspn(p, " "); *p && p[strlen(p) - 1] == ' '; )
		p[strlen(p) - 1] = 0;
	IS(cpuinfo("model name"), p);
	EQ(atoi(cpuinfo("cpuid level")), leaf(0, 0, 0));
	EQ(atoi(cpuinfo("clflush size")), (leaf(1, 0, 1) >> 8 & 255) * 8);
	EQ(atoi(cpuinfo("address sizes")), leaf(0x80000008, 0, 0) & 255);
	CHECK(atof(cpuinfo("cpu MHz")) > 100);
	CHECK(atoi(cpuinfo("cpu cores")) >= 1 && atoi(cpuinfo("siblings")) >= atoi(cpuinfo("cpu cores")));
	IS(cpuinfo("physical id"), "0");
}

/* Each is there if, and only if, a program can use it. */
static void x86_flags(void)
{
	static const struct { const char *name; unsigned leaf, sub; int reg, bit; unsigned long long state; } flags[] = {
		{ "fpu", 1, 0, 3, 0, 0 }, { "cx8", 1, 0, 3, 8, 0 }, { "cmov", 1, 0, 3, 15, 0 }, { "sse2", 1, 0, 3, 26, 0 },
		{ "pni", 1, 0, 2, 0, 0 }, { "ssse3", 1, 0, 2, 9, 0 }, { "cx16", 1, 0, 2, 13, 0 }, { "sse4_2", 1, 0, 2, 20, 0 },
		{ "popcnt", 1, 0, 2, 23, 0 }, { "aes", 1, 0, 2, 25, 0 }, { "rdrand", 1, 0, 2, 30, 0 }, { "hypervisor", 1, 0, 2, 31, 0 },
		{ "syscall", 0x80000001, 0, 3, 11, 0 }, { "lm", 0x80000001, 0, 3, 29, 0 }, { "rdtscp", 0x80000001, 0, 3, 27, 0 },
		{ "abm", 0x80000001, 0, 2, 5, 0 }, { "bmi1", 7, 0, 1, 3, 0 }, { "bmi2", 7, 0, 1, 8, 0 }, { "erms", 7, 0, 1, 9, 0 },
		{ "adx", 7, 0, 1, 19, 0 }, { "sha_ni", 7, 0, 1, 29, 0 }, { "clflushopt", 7, 0, 1, 23, 0 },
		{ "rdpid", 7, 0, 2, 22, 0 }, { "gfni", 7, 0, 2, 8, 0 }, { "fsrm", 7, 0, 3, 4, 0 },
		{ "avx", 1, 0, 2, 28, 6 }, { "fma", 1, 0, 2, 12, 6 }, { "f16c", 1, 0, 2, 29, 6 }, { "avx2", 7, 0, 1, 5, 6 },
		{ "avx512f", 7, 0, 1, 16, 0xe6 }, { "avx512vl", 7, 0, 1, 31, 0xe6 }, { "avx512_vnni", 7, 0, 2, 11, 0xe6 },
		{ "vaes", 7, 0, 2, 9, 6 }, { "avx_vnni", 7, 1, 0, 4, 6 },
	};
	char *words = cpuinfo("flags");
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int usable = leaf(flags[i].leaf, flags[i].sub, flags[i].reg) >> flags[i].bit & 1 && (xcr0() & flags[i].state) == flags[i].state;

		if (has(words, flags[i].name) != usable)
			tap_fail(__FILE__, __LINE__, "%s: %d", flags[i].name, usable);
	}
	EQ(has(words, "fsgsbase"), !!(getauxval(AT_HWCAP2) & FSGSBASE));
	/* A kernel may do without MTRRs, as the host's does under some hypervisors. */
	EQ(auxv(AT_HWCAP) | MTRR, leaf(1, 0, 3) | MTRR);
	EQ(has(words, "constant_tsc"), leaf(0x80000007, 0, 3) >> 8 & 1);
}

/* By the processor's own word; which one of these it has is what AMD's and Intel's differ in. */
static void x86_caches(void)
{
	unsigned nr = leaf(0x80000001, 0, 2) & 1 << 22 ? 0x8000001d : 4, i;

	for (i = 0; leaf(nr, i, 0) & 31; i++) {
		unsigned a = leaf(nr, i, 0), b = leaf(nr, i, 1), kb;
		char path[128];

		kb = ((b >> 22) + 1) * ((b >> 12 & 0x3ff) + 1) * ((b & 0xfff) + 1) * (leaf(nr, i, 2) + 1) / 1024;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%u/level", i);
		CHECK(read_text(path));
		EQ(atoi(read_text(path)), a >> 5 & 7);
		strcpy(strrchr(path, '/'), "/size");
		EQ(atoi(read_text(path)), kb);
		strcpy(strrchr(path, '/'), "/coherency_line_size");
		EQ(atoi(read_text(path)), (b & 0xfff) + 1);
	}
	if (!i)
		SKIP("the processor says nothing of its caches");
}

static void tsc(void)
{
	unsigned mode = 99;

	EQ(prctl(PR_GET_TSC, &mode, 0, 0, 0), 0);
	EQ(mode, PR_TSC_ENABLE);
	EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0);
	FAILS(prctl(PR_SET_TSC, 77, 0, 0, 0), EINVAL);
	FAILS(prctl(PR_GET_TSC, 1, 0, 0, 0), EFAULT);
}

static sigjmp_buf no_tsc;

static void on_segv(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	siglongjmp(no_tsc, si->si_code == SI_KERNEL && !si->si_addr ? 1 : 2);
}

/* 0: it can be read. */
static int read_tsc(void)
{
	int why = sigsetjmp(no_tsc, 1);

	if (!why)
		__asm__ volatile("rdtsc" ::: "eax", "edx");
	return why;
}

static void *in_thread(void *arg)
{
	unsigned mode = 0;

	CHECK(!prctl(PR_GET_TSC, &mode, 0, 0, 0));
	EQ(mode, PR_TSC_SIGSEGV);
	EQ(read_tsc(), 1);
	EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0);
	EQ(read_tsc(), 0);
	return arg;
}

static long long now(void)
{
	struct timespec t;

	EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * It is a thread's own, and its children have it; others have the counter meanwhile, and the kernel
 * the time.
 */
static void no_tsc_for_a_thread(void)
{
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
	struct timespec ms = { 0, 1000000 };
	long long before;
	unsigned mode = 0;
	pthread_t t;
	pid_t pid;

	EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	EQ(read_tsc(), 0);
	EQ(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0), 0);
	EQ(prctl(PR_GET_TSC, &mode, 0, 0, 0), 0);
	EQ(mode, PR_TSC_SIGSEGV);
	EQ(read_tsc(), 1);
	before = now();
	EQ(syscall(SYS_nanosleep, &ms, NULL), 0);
	CHECK(now() - before >= 1000000);
	EQ(pthread_create(&t, NULL, in_thread, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(read_tsc(), 1);
	for (int i = 0; i < 20; i++) {
		pid = FORK();
		if (!pid) {
			EQ(read_tsc(), 1);
			EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0);
			EQ(read_tsc(), 0);
			_exit(0);
		}
		CHILD_OK(pid);
		EQ(read_tsc(), 1);
	}
	EQ(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0), 0);
	EQ(read_tsc(), 0);
	/* Host threads of those who had it go to others. */
	pid = FORK();
	if (!pid) {
		EQ(read_tsc(), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	CHECK(atof(cpuinfo("cpu MHz")) > 100);
}

/* That cpuid can be made to fault is seldom; nobody else has it switched off, so it works. */
static void cpuid_faulting(void)
{
	long r;

	EQ(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0), 1);
	r = syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
	CHECK(!r || errno == ENODEV);
	FAILS(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

static void xstate_permissions(void)
{
	unsigned long long supported = 0, permitted = 0, host = xcr0();
	long r = syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &supported);

	if (r && errno == EINVAL)
		SKIP("the kernel is too old");
	EQ(r, 0);
	EQ(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted), 0);
	EQ(supported & 3, 3);
	EQ(supported & 0xe6, host & 0xe6);
	EQ(permitted & ~supported, 0);
	EQ(permitted & 0xe7, supported & 0xe7);
	FAILS(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 200), EINVAL);
	FAILS(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 2), EOPNOTSUPP);
	FAILS(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, 1), EFAULT);
}

static int find_mapping(const char *name, unsigned long *start, unsigned long *end)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	int found = 0;

	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, name) && sscanf(line, "%lx-%lx", start, end) == 2;
	fclose(f);
	return found;
}

/* CRIU puts the vDSO where it was. */
static void map_vdso(void)
{
	unsigned long start, end, size;
	long r = syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0x10000000);

	if (r < 0 && errno == EINVAL)
		SKIP("the kernel has no CONFIG_CHECKPOINT_RESTORE");
	CHECK(r == -1 && errno == EEXIST);
	CHECK(find_mapping("[vdso]", &start, &end));
	size = end - start;
	EQ(munmap((void *)start, size), 0);
	FAILS(syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0x10000000), EEXIST);
	while (find_mapping("[vvar", &start, &end))
		EQ(munmap((void *)start, end - start), 0);
	CHECK(!find_mapping("[vdso]", &start, &end));
	CHECK(syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0x10000000) > 0);
	CHECK(find_mapping("[vdso]", &start, &end));
	EQ(end - start, size);
	CHECK(start >= 0x10000000 && start < 0x10100000);
	CHECK(!memcmp((void *)start, "\177ELF", 4));
}
#else
static void features(void)
{
	char *words = cpuinfo("Features");

	EQ(has(words, "fp"), getauxval(AT_HWCAP) & 1);
	EQ(has(words, "asimd"), getauxval(AT_HWCAP) >> 1 & 1);
	EQ(has(words, "aes"), getauxval(AT_HWCAP) >> 3 & 1);
	EQ(has(words, "atomics"), getauxval(AT_HWCAP) >> 8 & 1);
	EQ(has(words, "sve"), getauxval(AT_HWCAP) >> 22 & 1);
	EQ(has(words, "paca"), getauxval(AT_HWCAP) >> 30 & 1);
	EQ(has(words, "flagm2"), getauxval(AT_HWCAP2) >> 7 & 1);
	EQ(has(words, "bti"), getauxval(AT_HWCAP2) >> 17 & 1);
	IS(cpuinfo("CPU architecture"), "8");
	CHECK(!strncmp(cpuinfo("CPU implementer"), "0x", 2));
	CHECK(cpuinfo("CPU part") && cpuinfo("CPU revision") && cpuinfo("CPU variant"));
}
#endif

static const struct test tests[] = {
	T(machine), T(machine_of_a_personality), T(cpuinfo_of_all_machines), T(sysfs), T(speculation),
#ifdef __x86_64__
	T(x86_names), T(x86_flags), T(x86_caches), T(tsc), T(no_tsc_for_a_thread), T(cpuid_faulting), T(xstate_permissions), T(map_vdso),
#else
	T(features),
#endif
};
MAIN(tests)
