// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "box.h"

bool next_number(const char **s, uint32_t below, uint32_t *n)
{
	unsigned long long v;
	char *end;

	/* strtoull() would take blanks and signs. */
	if (**s < '0' || **s > '9')
		return false;
	v = strtoull(*s, &end, 10);
	*s = end;
	*n = v;
	return v < below;
}
