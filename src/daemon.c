// SPDX-License-Identifier: GPL-2.0-only
/*
 * -d: the box in the background. Until its command has been started, what there is to say goes to
 * the caller by a pipe, whose first NUL says that it has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon.h"

static int caller = -1;

int box_status(pid_t box)
{
	int status;

	while (waitpid(box, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAIL;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* said: the box has the caller's standard error. */
static void __attribute__((noreturn)) await(int box_says, pid_t box, bool said)
{
	char text[512];
	ssize_t n;
	int status;

	while ((n = read(box_says, text, sizeof(text))) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0 && memchr(text, 0, n))
			_exit(0);
		said |= n > 0 && write(2, text, n) == n;
	}
	status = box_status(box);
	if (!said)
		fprintf(stderr, "kbox: the box has ended with status %d before its command ran; "
			"without -d it says why\n", status);
	_exit(status);
}

void daemon_begin(struct box *b)
{
	int pipe[2], null;
	char *name;
	pid_t pid;

	if (!b->opt.detach)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(pipe, O_CLOEXEC))
		die("-d: %s", reason(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", reason(errno));
	if (pid) {
		close(pipe[1]);
		await(pipe[0], pid, b->stdio[2].kind != KBOX_STDIO_TTY);
	}
	setsid();
	close(pipe[0]);
	caller = pipe[1];
	die_to(caller);
	dup2(null, 0);
	for (int i = 1; i < 3; i++)
		if (b->stdio[i].kind == KBOX_STDIO_TTY)
			dup2(null, i);
	close(null);
	claim_stdio(b->stdio);
	if (!b->opt.name && asprintf(&name, "kbox-%d", getpid()) > 0)
		b->opt.name = name;
}

/* A caller that is gone has been interrupted, and wants no box. */
void daemon_up(void)
{
	if (caller >= 0 && write(caller, "", 1) != 1)
		raise(SIGTERM);
	if (caller >= 0)
		close(caller);
	caller = -1;
	die_to(2);
}
