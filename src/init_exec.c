// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent: a process of the guest that starts programs for kbox exec (docs/control.md). A program
 * that has a terminal is the child of a relay, between a terminal of the guest's and the host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "exec_proto.h"
#include "init.h"
#include "init_exec.h"

#define GRACE 5			/* seconds from SIGHUP to SIGKILL */

struct program {
	uint32_t id;
	pid_t pid;		/* its process, or its relay's */
	bool relayed;		/* it has a terminal */
	time_t kill_at;		/* 0: it is wanted */
	struct program *next;
};

static struct program *programs;
static int supervisor;

static void tell(enum exec_what what, uint32_t id, uint32_t arg)
{
	struct exec_message m = { what, id, arg };

	while (send(supervisor, &m, sizeof(m), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* A process is the leader of its group soon, but not at once. */
static void send_signal(const struct program *p, int sig)
{
	if (kill(-p->pid, sig))
		kill(p->pid, sig);
}

/*
 * A program's strings, in the order of agent.c's add_start(); the process is its own. A user's or
 * group's number that is not given is the box's.
 */
static void read_start(char *strings, struct terminal_size *size)
{
	long uid, gid;
	char *cwd;

	read_from(strings);
	for (int i = 0; i < 3; i++)
		config.stdio[i].kind = next_number();
	size->rows = next_number();
	size->cols = next_number();
	uid = next_number();
	gid = next_number();
	cwd = next_string();
	if (uid >= 0)
		config.uid = uid;
	if (gid >= 0)
		config.gid = gid;
	if (uid >= 0 || gid >= 0)
		config.ngroups = 0;
	config.cwd = *cwd ? cwd : config.cwd;
	config.keep = next_number();
	if (next_number())
		config.env = calloc(1, sizeof(*config.env));
	set_environment();
	for (char **var = next_list(); *var; var++)
		putenv(*var);
	config.argv = next_list();
	config.init = 0;
	config.nfds = 0;
}

/*
 * Descriptors that came are in the order of those of stdio that are to be one; the relay's is the
 * last.
 */
static void __attribute__((noreturn)) become(char *strings, const int *fds, int nfds)
{
	struct terminal_size size;
	bool relayed = false;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	read_start(strings, &size);
	for (int i = 0, n = 0; i < 3; i++)
		if (config.stdio[i].kind == EXEC_FD && n < nfds)
			dup2(fds[n++], i);
		else
			relayed |= config.stdio[i].kind == EXEC_TTY;
	if (relayed)
		relay(fds[nfds - 1], &size);
	run();
}

static void start(const struct exec_message *m, char *strings, const int *fds, int nfds)
{
	struct program *p = malloc(sizeof(*p));
	pid_t pid = p ? fork() : -1;

	if (!pid) {
		for (int i = 0; i < nfds; i++)
			fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		setsid();
		become(strings, fds, nfds);
	}
	if (pid < 0) {
		if (nfds)
			dprintf(fds[nfds - 1], "kbox: fork: %s\n", strerror(errno));
		free(p);
		tell(EXEC_ENDED, m->id, 125 << 8);
		return;
	}
	*p = (struct program) { .id = m->id, .pid = pid, .relayed = m->arg, .next = programs };
	programs = p;
}

static void take_message(void)
{
	static char text[EXEC_MAX + 1] __attribute__((aligned(8)));
	struct exec_message *m = (struct exec_message *)text;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(EXEC_FDS * sizeof(int))];
	} control;
	struct iovec v = { text, EXEC_MAX };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(supervisor, &h, MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;
	struct program *p = programs;
	int fds[EXEC_FDS], nfds = 0;

	if (n == 0)
		_exit(0);
	if (n < (ssize_t)sizeof(*m))
		return;
	text[n] = 0;
	if (c) {
		nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), nfds * sizeof(int));
	}
	while (p && p->id != m->id)
		p = p->next;
	if (m->what == EXEC_START)
		start(m, text + sizeof(*m), fds, nfds);
	else if (m->what == EXEC_SIGNAL && p)
		send_signal(p, m->arg);
	else if (m->what == EXEC_END && p) {
		send_signal(p, SIGHUP);
		send_signal(p, SIGCONT);
		p->kill_at = seconds() + GRACE;
	}
	while (nfds)
		close(fds[--nfds]);
}

static void reap(void)
{
	struct program *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct program **at = &programs; (p = *at); at = &p->next)
			if (p->pid == pid) {
				tell(EXEC_ENDED, p->id, status);
				*at = p->next;
				free(p);
				break;
			}
}

/* Returns whether there are some that have yet to be. */
static bool kill_unwanted(void)
{
	bool wait = false;

	for (struct program *p = programs; p; p = p->next)
		if (p->kill_at && seconds() >= p->kill_at)
			send_signal(p, p->relayed ? RELAY_KILL : SIGKILL);
		else
			wait |= p->kill_at;
	return wait;
}

static int children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * The command has been started where nobody has the pipe open any more, and nothing was said by it.
 */
static void command_started(struct pollfd *p)
{
	char failed;

	if (!read(p->fd, &failed, 1))
		tell(EXEC_READY, 0, 0);
	close(p->fd);
	p->fd = -1;
}

static void __attribute__((noreturn)) serve(int pipe)
{
	struct pollfd p[] = {
		{ .fd = supervisor, .events = POLLIN }, { .fd = children(), .events = POLLIN },
		{ .fd = pipe, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	for (;;) {
		poll(p, 3, kill_unwanted() ? 1000 : -1);
		if (p[1].revents && read(p[1].fd, &info, sizeof(info)) > 0)
			reap();
		if (p[0].revents)
			take_message();
		if (p[2].revents)
			command_started(&p[2]);
	}
}

int start_agent(int socket)
{
	int pipe[2], end;
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC))
		fail("pipe");
	end = move_up(pipe[1]);
	close(pipe[1]);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid) {
		close(pipe[0]);
		return end;
	}
	close(end);
	drop_stdio();
	setsid();
	prctl(PR_SET_NAME, "kbox-exec");
	supervisor = socket;
	serve(pipe[0]);
}
