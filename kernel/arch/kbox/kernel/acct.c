// SPDX-License-Identifier: GPL-2.0-only
/* Process accounting (acct(2)) costs nothing where nobody keeps accounts. */
#include <linux/acct.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>

void __real_acct_collect(long exitcode, int group_dead);
void __wrap_acct_collect(long exitcode, int group_dead);

/*
 * The stock function walks all mappings of a process that ends, for a record that acct_process()
 * writes next if there is a file for it. Of a thread that is not the last one the counts are kept,
 * since accounting may begin before the process ends.
 */
void __wrap_acct_collect(long exitcode, int group_dead)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	while (ns && !ns->bacct)
		ns = ns->parent;
	if (ns || !group_dead)
		__real_acct_collect(exitcode, group_dead);
}
