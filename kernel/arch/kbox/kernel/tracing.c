// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracing is set up when somebody mounts tracefs: to make its events took a tenth of a box's start.
 * Who has not looked there knows no event's number, which perf and BPF ask for.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/trace_events.h>
#include "waiting.h"
#include "../../../kernel/trace/trace.h"

void __real_trace_event_init(void);
void __wrap_trace_event_init(void);

void __wrap_trace_event_init(void)
{
}

static int (*init_tracefs)(struct fs_context *fc);

static int make_events(void *unused)
{
	__real_trace_event_init();
	call_waiting_in("kernel/trace/");
	return 0;
}

static void set_up(void)
{
	static DEFINE_MUTEX(lock);
	static bool done;

	mutex_lock(&lock);
	if (!done)
		call_in_worker(make_events, NULL);
	done = true;
	mutex_unlock(&lock);
}

int __real_trace_set_clr_event(const char *system, const char *event, int set);
int __wrap_trace_set_clr_event(const char *system, const char *event, int set);

/* A BPF program that prints asks for its event when it is loaded. */
int __wrap_trace_set_clr_event(const char *system, const char *event, int set)
{
	set_up();
	return __real_trace_set_clr_event(system, event, set);
}

/* The kernel's own mount is what tracing makes its files in. */
static int init_tracefs_for(struct fs_context *fc)
{
	if (!(fc->sb_flags & SB_KERNMOUNT))
		set_up();
	return init_tracefs(fc);
}

int __real_register_filesystem(struct file_system_type *fs);
int __wrap_register_filesystem(struct file_system_type *fs);

int __wrap_register_filesystem(struct file_system_type *fs)
{
	if (!strcmp(fs->name, "tracefs")) {
		init_tracefs = fs->init_fs_context;
		fs->init_fs_context = init_tracefs_for;
	}
	return __real_register_filesystem(fs);
}

extern struct trace_eval_map *__start_ftrace_eval_maps[], *__stop_ftrace_eval_maps[];

/* The names of numbers are __initdata of whatever has events. */
static void __init keep_names(void)
{
	int i, n = __stop_ftrace_eval_maps - __start_ftrace_eval_maps;
	struct trace_eval_map *kept = kmalloc_array(n, sizeof(*kept), GFP_KERNEL | __GFP_NOFAIL);

	for (i = 0; i < n; i++) {
		kept[i] = *__start_ftrace_eval_maps[i];
		__start_ftrace_eval_maps[i] = &kept[i];
	}
}

/* debugfs has the directory in which tracefs is mounted for who looks there. */
static int __init prepare_tracing(void)
{
	keep_names();
	tracing_init_dentry();
	return 0;
}
fs_initcall(prepare_tracing);
