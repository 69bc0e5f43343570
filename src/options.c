// SPDX-License-Identifier: GPL-2.0-only
/* The command line: pure functions, that a test can call. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arch.h"
#include "box.h"
#include "rundir.h"

const char options_usage[] =
"Usage: kbox [OPTIONS] -- COMMAND [ARG...]\n"
"       kbox run [OPTIONS] -- COMMAND [ARG...]\n"
"       kbox exec [OPTIONS] NAME -- COMMAND [ARG...]\n"
"       kbox ps [--json]\n"
"       kbox stop [-t SECONDS] NAME...\n"
"       kbox snapshot [--stop] [--compress] NAME FILE\n"
"       kbox fork NAME NEW...\n"
"       kbox [OPTIONS] --from FILE [-- COMMAND [ARG...]]\n"
"       kbox doctor\n"
"Run COMMAND on a Linux kernel of its own, with IMAGE as its root file system. kbox run needs none: root\n"
"is then this machine's own system, with the current directory, and what is written to it is dropped.\n"
"\n"
"  -r IMAGE              mount the ext4 image as root, nothing else\n"
"  -S IMAGE              the same, with /proc, /sys, /dev, /dev/pts and /tmp\n"
"      --root DIR[:rw]   the directory as root; what is written to it is dropped, or, with :rw, stays\n"
"  -v SRC[:DST][:ro]     mount SRC of this machine, a directory or file, at DST (again for more)\n"
"      --map-id HOST:GUEST[:COUNT]  show files of these users and groups of this machine as others' (again\n"
"                        for more)\n"
"      --host-special    FIFOs of this machine in volumes are its own, not the guest's\n"
"      --syscall-mode=M  how system calls reach the kernel: trap, rewrite or auto (default)\n"
"      --no-cancel-promote  keep static programs' calls of libc's cancellation wrapper as they are\n"
"      --stats           say at the end how many came by which way\n"
"  -k CMDLINE            add to the kernel's command line (loglevel=7 shows its log)\n"
"      --mem SIZE        guest memory, with K, M or G (default: a quarter of what the host has)\n"
"      --max-processes N  how many processes and threads the guest can have (default: 4096)\n"
"      --require-fence   run only where all holds that kbox doctor says of hostile guests\n"
"      --read-only       never write to the image\n"
"      --ephemeral       keep writes in memory and drop them at the end\n"
"      --overlay-size SIZE  how much memory dropped writes take at most (default: as --mem; without an\n"
"                        image: half of it, of which it is a part)\n"
"      --diff FILE       at the end, write what has changed in root to FILE, a tar archive (a layer of OCI);\n"
"                        -: to standard output, and what COMMAND writes there to standard error\n"
"      --upper DIR       keep what is written to root in DIR, and begin with what is there\n"
"      --root-id         run COMMAND as root (default but for this machine's own system)\n"
"      --change-id UID:GID  run COMMAND as that user and group\n"
"      --init            COMMAND is the guest's first process (a service manager)\n"
"      --hostname NAME   the guest's host name\n"
"  -e VAR=VAL            set an environment variable (again for more)\n"
"      --clear-env       pass nothing on of the environment (default but for this machine's own system)\n"
"  -w DIR                working directory of COMMAND\n"
"      --net[=E]         a network, by this user's own sockets; E is passt, slirp, or user: the one that is\n"
"                        there (default: --net=none, loopback only)\n"
"  -p [ADDR:]HOST:GUEST[/udp]  with --net: port HOST of this machine is the box's port GUEST (again for\n"
"                        more); ADDR is one of this machine's addresses, [ADDR] if it is of IPv6\n"
"      --allow WHAT      with --net: reach that and nothing else (again for more): ADDR[/LEN][:PORT[-PORT]],\n"
"                        NAME[:PORT[-PORT]], *.NAME[:PORT[-PORT]], or dns for questions about all names\n"
"      --host-loopback PORT[/udp]  with --net: port PORT of this machine's loopback is the gateway's in the box\n"
"                        (again for more)\n"
"      --net-log FILE    with --net: add a line of JSON to FILE for each connection, and what was refused\n"
"      --fd N[:M]        give COMMAND kbox's open descriptor N, as M (again for more)\n"
"      --name NAME       kbox exec, ps and stop find the box by it\n"
"  -d, --detach          return when COMMAND has been started; the box goes on in the background\n"
"      --from FILE       go on where the box stood still that kbox snapshot has written to FILE, with COMMAND\n"
"                        beside, as by kbox exec, if there is one: the box ends with it. Of the options --name,\n"
"                        -d, --stats, --require-fence and those of kbox exec go with it\n"
"      --help, --version\n"
"\n"
"Exit status: COMMAND's, 128+n if signal n ended it; 120 if the guest's kernel\n"
"panicked, 125 if kbox failed, 126 if COMMAND cannot be run, 127 if it was not found.\n";

#define MIB(n) ((n) & ~((1UL << 20) - 1))

static bool bad(char *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool bad(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, OPTIONS_ERR, fmt, ap);
	va_end(ap);
	return false;
}

/* How many bits K, M or G is; 0 of another one. */
static int shift_of(char unit)
{
	switch (unit) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	}
	return 0;
}

