// SPDX-License-Identifier: GPL-2.0-only
/* kbox doctor: what this host offers, and what is missing. */
#define _GNU_SOURCE
#ifndef __aarch64__
#include <cpuid.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "doctor.h"

#define FRAME_MAX 12288		/* signal frames on a kernel stack of the guest */

static int missing;

/* Without it no box runs. */
static void need(bool ok, const char *what, const char *advice)
{
	printf("%-8s %s\n", ok ? "ok" : "MISSING", what);
	if (!ok) {
		printf("         %s\n", advice);
		missing = 1;
	}
}

/* Without it a box runs, but not every one, or not as well. */
static void wish(bool ok, const char *what, const char *advice)
{
	printf("%-8s %s\n", ok ? "ok" : "note", what);
	if (!ok)
		printf("         %s\n", advice);
}

static long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

static bool have_memfd(void)
{
	int fd = memfd_create("kbox-doctor", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool address_free(void)
{
	void *want = (void *)KBOX_PAGE_OFFSET;
	void *p = mmap(want, default_mem(), PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, default_mem());
	return p == want;
}

static void check_kernel(void)
{
	int major = 0, minor = 0;
	struct utsname u;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	printf("host     %s %s %s\n", u.sysname, u.release, u.machine);
	need(major >= 5, "Linux 5.0 or later", "update the host's kernel");
	need(!strcmp(u.machine, ARCH_NAME), "host and kbox are for " ARCH_NAME, "build kbox for this host's machine");
	need(have_small_pages(), "pages of 4 KiB", "boot a host kernel that is built for them");
	need(!access("/proc/self/maps", R_OK), "/proc", "mount /proc");
	need(have_seccomp_trap(), "a seccomp filter hands system calls back to their process (SECCOMP_RET_TRAP)",
	     "enable CONFIG_SECCOMP_FILTER in the host's kernel, or allow seccomp(2) in this container");
	need(have_memfd(), "memfd_create", "enable CONFIG_MEMFD_CREATE in the host's kernel");
	need(address_free(), "the address range of the guest's kernel is free", "see ulimit -v, or give a smaller --mem");
}

#ifdef __aarch64__
/* Here a signal frame carries SVE and SME only for threads that use them, which a guest's do not. */
static void check_cpu(void)
{
	bool sve = getauxval(AT_HWCAP) & HWCAP_SVE;

	wish(true, sve ? "vector state: FP and SIMD; guests are not told of SVE and SME" : "vector state: FP and SIMD", "");
}
#else
/* The vector state that a signal frame carries: what the CPU has and the host's kernel has enabled. */
static void check_cpu(void)
{
	unsigned long frame = host_minsigstksz() ?: 2048;
	unsigned int a, b = 0, c, d;
	char text[128];

	if (!__get_cpuid_count(13, 0, &a, &b, &c, &d))
		b = 512;
	snprintf(text, sizeof(text), "vector state of %u bytes (%s), signal frames of up to %lu bytes", b,
		 __builtin_cpu_supports("avx512f") ? "AVX-512" : __builtin_cpu_supports("avx2") ? "AVX2" :
		 __builtin_cpu_supports("avx") ? "AVX" : "SSE", frame);
	wish(frame <= FRAME_MAX, text, "larger than the guest's kernel was made for: programs that use it may crash");
	wish(host_hwcap2() & ARCH_HWCAP2_FSGSBASE, "FSGSBASE instructions for user programs",
	     "a new thread costs some system calls more without them (Linux 5.9 or later, where the CPU has them)");
}
#endif

static void check_memory(void)
{
	long maps = read_number("/proc/sys/vm/max_map_count");
	long overcommit = read_number("/proc/sys/vm/overcommit_memory");
	char text[64];

	snprintf(text, sizeof(text), "vm.max_map_count is %ld", maps);
	wish(maps >= 65530, text, "65530 or more lets large programs run faster");
	snprintf(text, sizeof(text), "vm.overcommit_memory is %ld", overcommit);
	wish(overcommit == 0 || overcommit == 1, text, "2 may refuse large guests: give a smaller --mem");
	printf("%-8s %lu MiB of guest memory unless --mem says otherwise\n", "ok", (unsigned long)default_mem() >> 20);
}

static void check_limit(int which, rlim_t enough, const char *what, const char *advice)
{
	struct rlimit r;
	char text[96];

	if (getrlimit(which, &r))
		return;
	if (r.rlim_cur == RLIM_INFINITY)
		snprintf(text, sizeof(text), "no limit of %s", what);
	else
		snprintf(text, sizeof(text), "limit of %s: %lu", what, (unsigned long)r.rlim_cur);
	wish(r.rlim_cur >= enough, text, advice);
}

int doctor(void)
{
	check_kernel();
	check_cpu();
	check_memory();
	check_limit(RLIMIT_AS, RLIM_INFINITY, "address space", "ulimit -v unlimited, or give a smaller --mem");
	check_limit(RLIMIT_FSIZE, RLIM_INFINITY, "file size", "holds for image and guest memory: ulimit -f unlimited");
	check_limit(RLIMIT_NPROC, 1024, "processes", "a guest's threads count as yours: ulimit -u");
	check_limit(RLIMIT_NOFILE, 32, "open files", "ulimit -n 1024");
	if (missing)
		printf("\nkbox cannot run here.\n");
	else
		printf("\nkbox can run here; system calls go by way of: rewrite (a jump; a site's first call, and what cannot be rewritten: trap)\n");
	return missing;
}
