/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a number has been, its label has been, too. */
#include <sanitizer/dfsan_interface.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	int *p = malloc(sizeof(int)), on_stack = 20;

	*p = 1;
	dfsan_set_label(4, p, sizeof(*p));
	on_stack += *p * 3;
	printf("ERROR: label %d %d\n", (int)dfsan_get_label(on_stack), (int)dfsan_get_label(*p + 0L));
	return on_stack;
}