bool parse_size(const char *s, uint64_t *bytes)
{
	unsigned long long n;
	int shift;
	char *end;

	/* strtoull() would take blanks and signs. */
	if (*s < '0' || *s > '9')
		return false;
	n = strtoull(s, &end, 10);
	shift = shift_of(*end);
	end += shift != 0;
	if (*end || n > (UINT64_MAX >> 1 >> shift))
		return false;
	*bytes = (uint64_t)n << shift;
	return true;
}

/* -1 is nobody's number: setuid(2) takes it for "as it is". */
static bool next_id(const char **s, uint32_t *id)
{
	return next_number(s, UINT32_MAX, id);
}

bool parse_ids(const char *s, uid_t *uid, gid_t *gid)
{
	uint32_t u, g;

	if (!next_id(&s, &u) || *s++ != ':' || !next_id(&s, &g) || *s)
		return false;
	*uid = u;
	*gid = g;
	return true;
}

bool parse_fd(const char *s, struct fd_pair *fd)
{
	uint32_t host, guest;

	if (!next_number(&s, KBOX_MAX_OFFER, &host))
		return false;
	guest = host;
	if (*s && (*s++ != ':' || !next_number(&s, KBOX_MAX_OFFER, &guest) || *s))
		return false;
	*fd = (struct fd_pair) { host, guest };
	return true;
}

static bool add_env(struct options *o, char *var, char *err)
{
	char **grown;

	if (!strchr(var, '=') || *var == '=')
		return bad(err, "-e %s: not of the form VAR=VAL", var);
	grown = realloc(o->env, (o->nenv + 2) * sizeof(*o->env));
	if (!grown)
		return bad(err, "out of memory");
	o->env = grown;
	o->env[o->nenv++] = var;
	o->env[o->nenv] = NULL;
	return true;
}

static bool add_fd(struct options *o, const char *arg, char *err)
{
	struct fd_pair fd, *grown;

	if (!parse_fd(arg, &fd))
		return bad(err, "--fd %s: give N or N:M, numbers of descriptors below %d", arg, KBOX_MAX_OFFER);
	for (size_t i = 0; i < o->nfds; i++)
		if (o->fds[i].guest == fd.guest)
			return bad(err, "--fd %s: COMMAND's descriptor %d is given already", arg, fd.guest);
	grown = realloc(o->fds, (o->nfds + 1) * sizeof(*o->fds));
	if (!grown)
		return bad(err, "out of memory");
	o->fds = grown;
	o->fds[o->nfds++] = fd;
	return true;
}

bool parse_id_map(const char *s, struct id_map *m)
{
	m->count = 1;
	if (!next_id(&s, &m->host) || *s++ != ':' || !next_id(&s, &m->guest))
		return false;
	if (*s && (*s++ != ':' || !next_id(&s, &m->count) || *s))
		return false;
	return m->count && m->count <= UINT32_MAX - m->host && m->count <= UINT32_MAX - m->guest;
}

static bool overlap(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
	return a < b ? b - a < na : a - b < nb;
}

