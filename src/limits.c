// SPDX-License-Identifier: GPL-2.0-only
/* The host's resource limits: how far kbox goes in them, and which memory they leave to a guest. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

#define MAPPINGS	8	/* of the whole memory that a host process of the box can have */
#define MIB(n) ((n) & ~((1UL << 20) - 1))

static struct rlimit file_size;

static void raise_limit(int which)
{
	struct rlimit r;

	if (!getrlimit(which, &r) && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(which, &r);
	}
}

/*
 * Soft limits go up to the hard ones where a box needs more than one program does. That of file
 * size holds for the guest's memory too, but the sizes of the user's files are his business, so the
 * box's processes have it as it was: restore_limits(). An image never grows.
 */
void raise_limits(void)
{
	getrlimit(RLIMIT_FSIZE, &file_size);
	raise_limit(RLIMIT_FSIZE);
	raise_limit(RLIMIT_NOFILE);
	raise_limit(RLIMIT_NPROC);
	signal(SIGXFSZ, SIG_IGN);	/* what is beyond the limit is an error, for us and for the guest */
}

void restore_limits(void)
{
	setrlimit(RLIMIT_FSIZE, &file_size);
}

/*
 * A hostile kernel could map the same memory at ever more addresses, and the host's page tables for
 * that are nobody's memory but the host's. Of user mappings, which are a cache, the kernel drops
 * some when the limit is reached.
 */
void limit_mappings(uint64_t mem)
{
	uint64_t enough = MAPPINGS * mem + (1UL << 30);
	struct rlimit r;

	if (getrlimit(RLIMIT_AS, &r) || r.rlim_cur <= enough)
		return;
	r.rlim_cur = r.rlim_max = enough;
	setrlimit(RLIMIT_AS, &r);
}

/* The number at the beginning of a file, or behind key in a line that begins with that. */
static bool read_number(const char *path, const char *key, uint64_t *n)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(key);
	bool found = false;
	char line[256];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, key, len) && sscanf(line + len, "%lu", n) == 1;
	fclose(f);
	return found;
}

static void bound(struct mem_bound *b, uint64_t bytes, const char *what)
{
	if (bytes < b->bytes)
		*b = (struct mem_bound) { bytes, what };
}

/*
 * Of the group and those around it; in a container what is seen of them need not be where the path
 * says.
 */
static void group_bound(struct mem_bound *b, const char *top, char *group, const char *file)
{
	char path[1024], *slash;
	uint64_t n;

	for (;;) {
		snprintf(path, sizeof(path), "%s%s/%s", top, group, file);
		if (read_number(path, "", &n))
			bound(b, n, "the memory limit of its control group");
		slash = strrchr(group, '/');
		if (!slash)
			return;
		*slash = 0;
	}
}

/* cgroups(7): lines of the form NUMBER:CONTROLLERS:PATH, with no controllers in version 2. */
static void groups_bound(struct mem_bound *b, const char *root)
{
	char path[1024], top[512], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = 0;
		group[strcspn(group, "\n")] = 0;
		snprintf(top, sizeof(top), "%s/sys/fs/cgroup%s", root, controllers[1] ? "/memory" : "");
		if (!controllers[1])
			group_bound(b, top, group, "memory.max");
		else if (has_word(controllers + 1, "memory", ","))
			group_bound(b, top, group, "memory.limit_in_bytes");
	}
	if (f)
		fclose(f);
}

/*
 * Guest memory is charged when it is used for the first time (a memory file is VM_NORESERVE), and
 * what the host refuses then is a SIGBUS.
 */
static void commit_bound(struct mem_bound *b, const char *root)
{
	uint64_t mode, limit, committed;
	char path[1024];

	snprintf(path, sizeof(path), "%s/proc/sys/vm/overcommit_memory", root);
	if (!read_number(path, "", &mode) || mode != 2)
		return;
	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	if (read_number(path, "CommitLimit:", &limit) && read_number(path, "Committed_AS:", &committed))
		bound(b, limit > committed ? (limit - committed) << 10 : 0, "what vm.overcommit_memory=2 leaves");
}

static int vmstat = -1;

void watch_oom_kills(void)
{
	vmstat = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
}

uint64_t oom_kills(void)
{
	static const char key[] = "\noom_kill ";
	static char text[64 << 10];
	size_t len = 0;
	ssize_t n;
	char *at;

	while (len < sizeof(text) - 1 && (n = pread(vmstat, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += n;
	text[len] = 0;
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

struct mem_bound host_mem(const char *root)
{
	struct mem_bound b = { 4UL << 30, "nobody knows" };
	struct rlimit r;
	struct sysinfo s;

	/* Not by sysconf(), which may want /proc. */
	if (!sysinfo(&s))
		b = (struct mem_bound) { (uint64_t)s.totalram * s.mem_unit, "the host's memory" };
	groups_bound(&b, root);
	commit_bound(&b, root);
	if (!getrlimit(RLIMIT_AS, &r))
		bound(&b, r.rlim_cur, "the limit of address space");
	return b;
}

/* A quarter, but no more than one file may have. */
uint64_t default_mem(void)
{
	uint64_t mem = host_mem("").bytes / 4;
	struct rlimit r;

	if (!getrlimit(RLIMIT_FSIZE, &r) && r.rlim_max < mem)
		mem = r.rlim_max;
	if (mem > MEM_MAX)
		mem = MEM_MAX;
	return mem < KBOX_MEM_MIN ? KBOX_MEM_MIN : MIB(mem);
}
