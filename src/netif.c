// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the host's interfaces the engine looks at. It takes no address or route from there, as
 * it is given both, but wants one that has them.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "box.h"
#include "engine.h"

/* As /proc/net/if_inet6 has them (kernel: net/ipv6/addrconf.c). */
#define SCOPE_LINK	0x20
#define NOT_USABLE	0x48	/* IFA_F_TENTATIVE, IFA_F_DADFAILED */

bool parse_interface(const char *text, char name[16])
{
	unsigned int scope, flags;

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (sscanf(text, "%*32s %*x %*x %x %x %15s", &scope, &flags, name) == 3 && scope == SCOPE_LINK &&
		    !(flags & NOT_USABLE))
			return true;
	}
	strcpy(name, "lo");
	return false;
}

bool choose_interface(char name[16])
{
	char text[8192];

	read_text("/proc/net/if_inet6", text, sizeof(text));
	return parse_interface(text, name);
}
