/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTMAP_H
#define KBOX_HOSTMAP_H

#include <linux/types.h>

struct vm_area_struct;

/*
 * For mmap: the mapping is the host's own, of its file with this descriptor, which stays open as long
 * as the mapping's file does. 0, or why there can be none.
 */
int hostmap_shared(struct vm_area_struct *vma, int fd);
/* Is it such a mapping? */
bool hostmap_is(const struct vm_area_struct *vma);
#endif
