// SPDX-License-Identifier: GPL-2.0-only
/* kbox doctor: what this host offers, and what is missing. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "box.h"

static int missing;

static void line(bool ok, const char *what, const char *advice)
{
	printf("%-8s %s\n", ok ? "ok" : "MISSING", what);
	if (!ok) {
		printf("         %s\n", advice);
		missing = 1;
	}
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

static bool have_seccomp(void)
{
	/* A NULL filter: EFAULT says that the kernel knows the mode (seccomp(2)). */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
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
	void *p = mmap(want, 1UL << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
		       -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, 1UL << 30);
	return p == want;
}

int doctor(void)
{
	struct utsname u;
	long maps = read_number("/proc/sys/vm/max_map_count");
	int major = 0, minor = 0;
	struct rlimit as;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	printf("host     %s %s %s\n", u.sysname, u.release, u.machine);
	line(major >= 5, "Linux 5.0 or later", "update the host's kernel");
	line(!strcmp(u.machine, "x86_64"), "an x86_64 host", "this build of kbox is for x86_64");
	line(have_seccomp(), "seccomp filters", "enable CONFIG_SECCOMP_FILTER in the host's kernel");
	line(have_memfd(), "memfd_create", "enable CONFIG_MEMFD_CREATE in the host's kernel");
	line(address_free(), "the address range of the guest's kernel is free", "raise the limit of address space (ulimit -v)");
	line(!getrlimit(RLIMIT_AS, &as) && as.rlim_cur == RLIM_INFINITY, "no limit of address space", "ulimit -v unlimited");
	printf("%-8s vm.max_map_count is %ld%s\n", maps >= 65530 ? "ok" : "note", maps,
	       maps >= 65530 ? "" : "; more lets large programs run faster");
	printf("%-8s a signal frame takes up to %lu bytes\n", getauxval(AT_MINSIGSTKSZ) <= 12288 ? "ok" : "note",
	       getauxval(AT_MINSIGSTKSZ));
	printf("\n%s\n", missing ? "kbox cannot run here." : "kbox can run here; system calls go by way of: trap");
	return missing;
}