static bool add_id_map(struct options *o, const char *arg, char *err)
{
	struct id_map m;

	if (!parse_id_map(arg, &m))
		return bad(err, "--map-id %s: give HOST:GUEST or HOST:GUEST:COUNT, three numbers", arg);
	for (int i = 0; i < o->nid_maps; i++)
		if (overlap(m.host, m.count, o->id_map[i].host, o->id_map[i].count) ||
		    overlap(m.guest, m.count, o->id_map[i].guest, o->id_map[i].count))
			return bad(err, "--map-id %s: one of these numbers is given already", arg);
	if (o->nid_maps == MAX_ID_MAPS)
		return bad(err, "--map-id %s: give %d at most", arg, MAX_ID_MAPS);
	o->id_map[o->nid_maps++] = m;
	return true;
}

static bool set_net(struct options *o, const char *arg, char *err)
{
	static const char *const names[] = {
		[NET_NONE] = "none", [NET_USER] = "user", [NET_PASST] = "passt", [NET_SLIRP] = "slirp",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arg ? arg : "user", names[i])) {
			o->net = i;
			return true;
		}
	return bad(err, "--net=%s: use user, passt, slirp or none", arg);
}

/* An array that has one more element than it had; false: no memory. */
static bool grow(void *array, size_t n, size_t size, char *err)
{
	void *grown = realloc(*(void **)array, (n + 1) * size);

	if (!grown)
		return bad(err, "out of memory");
	*(void **)array = grown;
	return true;
}

/* The engine has one list of ports for all addresses. */
static bool add_port(struct options *o, const char *arg, char *err)
{
	struct port p;

	if (!parse_port(arg, &p))
		return bad(err, "-p %s: give [ADDR:]HOST:GUEST, ports from 1 to 65535, and /udp behind it for UDP", arg);
	for (size_t i = 0; i < o->nports; i++)
		if (o->ports[i].host == p.host && o->ports[i].udp == p.udp)
			return bad(err, "-p %s: port %d of this machine is given already", arg, p.host);
	if (!grow(&o->ports, o->nports, sizeof(p), err))
		return false;
	o->ports[o->nports++] = p;
	return true;
}

static bool add_allowed(struct options *o, const char *arg, char *err)
{
	struct allow a;
	const char *why;

	if (!parse_allow(arg, &a, &why))
		return bad(err, "--allow %s: %s", arg, why);
	if (!grow(&o->allowed, o->nallowed, sizeof(a), err))
		return false;
	o->allowed[o->nallowed++] = a;
	return true;
}

static bool add_loopback(struct options *o, const char *arg, char *err)
{
	struct loopback_port p;

	if (!parse_loopback_port(arg, &p))
		return bad(err, "--host-loopback %s: give a port from 1 to 65535, and /udp behind it for UDP", arg);
	if (!grow(&o->loopback, o->nloopback, sizeof(p), err))
		return false;
	o->loopback[o->nloopback++] = p;
	return true;
}

/* What is of no use without --net. */
static bool check_net(const struct options *o, char *err)
{
	const char *what = o->nports ? "-p" : o->nallowed ? "--allow" : o->nloopback ? "--host-loopback" :
			   o->net_log ? "--net-log" : NULL;

	if (what && o->net == NET_NONE)
		return bad(err, "%s is for a box with a network; give --net too", what);
	return true;
}

static bool set_root(struct options *o, const char *arg, char *err)
{
	const char *why;

	if (o->root.arg)
		return bad(err, "--root: give one directory, once");
	if (!parse_volume(arg, &o->root, &why))
		return bad(err, "--root %s: give DIR, DIR:ro or DIR:rw, and \\: for a colon of the path", arg);
	if (o->root.target)
		return bad(err, "--root %s: behind the colon give ro or rw, and \\: for a colon of the path", arg);
	return true;
}

static bool add_volume_arg(struct options *o, const char *arg, char *err)
{
	struct volume_arg v;
	const char *why;

	if (!parse_volume(arg, &v, &why))
		return bad(err, "-v %s: %s", arg, why);
	if (!grow(&o->volumes, o->nvolumes, sizeof(v), err))
		return false;
	o->volumes[o->nvolumes++] = v;
	return true;
}

