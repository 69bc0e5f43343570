// SPDX-License-Identifier: GPL-2.0-only
/*
 * Initcalls that wait until somebody asks for what they set up. Natively that is in modules, and
 * who needs one asks for it by an alias: here the module is there, and only its initcall is yet to
 * be made.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kmod.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include "waiting.h"
#include "../../../drivers/base/base.h"

extern const struct waiting_initcall __waiting_start[], __waiting_end[];

static DEFINE_MUTEX(waiting_lock);
static DECLARE_BITMAP(called, 128);

static const char *const nfs[] = { "fs/nfs/", "fs/nfs_common/", "fs/lockd/", "net/sunrpc/" };

/*
 * NFS is in several modules, of which none is of use alone. Tracing's go together, too:
 * kernel/tracing.c.
 */
static bool is_of(const struct waiting_initcall *w, const char *module)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(nfs); i++)
		if (strstarts(w->file, nfs[i]))
			return !strcmp(module, "nfs");
	return !strstarts(w->file, "kernel/") && !strcmp(w->module, module);
}

struct late_call {
	struct work_struct work;
	int (*fn)(void *arg);
	void *arg;
	int error;
};

static void make_late_call(struct work_struct *work)
{
	struct late_call *c = container_of(work, struct late_call, work);

	c->error = c->fn(c->arg);
}

/*
 * Who asks may be killed meanwhile, and may have no rights: what is set up is not to suffer from
 * that, as natively it is not, where root's modprobe does it. So a worker makes the call.
 */
int call_in_worker(int (*fn)(void *arg), void *arg)
{
	struct late_call c = { .fn = fn, .arg = arg };

	INIT_WORK_ONSTACK(&c.work, make_late_call);
	queue_work(system_unbound_wq, &c.work);
	flush_work(&c.work);
	destroy_work_on_stack(&c.work);
	return c.error;
}

static int call_once(const struct waiting_initcall *w)
{
	return __test_and_set_bit(w - __waiting_start, called) ? 0 : w->call();
}

/*
 * In the order of initcalls, which a module may have several of: what comes after one that fails
 * would build on it.
 */
static int call_module(void *module)
{
	const struct waiting_initcall *w;
	int error = 0;

	for (w = __waiting_start; !error && w < __waiting_end; w++)
		if (is_of(w, module))
			error = call_once(w);
	return error;
}

void call_waiting_in(const char *directory)
{
	const struct waiting_initcall *w;

	mutex_lock(&waiting_lock);
	for (w = __waiting_start; w < __waiting_end; w++)
		if (strstarts(w->file, directory))
			call_once(w);
	mutex_unlock(&waiting_lock);
}

static bool is_there(const char *module)
{
	const struct waiting_initcall *w;

	for (w = __waiting_start; w < __waiting_end; w++)
		if (is_of(w, module))
			return true;
	return false;
}

/*
 * By what a module is asked for beside its own name; and nodes in /dev that are there before, and
 * whose opening asks.
 */
static const struct {
	const char *alias, *module, *node;
	dev_t dev;
} aliases[] = {
	{ "char-major-10-234", "btrfs", "btrfs-control", MKDEV(MISC_MAJOR, BTRFS_MINOR) },
	{ "fs-nfs4", "nfs" },
	{ "fs-rpc_pipefs", "nfs" },
};

static const char *module_of(const char *alias)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].alias, alias))
			return aliases[i].module;
	if (strstarts(alias, "fs-"))
		return alias + strlen("fs-");
	return strstarts(alias, "crypto-") ? alias + strlen("crypto-") : "";
}

int call_waiting(const char *format, ...)
{
	char alias[64];
	const char *module;
	va_list args;
	int error;

	va_start(args, format);
	vsnprintf(alias, sizeof(alias), format, args);
	va_end(args);
	module = module_of(alias);
	if (system_state < SYSTEM_RUNNING || !is_there(module))
		return -ENOSYS;
	mutex_lock(&waiting_lock);
	error = call_in_worker(call_module, (void *)module);
	mutex_unlock(&waiting_lock);
	return error;
}

static int __init make_nodes(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(aliases); i++) {
		struct device dev = { .init_name = aliases[i].node, .devt = aliases[i].dev };

		if (aliases[i].node && is_there(aliases[i].module))
			devtmpfs_create_node(&dev);
	}
	return 0;
}
device_initcall(make_nodes);

static int (*show_filesystems)(struct seq_file *m, void *v);

/* A file system that waits is there for who reads what there is. */
static int show_all_filesystems(struct seq_file *m, void *v)
{
	const struct waiting_initcall *w;
	int error = show_filesystems(m, v);

	for (w = __waiting_start; w < __waiting_end; w++) {
		if (test_bit(w - __waiting_start, called))
			continue;
		if (!strcmp(w->module, "nfs"))
			seq_puts(m, "nodev\tnfs\nnodev\tnfs4\n");
		else if (strstarts(w->file, "fs/") && !is_of(w, "nfs"))
			seq_printf(m, "\t%s\n", w->module);
	}
	return error;
}

typedef int show_t(struct seq_file *m, void *v);
struct proc_dir_entry *__real_proc_create_single_data(const char *name, umode_t mode, struct proc_dir_entry *parent,
						      show_t *show, void *data);
struct proc_dir_entry *__wrap_proc_create_single_data(const char *name, umode_t mode, struct proc_dir_entry *parent,
						      show_t *show, void *data);

struct proc_dir_entry *__wrap_proc_create_single_data(const char *name, umode_t mode, struct proc_dir_entry *parent,
						      show_t *show, void *data)
{
	if (!parent && !strcmp(name, "filesystems")) {
		show_filesystems = show;
		show = show_all_filesystems;
	}
	return __real_proc_create_single_data(name, mode, parent, show, data);
}
