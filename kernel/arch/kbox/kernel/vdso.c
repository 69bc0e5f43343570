// SPDX-License-Identifier: GPL-2.0-only
/* The vDSO (vdso/) and its data in the guest's address spaces. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <vdso/datapage.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vdso.h>
#include <asm/vdso/vsyscall.h>

extern char kbox_vdso_start[], kbox_vdso_end[];

union vdso_data_store kbox_vdso_data __page_aligned_data;

static struct page *text_pages[8];

static vm_fault_t vvar_fault(const struct vm_special_mapping *sm, struct vm_area_struct *vma, struct vm_fault *vmf)
{
	struct page *timens = find_timens_vvar_page(vma), *data = virt_to_page(&kbox_vdso_data);

	if (vmf->pgoff == VVAR_DATA_PAGE)
		return vmf_insert_pfn(vma, vmf->address, page_to_pfn(timens ?: data));
	if (vmf->pgoff == VVAR_TIMENS_PAGE && timens)
		return vmf_insert_pfn(vma, vmf->address, page_to_pfn(data));
	return VM_FAULT_SIGBUS;
}

static struct vm_special_mapping vvar = { .name = "[vvar]", .fault = vvar_fault };
static struct vm_special_mapping vdso = { .name = "[vdso]", .pages = text_pages };

void kbox_vdso_host(void)
{
	int i;

	for (i = 0; i < CS_BASES; i++)
		kbox_vdso_data.data[i].arch_data = (struct arch_vdso_data) {
			kbox_boot->vdso_clock_gettime, kbox_boot->clock_offset,
		};
}

static int __init vdso_init(void)
{
	char *p;
	int i = 0;

	BUILD_BUG_ON(sizeof(kbox_vdso_data.data) > VVAR_RNG_OFFSET);
	if (kbox_vdso_end - kbox_vdso_start >= ARRAY_SIZE(text_pages) * PAGE_SIZE)
		panic("the vDSO is too large");
	for (p = kbox_vdso_start; p < kbox_vdso_end; p += PAGE_SIZE)
		text_pages[i++] = virt_to_page(p);
	kbox_vdso_host();
	return 0;
}
arch_initcall(vdso_init);

/* With mm locked for writing. hint: where, if that is free; 0: anywhere. */
static int map_vdso(struct mm_struct *mm, unsigned long hint)
{
	const unsigned long data = VVAR_PAGES * PAGE_SIZE, text = kbox_vdso_end - kbox_vdso_start;
	unsigned long addr = get_unmapped_area(NULL, hint, data + text, 0, 0);
	struct vm_area_struct *vma;

	lockdep_assert_held_write(&mm->mmap_lock);
	if (IS_ERR_VALUE(addr))
		return addr;
	vma = _install_special_mapping(mm, addr, data, VM_READ | VM_MAYREAD | VM_PFNMAP | VM_DONTDUMP, &vvar);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	vma = _install_special_mapping(mm, addr + data, text, VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, &vdso);
	if (IS_ERR(vma)) {
		do_munmap(mm, addr, data, NULL);
		return PTR_ERR(vma);
	}
	mm->context.vdso = addr + data;
	return 0;
}

/* For exec. */
int kbox_map_vdso(struct mm_struct *mm)
{
	int r;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	r = map_vdso(mm, 0);
	mmap_write_unlock(mm);
	return r;
}

/* ARCH_MAP_VDSO_64, by which CRIU puts it where it was. Returns the size of its text. */
long kbox_map_vdso_again(unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, 0);
	long r = 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	for_each_vma(vmi, vma)
		if (vma_is_special_mapping(vma, &vdso) || vma_is_special_mapping(vma, &vvar))
			r = -EEXIST;
	r = r ?: map_vdso(mm, addr);
	mmap_write_unlock(mm);
	return r ?: kbox_vdso_end - kbox_vdso_start;
}

struct vdso_data *arch_get_vdso_data(void *page)
{
	return page;
}

/* The pages of data of the old namespace go; those of the new one come by faults. */
int vdso_join_timens(struct task_struct *t, struct time_namespace *ns)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, t->mm, 0);

	mmap_read_lock(t->mm);
	for_each_vma(vmi, vma)
		if (vma_is_special_mapping(vma, &vvar))
			zap_vma_pages(vma);
	mmap_read_unlock(t->mm);
	return 0;
}