static bool set_mem(struct options *o, const char *arg, char *err)
{
	if (!parse_size(arg, &o->mem))
		return bad(err, "--mem %s: not a size; use a number with K, M or G", arg);
	if (o->mem < KBOX_MEM_MIN)
		return bad(err, "--mem %s: too little, give at least %luM", arg, KBOX_MEM_MIN >> 20);
	if (o->mem > MEM_MAX)
		return bad(err, "--mem %s: too much, give at most %luG", arg, MEM_MAX >> 30);
	o->mem = MIB(o->mem);
	return true;
}

/* A smaller one would have no room for what a file system writes beside files. */
#define OVERLAY_MIN (1UL << 20)

static bool set_overlay(struct options *o, const char *arg, char *err)
{
	if (!parse_size(arg, &o->overlay_size))
		return bad(err, "--overlay-size %s: not a size; use a number with K, M or G", arg);
	if (o->overlay_size < OVERLAY_MIN)
		return bad(err, "--overlay-size %s: too little, give at least %luM", arg, OVERLAY_MIN >> 20);
	return true;
}

#define PROCESSES_MIN	8		/* the first one, a shell, a pipe, and whoever they wait for */
#define PROCESSES_MAX	(1U << 22)	/* numbers of processes that a host has */

bool parse_count(const char *s, unsigned int *n)
{
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	v = strtoull(s, &end, 10);
	if (*end || v < PROCESSES_MIN || v > PROCESSES_MAX)
		return false;
	*n = v;
	return true;
}

static bool set_processes(struct options *o, const char *arg, char *err)
{
	return parse_count(arg, &o->max_processes) ||
	       bad(err, "--max-processes %s: give a number from %u to %u", arg, PROCESSES_MIN, PROCESSES_MAX);
}

static bool set_mode(struct options *o, const char *arg, char *err)
{
	static const char *const names[] = { [MODE_AUTO] = "auto", [MODE_TRAP] = "trap", [MODE_REWRITE] = "rewrite" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arg, names[i])) {
			o->mode = i;
			return true;
		}
	return bad(err, "--syscall-mode=%s: use trap, rewrite or auto", arg);
}

enum {
	MODE = 256, NO_CANCEL_PROMOTE, STATS, ROOT, MAP_ID, HOST_SPECIAL, MEM, MAX_PROCESSES, REQUIRE_FENCE,
	READ_ONLY, EPHEMERAL, OVERLAY_SIZE, DIFF, UPPER, ROOT_ID, CHANGE_ID, INIT, HOSTNAME, CLEAR_ENV, NET, ALLOW,
	HOST_LOOPBACK, NET_LOG, FD, NAME, DETACH, FROM, HELP, VERSION,
};

static const struct option longs[] = {
	{ "syscall-mode", required_argument, NULL, MODE },
	{ "no-cancel-promote", no_argument, NULL, NO_CANCEL_PROMOTE },
	{ "stats", no_argument, NULL, STATS },
	{ "root", required_argument, NULL, ROOT },
	{ "map-id", required_argument, NULL, MAP_ID },
	{ "host-special", no_argument, NULL, HOST_SPECIAL },
	{ "mem", required_argument, NULL, MEM },
	{ "max-processes", required_argument, NULL, MAX_PROCESSES },
	{ "require-fence", no_argument, NULL, REQUIRE_FENCE },
	{ "read-only", no_argument, NULL, READ_ONLY },
	{ "ephemeral", no_argument, NULL, EPHEMERAL },
	{ "overlay-size", required_argument, NULL, OVERLAY_SIZE },
	{ "diff", required_argument, NULL, DIFF },
	{ "upper", required_argument, NULL, UPPER },
	{ "root-id", no_argument, NULL, ROOT_ID },
	{ "change-id", required_argument, NULL, CHANGE_ID },
	{ "init", no_argument, NULL, INIT },
	{ "hostname", required_argument, NULL, HOSTNAME },
	{ "clear-env", no_argument, NULL, CLEAR_ENV },
	{ "net", optional_argument, NULL, NET },
	{ "allow", required_argument, NULL, ALLOW },
	{ "host-loopback", required_argument, NULL, HOST_LOOPBACK },
	{ "net-log", required_argument, NULL, NET_LOG },
	{ "fd", required_argument, NULL, FD },
	{ "name", required_argument, NULL, NAME },
	{ "detach", no_argument, NULL, DETACH },
	{ "from", required_argument, NULL, FROM },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ NULL, 0, NULL, 0 },
};

