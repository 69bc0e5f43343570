// SPDX-License-Identifier: GPL-2.0-only
/* kbox-rewrite: which system calls of a program can be rewritten, and how. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "rewrite.h"
#include "version.h"

/* Exit statuses: one bad file, or as kbox. */
enum { EXIT_BAD_FILE = 1, EXIT_USAGE = 125 };

static const char usage[] =
"Usage: kbox-rewrite [--summary] FILE...\n"
"Say which system calls of ELF files can be rewritten, and how.\n"
"\n"
"      --summary         no line for each system call\n"
"      --help, --version\n"
"\n"
"Exit status: 0, 1 if a file cannot be analysed, 125 if the usage is wrong.\n";

enum { SUMMARY = 256, HELP, VERSION };

static const struct option longs[] = {
	{ "summary", no_argument, NULL, SUMMARY },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ NULL, 0, NULL, 0 },
};

static bool analyse(const char *path, bool sites)
{
	struct elf_file f;
	const char *error = elf_read_path(&f, path);

	if (error) {
		fflush(stdout);
		fprintf(stderr, "kbox-rewrite: %s: %s\n", path, error);
		return false;
	}
	report(&f, path, sites);
	elf_free(&f);
	return true;
}

static int bad_usage(const char *what)
{
	fprintf(stderr, "kbox-rewrite: %s; see kbox-rewrite --help\n", what);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int c, status = 0;
	bool sites = true;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case SUMMARY:
			sites = false;
			break;
		case HELP:
			fputs(usage, stdout);
			return 0;
		case VERSION:
			puts("kbox-rewrite " KBOX_VERSION);
			return 0;
		default:
			return bad_usage("wrong option");
		}
	}
	if (optind == argc)
		return bad_usage("no file given");
	for (; optind < argc; optind++)
		if (!analyse(argv[optind], sites))
			status = EXIT_BAD_FILE;
	return status;
}
