// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbox exec: a program in a box that runs. Its descriptors are handed over; a terminal is not, so
 * what is typed and written there goes by way of this process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client.h"
#include "exec_proto.h"

#define FOREGROUND_CHECK_MS 300	/* whether the terminal is ours to read, where it was not */
#define END_OF_FILE	"\x04"	/* VEOF, as a terminal has it at first */

static const char usage[] =
"Usage: kbox exec [OPTIONS] NAME [--] COMMAND [ARG...]\n"
"Run COMMAND in the box of this name, with the descriptors 0 to 2 that kbox has.\n"
"\n"
"  -e VAR=VAL            set an environment variable (again for more)\n"
"      --clear-env       pass nothing on of the box's environment\n"
"  -w DIR                working directory of COMMAND\n"
"      --root-id         run COMMAND as root\n"
"      --change-id UID:GID  run COMMAND as that user and group\n"
"      --keep            COMMAND goes on when kbox exec is killed\n"
"      --help\n"
"\n"
"Exit status: COMMAND's, 128+n if signal n ended it; 125 if there is no such box, 126 if COMMAND\n"
"cannot be run, 127 if it was not found, 137 if the box ended.\n";

static struct {
	const struct stdio *stdio;
	struct connection box;
	int screen;		/* the terminal's descriptor to write to, or -1 */
	int keys;		/* and to read; -1: there is none, or it has ended */
	int relay;		/* our end of the pair, or -1 */
	int signals;
} client_is = { .screen = -1, .keys = -1, .relay = -1 };

static bool is_terminal(int i, int other)
{
	return client_is.stdio[i].kind == KBOX_STDIO_TTY && client_is.stdio[i].access != other;
}

/* As a box's own console has them (console.c). */
static void find_terminal(void)
{
	for (int i = 0; i < 3; i++) {
		if (client_is.keys < 0 && is_terminal(i, O_WRONLY))
			client_is.keys = i;
		if (is_terminal(2 - i, O_RDONLY) && client_is.screen < 0)
			client_is.screen = 2 - i;
	}
}

static bool window(struct winsize *ws)
{
	for (int i = 0; i < 3; i++)
		if (client_is.stdio[i].kind == KBOX_STDIO_TTY && !ioctl(i, TIOCGWINSZ, ws))
			return true;
	return false;
}