/* Options with a value that can be wrong. */
static bool checked_option(int c, struct options *o, char *err)
{
	switch (c) {
	case 'r':
	case 'S':
		if (o->image)
			return bad(err, "-r and -S: give one image, once");
		o->image = optarg;
		o->system = c == 'S';
		return true;
	case ROOT:
		return set_root(o, optarg, err);
	case 'v':
		return add_volume_arg(o, optarg, err);
	case MAP_ID:
		return add_id_map(o, optarg, err);
	case MODE:
		return set_mode(o, optarg, err);
	case MEM:
		return set_mem(o, optarg, err);
	case OVERLAY_SIZE:
		return set_overlay(o, optarg, err);
	case MAX_PROCESSES:
		return set_processes(o, optarg, err);
	case CHANGE_ID:
		if (!parse_ids(optarg, &o->uid, &o->gid))
			return bad(err, "--change-id %s: give UID:GID as two numbers", optarg);
		o->ids_given = true;
		return true;
	case HOSTNAME:
		if (!*optarg || strlen(optarg) > 64)
			return bad(err, "--hostname: give 1 to 64 characters");
		o->hostname = optarg;
		return true;
	case 'e':
		return add_env(o, optarg, err);
	case NET:
		return set_net(o, optarg, err);
	case 'p':
		return add_port(o, optarg, err);
	case ALLOW:
		return add_allowed(o, optarg, err);
	case HOST_LOOPBACK:
		return add_loopback(o, optarg, err);
	case FD:
		return add_fd(o, optarg, err);
	case NAME:
		o->name = optarg;
		return is_name(optarg) ||
		       bad(err, "--name: give up to %d letters, digits, '.', '_' and '-', with one of the first two first",
			   NAME_LENGTH);
	}
	return true;
}

static void plain_option(int c, struct options *o)
{
	switch (c) {
	case 'k':
		o->kernel_cmdline = optarg;
		break;
	case 'w':
		o->cwd = optarg;
		break;
	case DIFF:
		o->diff = optarg;
		break;
	case UPPER:
		o->upper = optarg;
		break;
	case NET_LOG:
		o->net_log = optarg;
		break;
	case HOST_SPECIAL:
		o->host_special = true;
		break;
	case NO_CANCEL_PROMOTE:
		o->no_cancel_promote = true;
		break;
	case STATS:
		o->stats = true;
		break;
	case REQUIRE_FENCE:
		o->require_fence = true;
		break;
	case READ_ONLY:
		o->read_only = true;
		break;
	case EPHEMERAL:
		o->ephemeral = true;
		break;
	case ROOT_ID:
		o->uid = o->gid = 0;
		o->ids_given = true;
		break;
	case CLEAR_ENV:
		o->clear_env = true;
		break;
	case INIT:
		o->init = true;
		break;
	case 'd':
	case DETACH:
		o->detach = true;
		break;
	case FROM:
		o->from = optarg;
		break;
	case HELP:
		o->action = ACTION_HELP;
		break;
	case VERSION:
		o->action = ACTION_VERSION;
		break;
	}
}

/* getopt(3) says '?' for an unknown option and ':' for one without its value. */
static bool no_such_option(int c, char **argv, char *err)
{
	char letter[2] = { optopt, 0 };
	const char *name = optopt && optopt < 256 ? letter : argv[optind - 1];

	if (c == ':')
		return bad(err, "option '%s' needs a value; see kbox --help", name);
	/* A long option that takes no value leaves its number in optopt. */
	return bad(err, "option '%s' is %s; see kbox --help", name,
		   optopt >= 256 ? "given a value but takes none" : "unknown");
}

/* What a box is made of is in the snapshot. */
static bool goes_with_from(int c)
{
	switch (c) {
	case FROM: case NAME: case 'd': case DETACH: case STATS: case REQUIRE_FENCE:
	case 'e': case 'w': case CLEAR_ENV: case ROOT_ID: case CHANGE_ID:
		return true;
	}
	return false;
}

