// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "flows.h"
#include "netaddr.h"
#include "netlog.h"

#define LINE		1024
#define A_SECOND	200	/* lines about what was refused: a guest does not fill the host's disk at once */

static struct {
	int fd;			/* 0: nobody wants to know */
	const struct options *opt;
	time_t second;
	int lines;		/* in that second */
	unsigned long long missing;	/* that were too many */
	bool failed;
} netlog;

static void write_line(const char *line, size_t n)
{
	if (write(netlog.fd, line, n) == (ssize_t)n || netlog.failed)
		return;
	netlog.failed = true;
	tty_say("kbox: --net-log: the file takes no more: lines are missing");
}

static void put_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void put_line(const char *fmt, ...)
{
	char line[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < LINE)
		write_line(line, n);
}

/* RFC 3339, to the millisecond. */
static const char *time_text(const struct timespec *t, char text[32])
{
	struct tm tm;
	size_t n;

	gmtime_r(&t->tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03dZ", (int)(t->tv_nsec / 1000000));
	return text;
}

static const char *now_text(char text[32])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return time_text(&now, text);
}

static const char *address_text(const struct in6_addr *a, char text[INET6_ADDRSTRLEN])
{
	if (is_v4(a))
		inet_ntop(AF_INET, a->s6_addr + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, text, INET6_ADDRSTRLEN);
	return text;
}

static const char *protocol_text(int protocol, char text[8])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	snprintf(text, 8, "%d", protocol);
	return text;
}

void open_netlog(const struct options *o)
{
	struct stat st;

	netlog.opt = o;
	if (!o->net_log)
		return;
	netlog.fd = open(o->net_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (netlog.fd < 0)
		die("--net-log %s: %s", o->net_log, reason(errno));
	if (fstat(netlog.fd, &st) || !S_ISREG(st.st_mode))
		die("--net-log %s: not a regular file", o->net_log);
	tzset();	/* it may read a file, and later nobody may */
}

/* False: nobody wants to know, or there were too many in this second. */
static bool may_say_refused(void)
{
	time_t now = seconds();

	if (!netlog.fd)
		return false;
	if (now != netlog.second) {
		char when[32];

		if (netlog.missing)
			put_line("{\"time\":\"%s\",\"verdict\":\"refused\",\"more\":%llu}\n", now_text(when), netlog.missing);
		netlog.missing = netlog.lines = 0;
		netlog.second = now;
	}
	if (netlog.lines < A_SECOND)
		return ++netlog.lines;
	netlog.missing++;
	return false;
}

void netlog_refused(const struct packet *p)
{
	char when[32], from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], number[8];

	if (!may_say_refused())
		return;
	put_line("{\"time\":\"%s\",\"verdict\":\"refused\",\"direction\":\"out\",\"protocol\":\"%s\",\"box\":\"%s\","
		 "\"box_port\":%d,\"peer\":\"%s\",\"peer_port\":%d%s}\n", now_text(when),
		 protocol_text(p->protocol, number), address_text(&p->from, from), p->from_port,
		 address_text(&p->to, to), p->to_port, p->hidden ? ",\"hidden\":true" : "");
}

/* Nothing of it ends a string of JSON. */
void netlog_name_refused(const char *name)
{
	char when[32], clean[MAX_NAME];
	size_t n = 0;

	if (!may_say_refused())
		return;
	for (; n < MAX_NAME - 1 && name[n]; n++)
		clean[n] = name[n] > ' ' && name[n] <= '~' && !strchr("\"\\", name[n]) ? name[n] : '?';
	clean[n] = 0;
	put_line("{\"time\":\"%s\",\"verdict\":\"refused\",\"direction\":\"out\",\"protocol\":\"dns\",\"name\":\"%s\"}\n",
		 now_text(when), clean);
}

/* The rule's name, as it is in the list: letters, digits and points. */
static void put_name(const struct flow *f, char text[MAX_NAME + 16])
{
	const struct allow *a = f->rule >= 0 ? &netlog.opt->allowed[f->rule] : NULL;

	*text = 0;
	if (a && a->what == ALLOW_NAME)
		snprintf(text, MAX_NAME + 16, ",\"name\":\"%s%s\"", a->below ? "*." : "", a->name);
}

void flow_ended(const struct flow *f, enum flow_end how)
{
	static const char *const ends[] = {
		[FLOW_CLOSED] = "closed", [FLOW_RESET] = "reset", [FLOW_QUIET] = "quiet", [FLOW_BOX_ENDED] = "box",
	};
	char when[32], peer[INET6_ADDRSTRLEN], number[8], name[MAX_NAME + 16];
	struct timespec now;

	if (!netlog.fd)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	put_name(f, name);
	put_line("{\"time\":\"%s\",\"verdict\":\"allowed\",\"direction\":\"%s\",\"protocol\":\"%s\",\"box\":\"%s\","
		 "\"box_port\":%d,\"peer\":\"%s\",\"peer_port\":%d%s,\"sent\":%llu,\"received\":%llu,\"seconds\":%.3f,"
		 "\"end\":\"%s\"}\n", time_text(&f->begin, when), f->inbound ? "in" : "out",
		 protocol_text(f->key.protocol, number), is_v4(&f->key.peer) ? NET_BOX4 : NET_BOX6, f->key.box_port,
		 address_text(&f->key.peer, peer), f->key.peer_port, name, (unsigned long long)f->sent,
		 (unsigned long long)f->received,
		 now.tv_sec - f->begin.tv_sec + (now.tv_nsec - f->begin.tv_nsec) / 1e9, ends[how]);
}
