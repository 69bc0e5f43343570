// SPDX-License-Identifier: GPL-2.0-only
/* Prints src/hostcalls.c as the tables of docs/security.md: make docs. */
#include <stdio.h>
#include "hostcalls.h"

/* A bar would end the cell. */
static void print_cell(const char *text)
{
	for (; *text; text++)
		printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_form(const struct form *f)
{
	printf("| `%s` |", f->call);
	for (int i = 0; i < CHECKS_MAX && f->check[i].nvalues; i++) {
		printf("%s `%s` ", i ? "," : "", f->check[i].name);
		print_cell(f->check[i].text);
	}
	printf(" | %s | %s |\n", f->why, f->gives);
}

static void print_table(const char *title, unsigned needs)
{
	size_t n = 0;

	for (size_t i = 0; i < nhost_calls; i++)
		n += host_calls[i].needs == needs;
	printf("\n%s (%zu form%s):\n\n", title, n, n == 1 ? "" : "s");
	puts("| call | form | what the kernel needs it for | what it gives to who owns the kernel |");
	puts("|---|---|---|---|");
	for (size_t i = 0; i < nhost_calls; i++)
		if (host_calls[i].needs == needs)
			print_form(&host_calls[i]);
}

int main(void)
{
	print_table("Each box", 0);
	print_table("Boxes with descriptors: `--fd`, or stdio that is no terminal", WITH_FILES);
	print_table("Boxes that were given a file, block device or socket, and not `/dev/zero`", WITH_FILES | WITH_MAPS);
	print_table("Boxes that were given a socket", WITH_SOCKETS);
	print_table("Boxes that were given a socket of a network, not of AF_UNIX", WITH_SOCKETS | WITH_NAMES);
	print_table("Boxes with volumes: `-v`, `--root`, or the host's own system as root", WITH_VOLUMES);
	print_table("Boxes with volumes that are fenced by a namespace or a broker", WITH_VOLUMES | WITH_PATHS);
	print_table("Boxes with volumes that are written", WITH_VOLUMES | WITH_WRITES);
	print_table("Boxes with volumes that are written, and fenced by a namespace or a broker",
		    WITH_VOLUMES | WITH_WRITES | WITH_PATHS);
	print_table("Boxes with volumes that are written, but where a broker keeps them in `:ro` ones, too",
		    WITH_VOLUMES | WITH_WRITES | WITH_OPENED);
	print_table("Boxes whose root is written to a volume (--upper)", WITH_VOLUMES | WITH_WRITES | WITH_UPPER);
	return 0;
}
