// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "box.h"

static const char usage[] =
"Usage: kbox [OPTIONS] -- COMMAND [ARG...]\n"
"       kbox doctor\n"
"Run COMMAND on a Linux kernel of its own, with IMAGE as its root file system.\n"
"\n"
"  -r IMAGE              mount the ext4 image as root, nothing else\n"
"  -S IMAGE              the same, with /proc, /sys, /dev, /dev/pts and /tmp\n"
"      --syscall-mode=M  how system calls reach the kernel: trap or auto (default)\n"
"  -k CMDLINE            add to the kernel's command line (loglevel=7 shows its log)\n"
"      --mem SIZE        guest memory, with K, M or G (default: a quarter of the host's)\n"
"      --read-only       never write to the image\n"
"      --ephemeral       keep writes in memory and drop them at the end\n"
"      --root-id         run COMMAND as root (default)\n"
"      --change-id UID:GID  run COMMAND as that user and group\n"
"      --hostname NAME   the guest's host name\n"
"  -e VAR=VAL            set an environment variable (again for more)\n"
"  -w DIR                working directory of COMMAND\n"
"      --help, --version\n"
"\n"
"Exit status: COMMAND's, 128+n if signal n ended it; 120 if the guest's kernel\n"
"panicked, 125 if kbox failed, 126 if COMMAND cannot be run, 127 if it was not found.\n";

bool parse_size(const char *s, uint64_t *bytes)
{
	unsigned long long n;
	int shift = 0;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	n = strtoull(s, &end, 10);
	switch (*end) {
	case 'k': case 'K': shift = 10; end++; break;
	case 'm': case 'M': shift = 20; end++; break;
	case 'g': case 'G': shift = 30; end++; break;
	}
	if (*end || n > (UINT64_MAX >> 1 >> shift))
		return false;
	*bytes = (uint64_t)n << shift;
	return true;
}

bool parse_ids(const char *s, uid_t *uid, gid_t *gid)
{
	unsigned long long u, g;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	u = strtoull(s, &end, 10);
	if (*end++ != ':' || *end < '0' || *end > '9')
		return false;
	g = strtoull(end, &end, 10);
	if (*end || u >= UINT32_MAX || g >= UINT32_MAX)
		return false;
	*uid = u;
	*gid = g;
	return true;
}

uint64_t default_mem(void)
{
	uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	return host / 4 < KBOX_MEM_MIN ? KBOX_MEM_MIN : host / 4 & ~((1UL << 20) - 1);
}

static void add_env(struct options *o, char *var)
{
	if (!strchr(var, '=') || *var == '=')
		die("-e %s: not of the form VAR=VAL", var);
	o->env = realloc(o->env, (o->nenv + 2) * sizeof(*o->env));
	o->env[o->nenv++] = var;
	o->env[o->nenv] = NULL;
}

enum { MODE = 256, MEM, READ_ONLY, EPHEMERAL, ROOT_ID, CHANGE_ID, HOSTNAME, HELP, VERSION };

static const struct option longs[] = {
	{ "syscall-mode", required_argument, NULL, MODE },
	{ "mem", required_argument, NULL, MEM },
	{ "read-only", no_argument, NULL, READ_ONLY },
	{ "ephemeral", no_argument, NULL, EPHEMERAL },
	{ "root-id", no_argument, NULL, ROOT_ID },
	{ "change-id", required_argument, NULL, CHANGE_ID },
	{ "hostname", required_argument, NULL, HOSTNAME },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ NULL, 0, NULL, 0 },
};

static void one_option(int c, struct options *o)
{
	switch (c) {
	case 'r':
	case 'S':
		if (o->image)
			die("-r and -S: give one image, once");
		o->image = optarg;
		o->system = c == 'S';
		break;
	case MODE:
		if (strcmp(optarg, "trap") && strcmp(optarg, "auto"))
			die("--syscall-mode=%s: use trap or auto", optarg);
		break;
	case 'k':
		o->kernel_cmdline = optarg;
		break;
	case MEM:
		if (!parse_size(optarg, &o->mem))
			die("--mem %s: not a size; use a number with K, M or G", optarg);
		if (o->mem < KBOX_MEM_MIN)
			die("--mem %s: too little, give at least %luM", optarg, KBOX_MEM_MIN >> 20);
		o->mem &= ~((1UL << 20) - 1);
		break;
	case READ_ONLY:
		o->read_only = true;
		break;
	case EPHEMERAL:
		o->ephemeral = true;
		break;
	case ROOT_ID:
		o->uid = o->gid = 0;
		break;
	case CHANGE_ID:
		if (!parse_ids(optarg, &o->uid, &o->gid))
			die("--change-id %s: give UID:GID as two numbers", optarg);
		break;
	case HOSTNAME:
		if (!*optarg || strlen(optarg) > 64)
			die("--hostname: give 1 to 64 characters");
		o->hostname = optarg;
		break;
	case 'e':
		add_env(o, optarg);
		break;
	case 'w':
		o->cwd = optarg;
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	case VERSION:
		puts("kbox 0.1");
		exit(0);
	default:
		fputs("Try 'kbox --help'.\n", stderr);
		exit(EXIT_FAIL);
	}
}

void parse_options(int argc, char **argv, struct options *o)
{
	int c;

	o->mem = default_mem();
	o->hostname = "kbox";
	o->cwd = "/";
	while ((c = getopt_long(argc, argv, "+r:S:k:e:w:", longs, NULL)) != -1)
		one_option(c, o);
	if (!o->image)
		die("no image: give one with -S IMAGE (see kbox --help)");
	if (optind == argc)
		die("no command: give one after -- (see kbox --help)");
	o->command = argv + optind;
}
