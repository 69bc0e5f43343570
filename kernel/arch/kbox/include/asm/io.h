/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_IO_H
#define _ASM_KBOX_IO_H
#include <linux/types.h>
#include <asm/page.h>
#define virt_to_phys(p) __pa(p)
#define phys_to_virt(p) __va(p)
/* There is no device memory. */
#define ioremap ioremap
static inline void __iomem *ioremap(phys_addr_t addr, size_t size)
{
	return NULL;
}
#define ioremap_prot ioremap_prot
static inline void __iomem *ioremap_prot(phys_addr_t addr, size_t size, unsigned long prot)
{
	return NULL;
}
#define iounmap iounmap
static inline void iounmap(void __iomem *addr)
{
}
#include <asm-generic/io.h>
#endif
