// SPDX-License-Identifier: GPL-2.0-only
/* What holds a guest that owns its kernel, here: for kbox doctor, and for --require-fence. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include "bound.h"
#include "box.h"
#include "broker.h"
#include "doctor.h"
#include "fence.h"
#include "fences.h"
#include "group.h"
#include "landlock.h"
#include "lockin.h"

/* Both are tried in a process of their own: they cannot be undone. */
static bool landlock_locks(void)
{
	return landlock_lock(false, true, NULL, 0);
}

static bool supervisor_locks(void)
{
	return lock_in(&(struct lockin) { getpid(), getppid(), 0, 0, -1, -1, -1, -1 });
}

static const char *only_way(bool there)
{
	return there ? "" : NULL;
}

static const char *calls_filtered(void)
{
	return only_way(works(seccomp_traps));
}

static const char *signals_fenced(void)
{
	if (signals_are_scoped() && works(landlock_locks))
		return ": by Landlock's scope";
	return works(user_notif_works) ? ": by the supervisor, which sends them" : NULL;
}

static const char *memory_sealed(void)
{
	int fd = new_memfd("kbox");
	bool ok = fd >= 0 && seal_size(fd);

	if (fd >= 0)
		close(fd);
	return only_way(ok);
}

static const char *files_fenced(void)
{
	return only_way(works(landlock_locks));
}

/* Made for the answer, and removed at once. */
static bool group_bounds(void)
{
	bool ok = group_make(1);

	group_remove();
	return ok;
}

static const char *processes_bounded(void)
{
	if (works(group_bounds))
		return ": by a control group";
	return works(limit_holds) ? ": by RLIMIT_NPROC" : NULL;
}

static const char *supervisor_locked_in(void)
{
	return only_way(works(supervisor_locks));
}

static const char *volumes_fenced(void)
{
	if (works(namespaces_work))
		return ": by a mount namespace";
	return !landlock_abi() && works(broker_works) ? ": by a broker, which opens them for the box" : NULL;
}

static const struct fence {
	const char *name;
	const char *(*way)(void);	/* by which it is there, as a text; NULL: it is not */
	const char *advice;
	bool of_volumes;		/* nothing to a box that has none */
} fences[] = {
	{ "host calls are filtered (seccomp)", calls_filtered,
	  "enable CONFIG_SECCOMP_FILTER in the host's kernel, or allow seccomp(2) in this container", false },
	{ "signals stay in the box", signals_fenced,
	  "boot Linux 5.0 or later, or 6.12 with landlock among lsm=; "
	  "run no other supervisor (seccomp_unotify(2)) around kbox", false },
	{ "guest memory keeps its size (memfd seals)", memory_sealed,
	  "allow fcntl(F_ADD_SEALS) in this container", false },
	{ "files and sockets cannot be opened (Landlock)", files_fenced,
	  "boot Linux 5.13 or later with landlock among lsm=, or allow landlock_*(2) in this container", false },
	{ "of the host's files nothing is seen but volumes (-v, --root, kbox run)", volumes_fenced,
	  "boot Linux 5.12 or later and let users have user namespaces (unshare(2), with /proc): else Landlock is the fence, "
	  "by which the names and attributes of other files can be found out, and without it a broker (Linux 5.19, /proc, "
	  "seccomp_unotify(2)), or there are no volumes", true },
	{ "host processes are bounded", processes_bounded,
	  "run kbox as a user, or where it may make a control group: "
	  "systemd-run --user --scope -p Delegate=yes kbox ...", false },
	{ "the supervisor locks itself in (seccomp)", supervisor_locked_in,
	  "allow seccomp(2) with SECCOMP_FILTER_FLAG_TSYNC in this container", false },
};

#define FENCES (sizeof(fences) / sizeof(fences[0]))

void print_fences(void)
{
	printf("what holds a hostile guest here:\n");
	for (size_t i = 0; i < FENCES; i++) {
		const struct fence *f = &fences[i];
		const char *way = f->way();

		if (way)
			printf("ok       %s%s\n", f->name, way);
		else
			printf("note     NOT: %s\n         %s\n", f->name, f->advice);
	}
}

void require_fences(bool volumes)
{
	for (size_t i = 0; i < FENCES; i++)
		if ((volumes || !fences[i].of_volumes) && !fences[i].way())
			die("--require-fence: not on this host: %s; %s", fences[i].name, fences[i].advice);
}
