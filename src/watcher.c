// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends the box if the supervisor is killed. The box's first process is killed by the host then, and
 * those that it makes ask for that themselves: those of a hostile kernel do not. They cannot leave
 * the first one's process group, so one more process, outside of the fence, waits for the
 * supervisor's end and kills the group. Before that it moves them into
 * the box's control group (with --require-fence the supervisor has done so).
 *
 * It also removes the socket of a box that has a name, however the box ends: the supervisor cannot
 * remove files (lockin.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bound.h"
#include "box.h"
#include "rundir.h"

#define ENDED SIGUSR2		/* the box has, and nobody is left to be killed */

static pid_t watcher;
static bool has_name;

static void __attribute__((noreturn)) watch(const struct box *b, pid_t supervisor)
{
	sigset_t all;
	int sig = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setsid();
	if (!b->opt.require_fence)
		bound_hold(b, getpid());
	close_from_to(0, ~0U);
	while (getppid() == supervisor && sig != ENDED)
		sig = sigwaitinfo(&all, NULL);
	if (sig == ENDED) {
		release_name();
	} else {
		kill(-b->kernel_pid, SIGKILL);
		abandon_name();
	}
	_exit(0);
}

void start_watcher(const struct box *b)
{
	pid_t self = getpid();

	has_name = b->opt.name;
	/*
	 * Its end is told to the supervisor by another signal than that of the box's
	 * processes: so it is none of those that are waited for without __WALL (wait(2)).
	 */
	watcher = syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, NULL);
	if (watcher < 0)
		die("fork: %s", reason(errno));
	if (!watcher)
		watch(b, self);
}

pid_t watcher_pid(void)
{
	return watcher;
}

bool watcher_died(int *status)
{
	if (watcher <= 0 || waitpid(watcher, status, WNOHANG | __WALL) != watcher)
		return false;
	watcher = 0;
	return true;
}

void end_watcher(void)
{
	if (watcher > 0 && !kill(watcher, has_name ? ENDED : SIGKILL))
		waitpid(watcher, NULL, __WALL);
}
