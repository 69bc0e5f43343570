// SPDX-License-Identifier: GPL-2.0-only
/* What holds a guest that owns its kernel, here: for kbox doctor, and for --require-fence. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include "bound.h"
#include "box.h"
#include "doctor.h"
#include "fence.h"
#include "fences.h"
#include "group.h"
#include "landlock.h"
#include "lockin.h"

/* Both are tried in a process of their own: they cannot be undone. */
static bool landlock_locks(void)
{
	return landlock_lock(false, true);
}

static bool supervisor_locks(void)
{
	return lock_in(&(struct lockin) { getpid(), getppid(), 0, -1 });
}

static bool calls_filtered(void)
{
	return works(seccomp_traps);
}

static bool signals_scoped(void)
{
	return signals_are_scoped() && works(landlock_locks);
}

static bool signals_fenced(void)
{
	return signals_scoped() || works(user_notif_works);
}

static const char *signals_how(void)
{
	return signals_scoped() ? "Landlock's scope" : "the supervisor, which sends them";
}

static bool memory_sealed(void)
{
	int fd = new_memfd("kbox");
	bool ok = fd >= 0 && seal_size(fd);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool files_fenced(void)
{
	return works(landlock_locks);
}

/* Made for the answer, and removed at once. */
static bool group_bounds(void)
{
	bool ok = group_make(1);

	group_remove();
	return ok;
}

static bool processes_bounded(void)
{
	return works(group_bounds) || works(limit_holds);
}

static const char *processes_how(void)
{
	return works(group_bounds) ? "a control group" : "RLIMIT_NPROC";
}

static bool supervisor_locked_in(void)
{
	return works(supervisor_locks);
}

static const struct fence {
	const char *name;
	bool (*there)(void);
	const char *(*how)(void);	/* where there are several ways */
	const char *advice;
} fences[] = {
	{ "host calls are filtered (seccomp)", calls_filtered, NULL,
	  "enable CONFIG_SECCOMP_FILTER in the host's kernel, or allow seccomp(2) in this container" },
	{ "signals stay in the box", signals_fenced, signals_how,
	  "boot Linux 5.0 or later, or 6.12 with landlock among lsm=; run no other supervisor (seccomp_unotify(2)) around kbox" },
	{ "guest memory keeps its size (memfd seals)", memory_sealed, NULL,
	  "allow fcntl(F_ADD_SEALS) in this container" },
	{ "files and sockets cannot be opened (Landlock)", files_fenced, NULL,
	  "boot Linux 5.13 or later with landlock among lsm=, or allow landlock_*(2) in this container" },
	{ "host processes are bounded", processes_bounded, processes_how,
	  "run kbox as a user, or where it may make a control group: systemd-run --user --scope -p Delegate=yes kbox ..." },
	{ "the supervisor locks itself in (seccomp)", supervisor_locked_in, NULL,
	  "allow seccomp(2) with SECCOMP_FILTER_FLAG_TSYNC in this container" },
};

#define FENCES (sizeof(fences) / sizeof(fences[0]))

void print_fences(void)
{
	printf("what holds a hostile guest here:\n");
	for (size_t i = 0; i < FENCES; i++) {
		const struct fence *f = &fences[i];

		if (!f->there())
			printf("note     NOT: %s\n         %s\n", f->name, f->advice);
		else if (f->how)
			printf("ok       %s: by %s\n", f->name, f->how());
		else
			printf("ok       %s\n", f->name);
	}
}

void require_fences(void)
{
	for (size_t i = 0; i < FENCES; i++)
		if (!fences[i].there())
			die("--require-fence: not on this host: %s; %s", fences[i].name, fences[i].advice);
}
