// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors 0 to 2, as kbox was given them. One that is closed is held with
 * /dev/null: what is opened later (the image!) must not become the guest's output.
 */
#include <fcntl.h>
#include <unistd.h>
#include "box.h"

void claim_stdio(struct stdio io[3])
{
	for (int i = 0; i < 3; i++) {
		int flags = fcntl(i, F_GETFL);

		io[i] = (struct stdio) { 0, flags & O_ACCMODE };
		if (flags < 0) {
			io[i] = (struct stdio) { KBOX_STDIO_CLOSED, O_RDWR };
			/* 0 to i-1 are open, so this is i */
			if (open("/dev/null", O_RDWR) != i)
				_exit(EXIT_FAIL);
		} else if (isatty(i)) {
			io[i].kind = KBOX_STDIO_TTY;
		}
	}
}
