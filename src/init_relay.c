// SPDX-License-Identifier: GPL-2.0-only
/*
 * The relay of a terminal of the guest's to kbox exec: each message of the socket begins with a
 * byte that says what it is. Neither end is waited for while the other has something to say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "exec_proto.h"
#include "init_exec.h"

/* What has come from one end and the other has not taken. */
struct pending {
	char text[4096];
	size_t from, to;
};

static int host, master, signals;
static bool hung;		/* nobody has the terminal open */
static pid_t program;
static struct pending out, in;

static void resize(int rows, int cols)
{
	struct winsize ws = { .ws_row = rows, .ws_col = cols };

	ioctl(master, TIOCSWINSZ, &ws);
}

/* Said to the one who asked, who has no other place for it. */
static void __attribute__((noreturn)) no_terminal(void)
{
	char text[128] = "d";
	int n = snprintf(text + 1, sizeof(text) - 1, "kbox: no terminal in this box: /dev/ptmx: %s\r\n", strerror(errno));

	send(host, text, n + 1, MSG_NOSIGNAL);
	_exit(125);
}

static int open_terminal(const struct terminal_size *size)
{
	char name[64];
	int slave = -1;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master >= 0 && !unlockpt(master) && !ptsname_r(master, name, sizeof(name)))
		slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		no_terminal();
	resize(size->rows < 0 ? 24 : size->rows, size->cols < 0 ? 80 : size->cols);
	return slave;
}

static void start_program(int slave)
{
	program = fork();
	if (program < 0)
		no_terminal();
	if (program) {
		close(slave);
		return;
	}
	for (int i = 0; i < 3; i++)
		if (config.stdio[i].kind == EXEC_TTY)
			dup2(slave, i);
	set_up_terminal();
	run();
}

/* It leads a group of its own, but for its first moments. */
static void pass_on(int sig)
{
	if (kill(-program, sig))
		kill(program, sig);
}

static void send_out(void)
{
	ssize_t n = send(host, out.text, out.to, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		out.to = 0;
}

/* One message, or none. False: the terminal has nothing more now. */
static bool read_terminal(void)
{
	ssize_t n = read(master, out.text + 1, sizeof(out.text) - 1);

	hung |= n < 0 && errno == EIO;
	if (n <= 0)
		return false;
	out.text[0] = 'd';
	out.to = n + 1;
	send_out();
	return true;
}

/* Whoever asked is gone. With that the terminal is, too, unless the program is to stay. */
static void host_left(void)
{
	close(host);
	host = -1;
	out.to = 0;
	if (config.keep)
		return;
	close(master);
	master = -1;
}

static void read_host(void)
{
	ssize_t n = recv(host, in.text, sizeof(in.text), MSG_DONTWAIT);
	unsigned char *size = (unsigned char *)in.text + 1;

	in.from = in.to = 0;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		host_left();
	} else if (n == 5 && in.text[0] == 'w') {
		resize(size[0] | size[1] << 8, size[2] | size[3] << 8);
	} else if (n > 0 && in.text[0] == 'd') {
		in.from = 1;
		in.to = n;
	}
}

static void write_terminal(void)
{
	ssize_t n = write(master, in.text + in.from, in.to - in.from);

	if (n > 0)
		in.from += n;
	else if (errno != EAGAIN && errno != EINTR)
		in.from = in.to;
}

/* What it has written last is in the terminal, and nobody else's matters. */
static void __attribute__((noreturn)) end_with(int status)
{
	struct pollfd p = { .fd = host, .events = POLLOUT };

	while (host >= 0 && (out.to || (master >= 0 && read_terminal())))
		if (out.to && poll(&p, 1, -1) > 0)
			send_out();
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void take_signal(void)
{
	struct signalfd_siginfo info;
	int status;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGCHLD)
		pass_on(info.ssi_signo == RELAY_KILL ? SIGKILL : info.ssi_signo);
	else if (waitpid(program, &status, WNOHANG) == program)
		end_with(status);
}

/* All that may be said to it is for the program. */
static void hear_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void relay(int socket, const struct terminal_size *size)
{
	host = socket;
	hear_signals();
	start_program(open_terminal(size));
	fcntl(master, F_SETFL, O_NONBLOCK);
	for (;;) {
		bool writes = in.from < in.to;
		struct pollfd p[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = host, .events = (out.to ? POLLOUT : 0) | (writes ? 0 : POLLIN) },
			{ .fd = hung ? -1 : master, .events = (writes ? POLLOUT : 0) | (out.to ? 0 : POLLIN) },
		};

		poll(p, 3, -1);
		if (p[0].revents)
			take_signal();
		if (p[1].revents & POLLOUT)
			send_out();
		if (p[1].revents & (writes ? POLLHUP | POLLERR : POLLIN | POLLHUP | POLLERR))
			read_host();
		if (master >= 0 && p[2].revents & POLLOUT)
			write_terminal();
		if (master >= 0 && p[2].revents & (POLLIN | POLLHUP) && !out.to)
			read_terminal();
	}
}
