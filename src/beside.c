// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command beside the programs of a snapshot is run as kbox exec runs one. The box is a child of
 * its client and has the other end of a connection, by which either hears that the other one is
 * gone: the box ends with the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "beside.h"
#include "client.h"
#include "daemon.h"
#include "resume.h"

/* The box has no terminal of the user's, and nothing of what the command reads and writes. */
static void stand_aside(struct box *b)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), err = fcntl(2, F_DUPFD_CLOEXEC, 3);

	if (null < 0 || err < 0)
		die("/dev/null: %s", reason(errno));
	setsid();
	die_to(err);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close(null);
	claim_stdio(b->stdio);
}

void beside_begin(struct box *b)
{
	int pair[2], status;
	pid_t pid;

	if (!b->opt.beside)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair: %s", reason(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", reason(errno));
	if (!pid) {
		close(pair[0]);
		b->client_fd = pair[1];
		stand_aside(b);
		return;
	}
	close(pair[1]);
	resume_leave(b);
	status = exec_at(pair[0], &b->opt, b->stdio);
	close(pair[0]);
	if (status < 0)		/* it could not start, and has said why */
		_exit(box_status(pid));
	box_status(pid);
	_exit(status);
}
