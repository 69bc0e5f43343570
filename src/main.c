// SPDX-License-Identifier: GPL-2.0-only
/* kbox: run a command on a Linux kernel of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "box.h"
#include "supervisor.h"

int main(int argc, char **argv)
{
	static struct box box;

	if (argc == 2 && !strcmp(argv[1], "doctor"))
		return doctor();
	parse_options(argc, argv, &box.opt);
	box.image_fd = open_image(&box.opt);
	map_memory(&box, argv);
	load_kernel(&box);
	fill_boot(&box);
	init_devices(&box);
	make_initrd(&box);
	supervisor_block_signals();
	tty_setup(&box);
	start_kernel_process(&box);
	start_devices(&box);
	return supervise(&box);
}
