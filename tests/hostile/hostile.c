// SPDX-License-Identifier: GPL-2.0-only
/* hostile ATTACK [ARG...]: what each is, the table of its file says. */
#include <sys/mman.h>
#include "hostile.h"

char own_page[PAGE] __attribute__((aligned(4096)));

static const struct command *const tables[] = {
	calls, shared, queues, consoles, floods, bombs, randoms, files, channels,
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *c = argc > 1 ? find(argv[1]) : NULL;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (!c) {
		fprintf(stderr, "hostile: there is no attack '%s'\n", argc > 1 ? argv[1] : "");
		return 2;
	}
	/* What comes after an attack cannot rely on the guest's kernel to find a page. */
	mlockall(MCL_CURRENT);
	own_page[0] = 1;
	return c->run(argc - 1, argv + 1);
}
