// SPDX-License-Identifier: GPL-2.0-only
/* kbox: run a command on a Linux kernel of its own. */
#include <stdio.h>
#include <unistd.h>
#include "bell.h"
#include "beside.h"
#include "bound.h"
#include "box.h"
#include "broker.h"
#include "client.h"
#include "control.h"
#include "daemon.h"
#include "engine.h"
#include "fence.h"
#include "fences.h"
#include "freeze.h"
#include "group.h"
#include "lockin.h"
#include "loop.h"
#include "names.h"
#include "netlog.h"
#include "policy.h"
#include "resume.h"
#include "version.h"

static void lacks(const struct box *b, const char *fence)
{
	end_box(b);
	end_watcher();
	die("--require-fence: %s; see kbox doctor", fence);
}

/* The guest's kernel boots meanwhile, as it was built; from here on it may be anybody's. */
static void stand_fences(struct box *b)
{
	/* Else the watcher sees to it, while the box boots. */
	bool bound = b->opt.require_fence && bound_hold(b, watcher_pid());
	bool limited = b->opt.require_fence && limit_holds();
	bool locked = lock_in(&(struct lockin) {
		getpid(), b->kernel_pid, watcher_pid(), engine_pid(), group_parent(), loop_fd(), broker_fds(),
		control_fd() });

	if (!b->opt.require_fence)
		return;
	if (!bound && !limited)
		lacks(b, "nothing bounds the box's processes");
	if (!signals_held())
		lacks(b, "nothing keeps the box's signals in it");
	if (!locked)
		lacks(b, "the supervisor could not lock itself in");
}

static int run(struct box *b, char **argv)
{
	resume_begin(b);
	find_room(b->opt.mem, argv);
	raise_limits();
	resume_open(b);
	beside_begin(b);
	if (b->opt.require_fence)
		require_fences(b->opt.root_is != ROOT_IMAGE || b->opt.nvolumes);
	check_fds(b);
	daemon_begin(b);
	if (b->opt.root_is == ROOT_OWN)
		take_after_caller(&b->opt);
	b->image_fd = b->opt.image ? open_image(&b->opt) : -1;
	resume_image(b);
	find_volumes(b);
	control_init(b);
	b->diff_fd = open_diff(b);
	open_netlog(&b->opt);
	start_engine(b);
	start_names(b);
	policy_init(b);
	map_memory(b);
	guard_memory(b);
	load_kernel(b);
	resume_memory(b);
	fill_boot(b);
	init_devices(b);
	resume_overlay(b);
	if (!b->resume)
		make_initrd(b);
	await_engine(b);	/* it has been at it meanwhile, */
	await_names();		/* and so have these */
	loop_init();
	watch_names();
	supervisor_block_signals();
	control_start();
	tty_setup(b->stdio);
	watch_oom_kills();
	bound_prepare(b);
	/* Before: if there are no threads to be had, nothing is left behind. */
	start_bells(b);
	if (b->resume)
		freeze_await(b, daemon_up);
	watch_fds(b);
	start_console(b);
	start_devices();
	start_kernel_process(b);
	stand_fences(b);
	open_devices();
	return end_diff(b, supervise(b));
}

int main(int argc, char **argv)
{
	static struct box box;
	char err[OPTIONS_ERR];

	claim_stdio(box.stdio);
	if (argc > 1 && is_client(argv[1]))
		return client(argc - 1, argv + 1, box.stdio);
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
		puts("kbox " KBOX_VERSION);
		return 0;
	case ACTION_RUN:
		break;
	}
	return run(&box, argv);
}