/* What the relay is told is told whole, or not at all. */
static void tell_relay(const char *text, size_t n)
{
	while (client_is.relay >= 0 && send(client_is.relay, text, n, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void tell_size(void)
{
	struct winsize ws;
	char text[5] = "w";

	if (!window(&ws))
		return;
	text[1] = ws.ws_row;
	text[2] = ws.ws_row >> 8;
	text[3] = ws.ws_col;
	text[4] = ws.ws_col >> 8;
	tell_relay(text, sizeof(text));
}

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_size(struct json_object *o)
{
	struct json_object *size = json_object_new_array();
	struct winsize ws;

	if (window(&ws)) {
		json_object_array_add(size, json_object_new_int(ws.ws_row));
		json_object_array_add(size, json_object_new_int(ws.ws_col));
	}
	add(o, "size", size);
}

/* The descriptors of the request, which go to the box. Returns how many they are. */
static int add_stdio(struct json_object *o, int fds[EXEC_FDS])
{
	static const char *const words[] = {
		[0] = "fd", [KBOX_STDIO_TTY] = "tty", [KBOX_STDIO_CLOSED] = "closed",
	};
	struct json_object *stdio = json_object_new_array();
	bool relayed = false;
	int n = 0, pair[2];

	for (int i = 0; i < 3; i++) {
		int kind = client_is.stdio[i].kind;

		json_object_array_add(stdio, json_object_new_string(words[kind]));
		relayed |= kind == KBOX_STDIO_TTY;
		if (!kind)
			fds[n++] = i;
	}
	add(o, "stdio", stdio);
	if (!relayed)
		return n;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair: %s", reason(errno));
	client_is.relay = pair[0];
	fds[n++] = pair[1];
	return n;
}

/* False: there is nobody who reads it. */
static bool write_all(int fd, const char *text, size_t n)
{
	for (ssize_t done; n; n -= done, text += done) {
		done = write(fd, text, n);
		if (done < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		else if (done < 0 && errno != EINTR)
			return false;
		if (done < 0)
			done = 0;
	}
	return true;
}

/* One message of the relay's. False: it has ended. */
static bool read_relay(void)
{
	char text[8192];
	ssize_t n = recv(client_is.relay, text, sizeof(text), 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n > 1 && text[0] == 'd' && client_is.screen >= 0)
		write_all(client_is.screen, text + 1, n - 1);
	return n > 0;
}

static void hang_up(void)
{
	close(client_is.relay);
	client_is.relay = -1;
}

/* The end of a file is a key where the terminal is not raw; a raw one has been hung up. */
static void read_keys(void)
{
	char text[4096] = "d";
	ssize_t n = read(client_is.keys, text + 1, sizeof(text) - 1);
	bool raw = client_is.stdio[0].kind == KBOX_STDIO_TTY && client_is.stdio[1].kind == KBOX_STDIO_TTY;

	if (n > 0) {
		tell_relay(text, n + 1);
	} else if (!n && !raw) {
		tell_relay("d" END_OF_FILE, 2);
	} else if (!n || errno == EIO) {
		if (n < 0 && !tty_is_ours(client_is.keys))
			return;
		client_is.keys = -1;
		if (raw)
			hang_up();
	}
}

static void take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(client_is.signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT) {
		tty_raw();
		tell_size();
	} else {
		ask_box(&client_is.box, object_of("signal", json_object_new_int(info.ssi_signo)), NULL, 0);
	}
}

/* Before anything is asked: none is lost. */
static void hear_signals(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&set, sigs[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	client_is.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (client_is.signals < 0)
		die("signalfd: %s", reason(errno));
}

static int status_of(struct json_object *exited)
{
	int status = json_object_get_int(exited);

	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * What the program has written last comes before its end. Who keeps the relay's socket open does
 * not keep us: a signal by which somebody wants an end is one.
 */
static void drain_relay(void)
{
	struct signalfd_siginfo info;

	for (bool more = client_is.relay >= 0; more;) {
		struct pollfd p[] = {
			{ .fd = client_is.relay, .events = POLLIN }, { .fd = client_is.signals, .events = POLLIN },
		};

		poll(p, 2, -1);
		if (p[0].revents)
			more = read_relay();
		else if (read(client_is.signals, &info, sizeof(info)) == sizeof(info))
			more = info.ssi_signo == SIGWINCH || info.ssi_signo == SIGCONT;
	}
}

static int end_of_program(void)
{
	struct json_object *o = answer_of_box(&client_is.box), *exited;

	drain_relay();
	tty_restore();
	if (o && json_object_object_get_ex(o, "exited", &exited))
		return status_of(exited);
	fprintf(stderr, "kbox: the box has ended\n");
	return 128 + SIGKILL;
}

static int wait_for_program(void)
{
	while (!has_answer(&client_is.box)) {
		bool ours = client_is.keys >= 0 && client_is.relay >= 0 && tty_is_ours(client_is.keys);
		struct pollfd p[] = {
			{ .fd = client_is.box.fd, .events = POLLIN },
			{ .fd = client_is.signals, .events = POLLIN },
			{ .fd = client_is.relay, .events = POLLIN },
			{ .fd = ours ? client_is.keys : -1, .events = POLLIN },
		};

		poll(p, 4, client_is.keys >= 0 && !ours ? FOREGROUND_CHECK_MS : -1);
		if (p[1].revents)
			take_signal();
		if (p[2].revents && !read_relay())
			hang_up();
		if (p[3].revents && client_is.relay >= 0)
			read_keys();
		if (p[0].revents)
			break;
	}
	return end_of_program();
}

struct program {
	const char *name, *cwd;
	struct json_object *env;
	bool clear_env, keep, ids;
	uid_t uid;
	gid_t gid;
	char **command;
};

static bool has_variable(const struct program *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < json_object_array_length(p->env); i++) {
		const char *var = json_object_get_string(json_object_array_get_idx(p->env, i));

		if (!strncmp(var, name, n) && var[n] == '=')
			return true;
	}
	return false;
}

/* The terminal is ours, so its kind is, too. */
static void add_term(struct program *p)
{
	const char *term = getenv("TERM");
	char text[128];

	if (client_is.relay < 0 || !term || has_variable(p, "TERM"))
		return;
	snprintf(text, sizeof(text), "TERM=%s", term);
	json_object_array_add(p->env, json_object_new_string(text));
}

static struct json_object *request_of(struct program *p, int fds[EXEC_FDS], int *nfds)
{
	struct json_object *o = json_object_new_object(), *argv = json_object_new_array();

	*nfds = add_stdio(o, fds);
	add_size(o);
	add_term(p);
	for (char **arg = p->command; *arg; arg++)
		json_object_array_add(argv, json_object_new_string(*arg));
	add(o, "argv", argv);
	add(o, "env", p->env);
	if (p->cwd)
		add(o, "cwd", json_object_new_string(p->cwd));
	if (p->ids) {
		add(o, "uid", json_object_new_int64(p->uid));
		add(o, "gid", json_object_new_int64(p->gid));
	}
	add(o, "clear_env", json_object_new_boolean(p->clear_env));
	add(o, "keep", json_object_new_boolean(p->keep));
	return object_of("exec", o);
}

/* They end where the program closes them. Messages go on to need 2. */
static void leave_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 2 && null >= 0; i++)
		if (!client_is.stdio[i].kind)
			dup2(null, i);
	close(null);
}

/* False: the box has gone. */
static bool begin(struct program *p)
{
	struct json_object *request, *answer = NULL;
	int fds[EXEC_FDS], nfds;
	bool begun;

	find_terminal();
	request = request_of(p, fds, &nfds);
	if (ask_box(&client_is.box, request, fds, nfds))
		answer = answer_of_box(&client_is.box);
	begun = answer;
	json_object_put(answer);
	leave_stdio();
	if (client_is.relay >= 0)
		close(fds[nfds - 1]);
	if (begun && client_is.relay >= 0)
		tty_setup(client_is.stdio);
	return begun;
}

enum { CLEAR_ENV = 256, ROOT_ID, CHANGE_ID, KEEP, HELP };

static const struct option longs[] = {
	{ "clear-env", no_argument, NULL, CLEAR_ENV },
	{ "root-id", no_argument, NULL, ROOT_ID },
	{ "change-id", required_argument, NULL, CHANGE_ID },
	{ "keep", no_argument, NULL, KEEP },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

static void take_option(struct program *p, int c, char **argv)
{
	switch (c) {
	case 'e':
		if (!strchr(optarg, '=') || *optarg == '=')
			die("-e %s: not of the form VAR=VAL", optarg);
		json_object_array_add(p->env, json_object_new_string(optarg));
		return;
	case 'w':
		p->cwd = optarg;
		return;
	case CLEAR_ENV:
		p->clear_env = true;
		return;
	case ROOT_ID:
		p->uid = p->gid = 0;
		p->ids = true;
		return;
	case CHANGE_ID:
		if (!parse_ids(optarg, &p->uid, &p->gid))
			die("--change-id %s: give UID:GID as two numbers", optarg);
		p->ids = true;
		return;
	case KEEP:
		p->keep = true;
		return;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	}
	die("option '%s' is unknown, or needs a value; see kbox exec --help", argv[optind - 1]);
}

/* Options can be before the name, and between it and "--". */
static void parse(struct program *p, int argc, char **argv)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+e:w:", longs, NULL)) != -1)
		take_option(p, c, argv);
	if (optind == argc)
		die("exec: give the name of a box, and a command; see kbox ps");
	p->name = argv[optind++];
	while ((c = getopt_long(argc, argv, "+e:w:", longs, NULL)) != -1)
		take_option(p, c, argv);
	if (optind == argc)
		die("no command: give one after the name of the box (see kbox exec --help)");
	p->command = argv + optind;
}

int exec_main(int argc, char **argv, const struct stdio stdio[3])
{
	struct program p = { .env = json_object_new_array() };

	client_is.stdio = stdio;
	parse(&p, argc, argv);
	hear_signals();
	client_is.box = connect_box(p.name);
	begin(&p);
	return wait_for_program();
}

int exec_at(int fd, const struct options *o, const struct stdio stdio[3])
{
	struct program p = {
		.cwd = o->cwd, .env = json_object_new_array(), .clear_env = o->clear_env, .ids = o->ids_given,
		.uid = o->uid, .gid = o->gid, .command = o->beside,
	};

	for (size_t i = 0; i < o->nenv; i++)
		json_object_array_add(p.env, json_object_new_string(o->env[i]));
	client_is.stdio = stdio;
	client_is.box.fd = fd;
	hear_signals();
	return begin(&p) ? wait_for_program() : -1;
}