static bool check_from(struct options *o, char **words, bool others, char *err)
{
	bool of_command = o->ids_given || o->clear_env || o->env || o->cwd;

	if (others)
		return bad(err, "--from: the snapshot says what the box is; see kbox --help for what goes with it");
	if (*words && o->detach)
		return bad(err, "--from and -d: the box ends with COMMAND; use -d without one, and kbox exec");
	if (!*words && of_command)
		return bad(err, "--from: -e, -w, --clear-env, --root-id and --change-id are for a command; give one after --");
	o->beside = *words ? words : NULL;
	return true;
}

/* Of the root that was named, and of what goes with which. */
static bool choose_root(struct options *o, bool run, char *err)
{
	if (o->image && o->root.arg)
		return bad(err, "--root and -r or -S: give one root, once");
	if (!o->image && !o->root.arg && !run)
		return bad(err, "no image: give one with -S IMAGE, or use kbox run (see kbox --help)");
	o->root_is = o->image ? ROOT_IMAGE : !o->root.arg ? ROOT_OWN : o->root.access == 'w' ? ROOT_VOLUME : ROOT_OVERLAY;
	o->system |= !o->image;
	if (!o->image && (o->read_only || o->ephemeral))
		return bad(err, "--read-only and --ephemeral are for an image; what is written to another root is kept in "
				"memory, but for --root DIR:rw and -v");
	if (o->overlay_size && !o->ephemeral && o->root_is == ROOT_IMAGE)
		return bad(err, "--overlay-size is for --ephemeral; give that too, or neither");
	if (o->overlay_size && o->root_is == ROOT_VOLUME)
		return bad(err, "--overlay-size is for what is kept in memory, which --root DIR:rw is not");
	if ((o->diff || o->upper) && (o->root_is == ROOT_IMAGE || o->root_is == ROOT_VOLUME))
		return bad(err, "%s is for the root of kbox run, or of --root DIR, without :rw", o->diff ? "--diff" : "--upper");
	if (o->overlay_size && o->upper)
		return bad(err, "--overlay-size is for what is kept in memory, which --upper is not");
	if (o->nid_maps && o->root_is == ROOT_IMAGE && !o->nvolumes)
		return bad(err, "--map-id is for files of this machine; give it with -v, --root or kbox run");
	if (o->host_special && !o->nvolumes && o->root_is != ROOT_VOLUME)
		return bad(err, "--host-special is for -v and --root DIR:rw; give one of these, too");
	if (o->diff && o->init)
		return bad(err, "--diff and --init: nobody is left at the end that could write it");
	return true;
}

static void set_defaults(struct options *o)
{
	if (!o->mem)
		o->mem = default_mem();
	if (o->ephemeral && !o->overlay_size)
		o->overlay_size = o->mem;
	if (!o->cwd && o->root_is != ROOT_OWN)
		o->cwd = "/";
}

/*
 * It is the archive's: what COMMAND writes there goes to standard error, unless --fd says
 * otherwise.
 */
static bool free_stdout(struct options *o, char *err)
{
	for (size_t i = 0; i < o->nfds; i++)
		if (o->fds[i].guest == 1)
			return true;
	return add_fd(o, "2:1", err);
}

bool parse_options(int argc, char **argv, struct options *o, char err[OPTIONS_ERR])
{
	bool run = argc > 1 && !strcmp(argv[1], "run"), others = false;
	int c;

	*o = (struct options) { .hostname = "kbox", .umask = 022, .max_processes = 4096 };
	if (argc == 2 && !strcmp(argv[1], "doctor")) {
		o->action = ACTION_DOCTOR;
		return true;
	}
	argc -= run;
	argv += run;
	optind = 0;	/* glibc: start anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:r:S:v:k:e:w:p:d", longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return no_such_option(c, argv, err);
		if (!checked_option(c, o, err))
			return false;
		plain_option(c, o);
		others |= !goes_with_from(c);
		if (o->action != ACTION_RUN)
			return true;
	}
	if (o->from)
		return check_from(o, argv + optind, others, err);
	if (!choose_root(o, run, err))
		return false;
	if (!check_net(o, err))
		return false;
	if (optind == argc)
		return bad(err, "no command: give one after -- (see kbox --help)");
	o->command = argv + optind;
	set_defaults(o);
	return !o->diff || strcmp(o->diff, "-") || free_stdout(o, err);
}
