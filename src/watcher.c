// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends the box if the supervisor is killed. The box's first process is killed by the host then, and
 * those that it makes ask for that themselves: those of a hostile kernel do not. They cannot leave
 * the first one's process group, so one more process, outside of the fence, waits for the
 * supervisor's end and kills the group. Before that it moves them into
 * the box's control group (with --require-fence the supervisor has done so).
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

static pid_t watcher;

static void __attribute__((noreturn)) watch(const struct box *b, pid_t supervisor)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setsid();
	if (!b->opt.require_fence)
		bound_hold(b, getpid());
	close_from_to(0, ~0U);
	while (getppid() == supervisor)
		sigwaitinfo(&all, NULL);
	kill(-b->kernel_pid, SIGKILL);
	_exit(0);
}

void start_watcher(const struct box *b)
{
	pid_t self = getpid();

	/*
	 * There is no SIGCHLD at its end, so it is none of those that the supervisor waits for: see
	 * wait(2), __WALL.
	 */
	watcher = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (watcher < 0)
		die("fork: %s", reason(errno));
	if (!watcher)
		watch(b, self);
}

pid_t watcher_pid(void)
{
	return watcher;
}

void end_watcher(void)
{
	if (watcher > 0 && !kill(watcher, SIGKILL))
		waitpid(watcher, NULL, __WALL);
}
