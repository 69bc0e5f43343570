// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private mappings of the host's files have pages of the host as long as nobody needs a page of
 * memory: who writes, get_user_pages(), and the rewriting of text. The kernel's own functions come
 * here first, by the linker (--wrap).
 */
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <asm/host.h>
#include <asm/hostpage.h>
#include <asm/tlbflush.h>

/* Of an entry: the host's descriptor and the page in its file. */
static int host_fd(pte_t pte)
{
	return pte_pfn(pte) >> 34 & (KBOX_HOST_PFN_FDS - 1);
}

static u64 host_page(pte_t pte)
{
	return pte_pfn(pte) & (KBOX_HOST_PFN_PAGES - 1);
}

/* Others have special entries as well, as private mappings of /dev/zero. */
static bool may_have(const struct vm_area_struct *vma)
{
	return vma->vm_ops && vma->vm_ops->find_special_page == kbox_no_page && !(vma->vm_flags & VM_MAYSHARE);
}

static bool is_host_page(struct vm_area_struct *vma, unsigned long addr)
{
	const pte_t *ptep = kbox_walk(vma->vm_mm, addr);

	return ptep && pte_present(*ptep) && pte_special(*ptep);
}

/* It becomes none. */
static void clear(struct vm_area_struct *vma, unsigned long addr)
{
	spinlock_t *lock;
	pte_t *ptep = get_locked_pte(vma->vm_mm, addr, &lock);

	if (!ptep)
		return;
	if (pte_present(*ptep) && pte_special(*ptep))
		ptep_clear_flush(vma, addr, ptep);
	pte_unmap_unlock(ptep, lock);
}

static bool in_page_cache(struct vm_area_struct *vma, unsigned long addr)
{
	struct folio *folio = read_mapping_folio(vma->vm_file->f_mapping, linear_page_index(vma, addr), vma->vm_file);

	if (IS_ERR(folio))
		return false;
	folio_put(folio);
	return true;
}

struct page *kbox_no_page(struct vm_area_struct *vma, unsigned long addr)
{
	return NULL;
}

bool kbox_want_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	loff_t pos = (loff_t)linear_page_index(vma, start) << PAGE_SHIFT;
	bool any = false;

	if (!may_have(vma))
		return false;
	if (end - start > PAGE_SIZE)
		vfs_fadvise(vma->vm_file, pos, end - start, POSIX_FADV_WILLNEED);
	for (; start < end; start += PAGE_SIZE) {
		if (!is_host_page(vma, start))
			continue;
		if (!in_page_cache(vma, start))
			return false;
		clear(vma, start);
		any = true;
	}
	return any;
}

ssize_t kbox_read_host_page(pte_t pte, void *to, unsigned int offset, unsigned int n)
{
	return host_pread(host_fd(pte), to, n, (loff_t)(host_page(pte) << PAGE_SHIFT) + offset);
}

vm_fault_t __real_handle_mm_fault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags,
				  struct pt_regs *regs);
vm_fault_t __wrap_handle_mm_fault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags,
				  struct pt_regs *regs);

/* A write makes a copy of what is in the file, and not of what whoever runs has at this address. */
vm_fault_t __wrap_handle_mm_fault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags,
				  struct pt_regs *regs)
{
	if (flags & FAULT_FLAG_WRITE && may_have(vma) && is_host_page(vma, addr))
		clear(vma, addr & PAGE_MASK);
	return __real_handle_mm_fault(vma, addr, flags, regs);
}

/* get_user_pages() says EEXIST where there is a page, but none of memory. With mm locked. */
static bool again(long ret, struct mm_struct *mm, unsigned long start, unsigned long pages)
{
	struct vm_area_struct *vma;

	if (likely(ret != -EEXIST))
		return false;
	start &= PAGE_MASK;
	vma = vma_lookup(mm, start);
	return vma && kbox_want_pages(vma, start, min(start + pages * PAGE_SIZE, vma->vm_end));
}

static bool again_unlocked(long ret, unsigned long start, unsigned long pages)
{
	bool is;

	if (likely(ret != -EEXIST))
		return false;
	mmap_read_lock(current->mm);
	is = again(ret, current->mm, start, pages);
	mmap_read_unlock(current->mm);
	return is;
}

/* A shared mapping has no page of memory ever: no program knows EEXIST of that. */
#define WRAP(type, name, parameters, arguments, try_again)		\
	type __real_##name parameters;					\
	type __wrap_##name parameters;					\
	type __wrap_##name parameters					\
	{								\
		type ret = __real_##name arguments;			\
									\
		if (try_again)						\
			ret = __real_##name arguments;			\
		return ret == -EEXIST ? -EFAULT : ret;			\
	}

WRAP(long, get_user_pages_remote,
	(struct mm_struct *mm, unsigned long start, unsigned long nr, unsigned int flags,
	 struct page **pages, int *locked),
	(mm, start, nr, flags, pages, locked), (!locked || *locked) && again(ret, mm, start, nr))
WRAP(long, pin_user_pages_remote,
	(struct mm_struct *mm, unsigned long start, unsigned long nr, unsigned int flags,
	 struct page **pages, int *locked),
	(mm, start, nr, flags, pages, locked), (!locked || *locked) && again(ret, mm, start, nr))
WRAP(long, pin_user_pages, (unsigned long start, unsigned long nr, unsigned int flags, struct page **pages),
	(start, nr, flags, pages), again(ret, current->mm, start, nr))
WRAP(int, get_user_pages_fast, (unsigned long start, int nr, unsigned int flags, struct page **pages),
	(start, nr, flags, pages), again_unlocked(ret, start, nr))
WRAP(int, pin_user_pages_fast, (unsigned long start, int nr, unsigned int flags, struct page **pages),
	(start, nr, flags, pages), again_unlocked(ret, start, nr))

struct page *__real_get_dump_page(unsigned long addr);
struct page *__wrap_get_dump_page(unsigned long addr);

/* For a core dump, which has a hole where it says that there is none. */
struct page *__wrap_get_dump_page(unsigned long addr)
{
	struct page *page = __real_get_dump_page(addr);

	return !page && again_unlocked(-EEXIST, addr, 1) ? __real_get_dump_page(addr) : page;
}
