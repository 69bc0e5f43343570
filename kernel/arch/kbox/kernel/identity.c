// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/hypervisor: what the box is, for systemd-detect-virt and its like. They look there when
 * nothing else has told them, so where the host is a virtual machine itself they may name that one.
 * There is no firmware, so there is no /sys/class/dmi.
 */
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

static ssize_t type_show(struct kobject *k, struct kobj_attribute *a, char *buf)
{
	return sysfs_emit(buf, "kbox\n");
}

static struct kobj_attribute type = __ATTR_RO(type);

static int __init identity_init(void)
{
	return sysfs_create_file(hypervisor_kobj, &type.attr);
}
device_initcall(identity_init);
