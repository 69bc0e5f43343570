/* SPDX-License-Identifier: GPL-2.0-only */
/* What it returns depends on what nobody has written. */
#include <stdlib.h>

int main(void)
{
	int *p = malloc(10 * sizeof(int));

	p[1] = 1;
	return p[1] + !!p[5] > 1 ? 3 : 0;
}
