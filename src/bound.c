// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many host processes and threads a box can have, whatever its kernel does: a control group
 * says so, or else the limit of the user's processes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bound.h"
#include "box.h"
#include "group.h"

#define ABOUT	32	/* how exactly it is found out how many the user has */
#define MORE	16	/* than the guest's own: the idle thread, spares, one to execute in */

static bool can_fork(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid > 0;
}

static bool can_fork_below(rlim_t limit, rlim_t hard)
{
	struct rlimit r = { limit, hard };

	return !setrlimit(RLIMIT_NPROC, &r) && can_fork();
}

/*
 * About the least limit at which the user can have one more; 0: the limit does not hold for him, or
 * is lower than that already.
 */
static rlim_t least_limit(rlim_t hard)
{
	rlim_t no = 0, yes = 64, middle;

	if (can_fork_below(0, hard))
		return 0;
	while (yes < hard && !can_fork_below(yes, hard)) {
		no = yes;
		yes *= 2;
	}
	if (yes >= hard)
		return 0;
	while (yes - no > ABOUT) {
		middle = no + (yes - no) / 2;
		if (can_fork_below(middle, hard))
			yes = middle;
		else
			no = middle;
	}
	return yes;
}

/*
 * The limit counts all that the user has, which nobody says, since a namespace or another host's
 * /proc may hide some. So it is found out.
 */
static void limit_user(unsigned int max)
{
	struct rlimit r;
	rlim_t least;

	if (getrlimit(RLIMIT_NPROC, &r))
		return;
	least = least_limit(r.rlim_max);
	if (least && least + max < r.rlim_max)
		r.rlim_max = least + max;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NPROC, &r);
}

static bool grouped;

void bound_prepare(const struct box *b)
{
	grouped = group_make(b->opt.max_processes + MORE);
}

void bound_enter(const struct box *b)
{
	if (!grouped)
		limit_user(b->opt.max_processes + MORE);
}

bool bound_hold(const struct box *b, pid_t but)
{
	return grouped && group_hold(b->kernel_pid, but);
}

bool limit_holds(void)
{
	struct rlimit r;
	bool holds;

	if (getrlimit(RLIMIT_NPROC, &r))
		return false;
	holds = !can_fork_below(0, r.rlim_max) && errno == EAGAIN;
	setrlimit(RLIMIT_NPROC, &r);
	return holds;
}
