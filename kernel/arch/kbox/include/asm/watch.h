/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_WATCH_H
#define _ASM_KBOX_WATCH_H
/*
 * Addresses that a debugger watches: mm/watch.c does it with mappings. What the ISA's debug
 * registers say, and what a hit is to a tracer: its debugreg.c. asm/debugreg.h comes before this
 * and has WATCHES and struct isa_debug.
 */
#include <linux/types.h>
#include <asm/fault.h>

struct mm_struct;
struct task_struct;
struct vm_area_struct;

enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_EXEC = 4 };

/* What a page fault was, of its PF_*. */
static inline unsigned int watch_kind(unsigned long code)
{
	return code & PF_INSTR ? WATCH_EXEC : code & PF_WRITE ? WATCH_WRITE : WATCH_READ;
}

/* What one register is for; kind 0: nothing. */
struct watch {
	unsigned long addr;
	u8 size, kind;
};

struct watch_access {
	unsigned long addr;
	unsigned int size;
	u8 kind;
};

static inline bool watch_is_hit(const struct watch *w, const struct watch_access *a)
{
	return a->kind & w->kind & (WATCH_READ | WATCH_WRITE) && a->addr < w->addr + w->size && w->addr < a->addr + a->size;
}

#define ACCESSES	4

struct thread_debug {
	struct watch watch[WATCHES];
	/* The instruction that is to run alone, and what it accesses of closed pages. */
	unsigned long ip;		/* 0: none */
	unsigned int accesses;
	struct watch_access access[ACCESSES];
	struct isa_debug isa;
};

extern struct thread_debug *debug_of(struct task_struct *t);
extern void debug_free(struct task_struct *t);
extern void debug_mm_free(struct mm_struct *mm);
extern void debug_mapping(unsigned long addr, unsigned long pages);
extern void debug_text_written(struct vm_area_struct *vma, unsigned long addr);

extern int watch_update(struct mm_struct *mm);
extern bool watch_breakpoint(unsigned long ip);
extern unsigned int watch_access_hits(const struct thread_debug *td);
extern unsigned int watch_exec_hits(const struct thread_debug *td, unsigned long ip);
extern void watch_note(struct thread_debug *td, unsigned long ip, struct watch_access access);
extern bool watch_fault(unsigned long ip, unsigned long addr, unsigned int kind);
extern void watch_entered(void);
extern bool watch_waited(void);
extern void watch_run_alone(struct thread_debug *td);
extern void watch_close(void);
#endif
