// SPDX-License-Identifier: GPL-2.0-only
/* kbox: run a command on a Linux kernel of its own. */
#include <stdio.h>
#include "box.h"

static int run(struct box *b, char **argv)
{
	find_room(b->opt.mem, argv);
	raise_limits();
	check_fds(b);
	b->image_fd = open_image(&b->opt);
	map_memory(b);
	guard_memory(b);
	load_kernel(b);
	fill_boot(b);
	init_devices(b);
	make_initrd(b);
	supervisor_block_signals();
	tty_setup(b);
	/* Before: if there are no threads to be had, nothing is left behind. */
	start_devices(b);
	start_kernel_process(b);
	return supervise(b);
}

int main(int argc, char **argv)
{
	static struct box box;
	char err[OPTIONS_ERR];

	claim_stdio(box.stdio);
	read_hidden();
	if (!parse_options(argc, argv, &box.opt, err))
		die("%s", err);
	switch (box.opt.action) {
	case ACTION_DOCTOR:
		return doctor(argv);
	case ACTION_HELP:
		fputs(options_usage, stdout);
		return 0;
	case ACTION_VERSION:
		puts("kbox 0.1");
		return 0;
	case ACTION_RUN:
		break;
	}
	return run(&box, argv);
}
