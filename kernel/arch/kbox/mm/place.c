// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a program's mappings are: by the rules of the ISA's own port (arch/x86/kernel/sys_x86_64.c;
 * for arm64 those of mm/mmap.c), but never in the home (uapi/asm/kbox.h). There a mapping without
 * access can be: it costs the host nothing, and sanitizers protect their gaps so. One that could be
 * accessed is refused as if memory were short.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <asm/exec.h>

unsigned long kbox_task_size __ro_after_init;

/* Longer than the home's guard. */
bool kbox_long_access_ok(unsigned long addr, unsigned long size)
{
	return size <= TASK_SIZE_MAX && addr <= TASK_SIZE_MAX - size && !kbox_meets_home(addr, size);
}

/* brk, mremap and exec do not say what for, and files do not hand it on: then it is refused. */
static unsigned long place_fixed(unsigned long addr, unsigned long len, unsigned long flags, vm_flags_t vm_flags)
{
	if (likely(!kbox_meets_home(addr, len)))
		return addr;
	if (flags & MAP_FIXED_NOREPLACE)
		return -EEXIST;
	return vm_flags && !(vm_flags & VM_ACCESS_FLAGS) ? addr : -ENOMEM;
}

/* The first place below the home, then above it, or the other way round. */
static unsigned long find_place(struct vm_unmapped_area_info *info)
{
	unsigned long low = info->low_limit, high = info->high_limit, addr;
	bool above = info->flags & VM_UNMAPPED_AREA_TOPDOWN;
	int i;

	for (i = 0; i < 2; i++, above = !above) {
		info->low_limit = above ? max(low, KBOX_HOME_END) : low;
		info->high_limit = above ? high : min(high, KBOX_HOME_START);
		if (info->low_limit >= info->high_limit)
			continue;
		addr = vm_unmapped_area(info);
		if (!IS_ERR_VALUE(addr))
			return addr;
	}
	return -ENOMEM;
}

static bool takes_hint(unsigned long addr, unsigned long len, unsigned long end)
{
	struct vm_area_struct *vma;

	if (!addr || end - len < addr || kbox_meets_home(addr, len))
		return false;
	vma = find_vma(current->mm, addr);
	return !vma || addr + len <= vm_start_gap(vma);
}

/*
 * MAP_32BIT is for code that reaches 31 bits: the second gigabyte, but a hint may be anywhere below
 * its end.
 */
static unsigned long bottom_up(unsigned long addr, unsigned long len, unsigned long flags)
{
	struct vm_unmapped_area_info info = { .length = len };

	if (flags & MAP_32BIT) {
		info.low_limit = current->flags & PF_RANDOMIZE ? randomize_page(SZ_1G, SZ_32M) : SZ_1G;
		info.high_limit = SZ_2G;
	} else {
		info.low_limit = BOTTOM_UP_BASE(current->mm);
		info.high_limit = TASK_SIZE;
	}
	if (len > info.high_limit)
		return -ENOMEM;
	addr = PAGE_ALIGN(addr);
	return takes_hint(addr, len, info.high_limit) ? addr : find_place(&info);
}

unsigned long arch_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len, unsigned long pgoff,
				     unsigned long flags, vm_flags_t vm_flags)
{
	if (flags & MAP_FIXED)
		return place_fixed(addr, len, flags, vm_flags);
	return bottom_up(addr, len, flags);
}

unsigned long arch_get_unmapped_area_topdown(struct file *file, unsigned long addr, unsigned long len, unsigned long pgoff,
					     unsigned long flags, vm_flags_t vm_flags)
{
	struct vm_unmapped_area_info info = {
		.flags = VM_UNMAPPED_AREA_TOPDOWN, .length = len,
		.low_limit = flags & MAP_ABOVE4G ? SZ_4G : PAGE_SIZE, .high_limit = current->mm->mmap_base,
	};
	unsigned long at = PAGE_ALIGN(addr);

	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED)
		return place_fixed(addr, len, flags, vm_flags);
	if (flags & MAP_32BIT)
		return bottom_up(addr, len, flags);
	if (takes_hint(at, len, TASK_SIZE))
		return at;
	at = find_place(&info);
	/* A large limit of the stack leaves little room: what is left is above. */
	return IS_ERR_VALUE(at) ? bottom_up(addr, len, flags) : at;
}

/* PROT_GROWSDOWN: mprotect() begins where the mapping of a stack does. */
static unsigned long grown_down(unsigned long start)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, start);
	if (vma)
		start = vma->vm_start;
	mmap_read_unlock(current->mm);
	return start;
}

#ifdef CONFIG_HUGETLBFS
/* Of hugetlbfs, which has functions of its own for that. */
unsigned long hugetlb_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len, unsigned long pgoff,
					unsigned long flags)
{
	struct vm_unmapped_area_info info = {
		.flags = VM_UNMAPPED_AREA_TOPDOWN, .length = len, .low_limit = PAGE_SIZE,
		.high_limit = current->mm->mmap_base, .align_mask = PAGE_MASK & ~huge_page_mask(hstate_file(file)),
	};

	if (len & ~huge_page_mask(hstate_file(file)))
		return -EINVAL;
	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED)
		return prepare_hugepage_range(file, addr, len) ? -EINVAL : place_fixed(addr, len, flags, 0);
	addr = ALIGN(addr, huge_page_size(hstate_file(file)));
	if (takes_hint(addr, len, TASK_SIZE))
		return addr;
	if (!test_bit(MMF_TOPDOWN, &current->mm->flags)) {
		info.flags = 0;
		info.low_limit = BOTTOM_UP_BASE(current->mm);
		info.high_limit = TASK_SIZE;
	}
	return find_place(&info);
}
#endif

static bool gives_access_to_home(unsigned long start, unsigned long len, unsigned long prot)
{
	start = untagged_addr(start);
	if (prot & PROT_GROWSDOWN && !offset_in_page(start)) {
		len += start;
		start = grown_down(start);
		len -= start;
	}
	return prot & (PROT_READ | PROT_WRITE | PROT_EXEC) && len && !offset_in_page(start) &&
	       kbox_meets_home(start, PAGE_ALIGN(len));
}

SYSCALL_DEFINE3(kbox_mprotect, unsigned long, start, size_t, len, unsigned long, prot)
{
	return gives_access_to_home(start, len, prot) ? -ENOMEM : sys_mprotect(start, len, prot);
}

SYSCALL_DEFINE4(kbox_pkey_mprotect, unsigned long, start, size_t, len, unsigned long, prot, int, pkey)
{
	return gives_access_to_home(start, len, prot) ? -ENOMEM : sys_pkey_mprotect(start, len, prot, pkey);
}

/* Caches are the better used if not all stacks begin in the same of their lines. */
unsigned long arch_align_stack(unsigned long sp)
{
	if (!(current->personality & ADDR_NO_RANDOMIZE) && randomize_va_space)
		sp -= get_random_u32_below(STACK_SHIFT_MAX);
	return sp & ~15UL;
}
