/* SPDX-License-Identifier: GPL-2.0-only */
/* It reads what it has given back. */
#include <stdlib.h>

int main(void)
{
	char *volatile p = calloc(10, 1);

	free(p);
	return p[5];
}
