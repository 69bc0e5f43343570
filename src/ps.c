// SPDX-License-Identifier: GPL-2.0-only
/* kbox ps: which boxes run. kbox stop: an end to some. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "client.h"
#include "rundir.h"

#define ANSWER_SECONDS	2		/* a box that is stopped does not answer */
#define STOP_SECONDS	15

static const char ps_usage[] =
"Usage: kbox ps [--json]\n"
"Say which of the user's boxes run that have a name.\n";

static const char stop_usage[] =
"Usage: kbox stop [-t SECONDS] NAME...\n"
"End boxes in order, as SIGTERM does. One that has not ended after that time (15 s) is killed.\n";

/* Of the host, what a box's processes are and use. */
struct usage {
	int processes;
	double seconds;
};

/* proc_pid_stat(5): the fields behind the name, which can have any character in it. */
static void add_process(struct usage *u, const char *pid, int supervisor, int group)
{
	unsigned long user, system, waited_user, waited_system;
	char path[64], text[1024], *rest;
	int pgrp;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	read_text(path, text, sizeof(text));
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
			    &pgrp, &user, &system, &waited_user, &waited_system) != 5)
		return;
	if (atoi(pid) == supervisor)	/* those that have ended were its children */
		u->seconds += (double)(user + system + waited_user + waited_system) / sysconf(_SC_CLK_TCK);
	else if (pgrp == group)
		u->seconds += (double)(user + system) / sysconf(_SC_CLK_TCK);
	u->processes += pgrp == group && atoi(pid) != supervisor;
}

static struct usage usage_of(int supervisor, int group)
{
	struct usage u = { 0 };
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (atoi(e->d_name) > 0)
			add_process(&u, e->d_name, supervisor, group);
	if (dir)
		closedir(dir);
	return u;
}

static int64_t number_of(struct json_object *o, const char *key)
{
	return json_object_get_int64(json_object_object_get(o, key));
}

/* NULL: it has ended meanwhile, or does not answer. */
static struct json_object *status_of(const char *name)
{
	struct timeval patience = { ANSWER_SECONDS, 0 };
	struct connection c = { .fd = connect_name(name) };
	struct json_object *o = NULL;
	struct usage u;

	if (c.fd < 0)
		return NULL;
	setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (ask_box(&c, object_of("status", json_object_new_object()), NULL, 0))
		o = answer_of_box(&c);
	close(c.fd);
	free(c.line);
	if (!o)
		return NULL;
	u = usage_of(number_of(o, "pid"), number_of(o, "group"));
	json_object_object_add(o, "processes", json_object_new_int(u.processes));
	json_object_object_add(o, "cpu_seconds", json_object_new_double(u.seconds));
	return o;
}

/* What it is in two numbers at most, as a column has room for. */
static void print_age(int64_t seconds)
{
	char text[32];

	if (seconds < 3600)
		snprintf(text, sizeof(text), "%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
	else if (seconds < 86400)
		snprintf(text, sizeof(text), "%dh%02dm", (int)(seconds / 3600), (int)(seconds / 60 % 60));
	else
		snprintf(text, sizeof(text), "%lldd%02dh", (long long)seconds / 86400, (int)(seconds / 3600 % 24));
	printf(" %8s", text);
}

static void print_command(struct json_object *words)
{
	for (size_t i = 0; i < json_object_array_length(words); i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(words, i));
		char shown[strlen(word) + 1];

		printable(shown, word, strlen(word));
		printf(" %s", shown);
	}
	putchar('\n');
}

static void print_line(const char *name, struct json_object *o)
{
	printf("%-16s", name);
	if (!o) {
		puts(" it does not answer; it may be stopped (SIGSTOP, or Ctrl-Z)");
		return;
	}
	printf(" %7d", (int)number_of(o, "pid"));
	print_age(time(NULL) - number_of(o, "started"));
	printf(" %6lldM %5d %8.1fs ", (long long)number_of(o, "memory") >> 20, (int)number_of(o, "processes"),
	       json_object_get_double(json_object_object_get(o, "cpu_seconds")));
	print_command(json_object_object_get(o, "command"));
}

int ps_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct json_object *all = json_object_new_array();
	char **names;
	bool json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(ps_usage, stdout);
			return 0;
		default:
			die("ps: option '%s' is unknown; see kbox ps --help", argv[optind - 1]);
		}
	if (optind < argc)
		die("ps: '%s' is nothing that it knows; see kbox ps --help", argv[optind]);
	names = all_names();
	if (!json)
		printf("%-16s %7s %8s %7s %5s %9s  %s\n", "NAME", "PID", "UPTIME", "MEMORY", "PROCS", "CPU", "COMMAND");
	for (char **name = names; *name; name++) {
		struct json_object *o = status_of(*name);

		if (!json)
			print_line(*name, o);
		if (o)
			json_object_array_add(all, o);
	}
	if (json)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
	return 0;
}

/* False: it has not ended in that time. */
static bool ended(const struct connection *c, time_t until)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char text[256];

	while (seconds() <= until) {
		int left = until - seconds();

		if (poll(&p, 1, left * 1000 + 1) == 1 && read(c->fd, text, sizeof(text)) <= 0)
			return true;
	}
	return false;
}

/* False: there is none. */
static bool stop(const char *name, int patience)
{
	struct connection c = { .fd = is_name(name) ? connect_name(name) : -1 };

	if (c.fd < 0) {
		fprintf(stderr, "kbox: %s: there is no such box; see kbox ps\n", name);
		return false;
	}
	if (ask_box(&c, object_of("stop", json_object_new_object()), NULL, 0) && !ended(&c, seconds() + patience)) {
		ask_box(&c, object_of("kill", json_object_new_object()), NULL, 0);
		if (!ended(&c, seconds() + STOP_SECONDS))
			die("%s: the box has not ended; it may be stopped (SIGSTOP, or Ctrl-Z)", name);
	}
	close(c.fd);
	free(c.line);
	return true;
}

int stop_main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	uint32_t patience = STOP_SECONDS;
	int status = 0, c;
	const char *arg;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "t:", longs, NULL)) != -1)
		switch (c) {
		case 't':
			arg = optarg;
			if (!next_number(&arg, 100000, &patience) || *arg)
				die("-t %s: give a number of seconds", optarg);
			break;
		case 'h':
			fputs(stop_usage, stdout);
			return 0;
		default:
			die("stop: option '%s' is unknown, or needs a value; see kbox stop --help", argv[optind - 1]);
		}
	if (optind == argc)
		die("stop: give the name of a box; see kbox ps");
	for (int i = optind; i < argc; i++)
		if (!stop(argv[i], patience))
			status = EXIT_FAIL;
	return status;
}
