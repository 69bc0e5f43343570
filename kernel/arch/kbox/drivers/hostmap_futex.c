// SPDX-License-Identifier: GPL-2.0-only
/*
 * Futexes between processes in the host's own mappings of files. They have no page by which
 * kernel/futex/core.c would know two addresses for one futex: file and offset are as good. The
 * linker puts this before get_futex_key() (--wrap).
 */
#include <linux/mutex.h>
#include <linux/futex.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include "../../../kernel/futex/futex.h"
#include "hostmap.h"

int __real_get_futex_key(u32 __user *uaddr, unsigned int flags, union futex_key *key, enum futex_access rw);
int __wrap_get_futex_key(u32 __user *uaddr, unsigned int flags, union futex_key *key, enum futex_access rw);

/* Of no other inode: those of core.c are numbers from 1 on. */
static u64 sequence(const struct inode *inode)
{
	return (unsigned long)inode;
}

static bool key_of(unsigned long address, union futex_key *key, enum futex_access rw)
{
	struct vm_area_struct *vma;
	bool is;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, address);
	is = vma && hostmap_is(vma) && (rw == FUTEX_READ || vma->vm_flags & VM_WRITE);
	if (is) {
		key->shared.i_seq = sequence(file_inode(vma->vm_file));
		key->shared.pgoff = linear_page_index(vma, address);
		key->both.offset = offset_in_page(address) | FUT_OFF_INODE;
	}
	mmap_read_unlock(current->mm);
	return is;
}

int __wrap_get_futex_key(u32 __user *uaddr, unsigned int flags, union futex_key *key, enum futex_access rw)
{
	int ret = __real_get_futex_key(uaddr, flags, key, rw);
	u32 value;

	if (ret != -EEXIST && ret != -EFAULT)	/* what get_user_pages() says where there is none */
		return ret;
	/* The page may be behind the end of the file. */
	return !get_user(value, uaddr) && key_of((unsigned long)uaddr, key, rw) ? 0 : -EFAULT;
}
