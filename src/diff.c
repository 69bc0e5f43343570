// SPDX-License-Identifier: GPL-2.0-only
/*
 * --diff: the file that the guest's first process writes an archive to. It has another name until
 * the archive is complete. When the supervisor knows that, it cannot rename or remove files any
 * more (lockin.c). So a process outside does, the keeper, also when the supervisor is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "box.h"

static struct {
	char *name, *temporary;
	pid_t keeper;
	int tell;		/* a byte: it is complete; the end: it is not */
} diff;

static void __attribute__((noreturn)) keep(int told)
{
	sigset_t all;
	char complete;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	dup2(told, 0);
	close_from_to(1, ~0U);
	if (read(0, &complete, 1) == 1 && !rename(diff.temporary, diff.name))
		_exit(0);
	unlink(diff.temporary);
	_exit(1);
}

static void start_keeper(void)
{
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC))
		die("pipe: %s", reason(errno));
	diff.keeper = fork();
	if (!diff.keeper) {
		close(pipe[1]);
		keep(pipe[0]);
	}
	if (diff.keeper < 0) {
		unlink(diff.temporary);
		die("fork: %s", reason(errno));
	}
	close(pipe[0]);
	diff.tell = pipe[1];
}

/* Beside the file itself, where a symlink has led, with the mode that open(2) would give it. */
static int open_temporary(const char *path)
{
	static const char name[] = ".kbox-diff-XXXXXX";
	char *real = realpath(path, NULL), *slash;
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	diff.name = real ?: strdup(path);
	if (!diff.name || asprintf(&diff.temporary, "%s/%s", diff.name, name) < 0)
		die("%s", reason(ENOMEM));
	slash = strrchr(diff.name, '/');
	strcpy(diff.temporary + (slash ? slash - diff.name + 1 : 0), name);
	fd = mkostemp(diff.temporary, O_CLOEXEC);
	if (fd < 0)
		die("--diff %s: %s", path, reason(errno));
	fchmod(fd, 0666 & ~mask);
	return fd;
}

static int open_stdout(const struct box *b)
{
	if (b->stdio[1].kind == KBOX_STDIO_TTY)
		die("--diff -: standard output is a terminal; send it to a file or a program");
	if (b->stdio[1].kind == KBOX_STDIO_CLOSED)
		die("--diff -: standard output is closed");
	return STDOUT_FILENO;
}

int open_diff(const struct box *b)
{
	const char *path = b->opt.diff;
	struct stat st;
	int fd;

	if (!path)
		return -1;
	if (!strcmp(path, "-"))
		return open_stdout(b);
	if (stat(path, &st) || S_ISREG(st.st_mode)) {
		fd = open_temporary(path);
		start_keeper();
		return fd;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		die("--diff %s: %s", path, reason(errno));
	return fd;
}

/* An archive is never empty. Who could not write all of it has left it so (init_tar.c). */
static bool is_complete(const struct box *b)
{
	return __atomic_load_n(&b->shared->exit_kind, __ATOMIC_SEQ_CST) == KBOX_EXITED &&
	       lseek(b->diff_fd, 0, SEEK_END) > 0;
}

int end_diff(const struct box *b, int status)
{
	bool complete = diff.keeper && is_complete(b);
	int kept = 0;

	if (!diff.keeper)
		return status;
	if (complete && write(diff.tell, "", 1) != 1)
		complete = false;
	close(diff.tell);
	waitpid(diff.keeper, &kept, 0);
	if (!complete || !kept)
		return status;
	fprintf(stderr, "kbox: --diff %s: it could not be given this name\n", b->opt.diff);
	return EXIT_FAIL;
}
