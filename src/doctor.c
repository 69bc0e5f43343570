// SPDX-License-Identifier: GPL-2.0-only
/* kbox doctor: what this host offers, and what is missing. */
#define _GNU_SOURCE
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "doctor.h"
#include "engine.h"
#include "fences.h"

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
	need(works(seccomp_traps), "a seccomp filter hands system calls back to their process (SECCOMP_RET_TRAP)",
	     "enable CONFIG_SECCOMP_FILTER in the host's kernel, or allow seccomp(2) in this container");
	need(works(processes_start), "processes and threads can be started",
	     "see ulimit -u and pids.max of the control group, or allow clone(2) in this container");
	wish(!access("/proc/self/maps", R_OK), "/proc",
	     "nothing needs it, but without it the time costs a guest a system call");
	wish(works(vdso_reads_clock), "the host's clock is read without a system call",
	     "the time costs a guest a system call: see /sys/devices/system/clocksource/clocksource0/");
}

#ifdef __aarch64__
/*
 * Here a signal frame carries SVE and SME only for threads that use them, which a guest's do not.
 */
static void check_cpu(void)
{
	bool sve = getauxval(AT_HWCAP) & HWCAP_SVE;

	wish(true, sve ? "vector state: FP and SIMD; guests are not told of SVE and SME" : "vector state: FP and SIMD", "");
}
#elif defined(__x86_64__)
/*
 * The vector state that a signal frame carries: what the CPU has and the host's kernel has enabled.
 */
static void check_cpu(void)
{
	unsigned long frame = host_minsigstksz();
	unsigned int a, b = 0, c, d;
	char text[128];

	if (!__get_cpuid_count(13, 0, &a, &b, &c, &d))
		b = 512;
	if (!frame)
		frame = b + 1024;	/* and the other registers */
	snprintf(text, sizeof(text), "vector state of %u bytes (%s), signal frames of up to %lu bytes", b,
		 __builtin_cpu_supports("avx512f") ? "AVX-512" : __builtin_cpu_supports("avx2") ? "AVX2" :
		 __builtin_cpu_supports("avx") ? "AVX" : "SSE", frame);
	wish(frame <= FRAME_MAX, text, "larger than the guest's kernel was made for: programs that use it may crash");
	wish(host_hwcap2() & ARCH_HWCAP2_FSGSBASE, "FSGSBASE instructions for user programs",
	     "a new thread costs some system calls more without them (Linux 5.9 or later, where the CPU has them)");
	wish(!(hidden_features() & KBOX_HIDE_LAHF), "lahf and sahf in 64-bit mode",
	     "a system call by a jump costs some more time without them");
	wish(works(calls_dispatch), "Syscall User Dispatch",
	     "a system call that traps costs some more time (Linux 5.11 or later)");
}
#endif

/* What of it can be had; a box asks for it in the same way. */
static void check_memory(void)
{
	struct mem_bound bound = host_mem("");
	char text[160];

	need(addresses_free(default_mem()), "the address range of the guest's kernel is free",
	     "something maps itself there (LD_PRELOAD?)");
	snprintf(text, sizeof(text), "%lu MiB of guest memory unless --mem says otherwise (of %lu MiB: %s)",
		 (unsigned long)default_mem() >> 20, (unsigned long)bound.bytes >> 20, bound.what);
	need(works(memory_maps), text, "enable CONFIG_MEMFD_CREATE in the host's kernel, see ulimit -v and ulimit -f");
	need(works(memory_executes), "guest memory can be executed",
	     "allow kbox executable mappings of its memory file (memfd), which this host's policy refuses");
	wish(works(memory_writes_and_executes), "guest memory can be written to and executed at once",
	     "this host's policy refuses it: programs that make code as they run may fail");
	wish(works(memory_populates), "guest memory is made present in one call (MADV_POPULATE_WRITE)",
	     "memory costs some more time at its first use (Linux 5.14 or later)");
}

static void check_accounting(void)
{
	long maps = read_number("/proc/sys/vm/max_map_count");
	long overcommit = read_number("/proc/sys/vm/overcommit_memory");
	char text[64];

	/* Without /proc nobody says. */
	if (maps < 0 || overcommit < 0)
		return;
	snprintf(text, sizeof(text), "vm.max_map_count is %ld", maps);
	wish(maps >= 65530, text, "65530 or more lets large programs run faster");
	snprintf(text, sizeof(text), "vm.overcommit_memory is %ld", overcommit);
	wish(overcommit != 2, text,
	     "a guest that uses more than is left when it does so ends: see CommitLimit in /proc/meminfo");
}

static void check_network(void)
{
	char path[PATH_MAX], text[64];
	bool passt = engine_passt.find(path), slirp = engine_slirp.find(path);

	snprintf(text, sizeof(text), "a network (--net): %s%s%s", passt ? "passt" : "", passt && slirp ? ", " : "",
		 slirp ? "kbox-slirp" : passt ? "" : "no engine");
	wish(passt || slirp, text, "install the package passt");
}

/* What a box gets: kbox raises soft limits, where it needs to, to the hard ones. */
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

int doctor(char **argv)
{
	find_room(default_mem(), argv);
	raise_limits();
	check_kernel();
	check_cpu();
	check_memory();
	check_accounting();
	check_limit(RLIMIT_AS, RLIM_INFINITY, "address space", "guest memory takes its part of it: ulimit -v");
	check_limit(RLIMIT_FSIZE, RLIM_INFINITY, "file size",
		    "holds for guest memory, and for an image with --ephemeral: ulimit -f");
	check_limit(RLIMIT_NPROC, 1024, "processes", "a guest's threads count as yours: ulimit -u");
	check_limit(RLIMIT_NOFILE, 32, "open files", "ulimit -n 1024");
	check_network();
	print_fences();
	if (missing)
		printf("\nkbox cannot run here.\n");
	else
		printf("\nkbox can run here; system calls go by way of: rewrite (a jump; a site's first call, and what cannot "
		       "be rewritten: trap)\n");
	return missing;
}
