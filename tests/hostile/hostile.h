/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can do that owns its kernel. It runs in a box, in user mode; but the kernel's
 * memory is mapped beside its own, so it writes into that, and calls what is there.
 */
#ifndef HOSTILE_H
#define HOSTILE_H
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/kbox.h>

#define PAGE		4096UL
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
/* The first function in the kernel's image is the one that calls the host (vmlinux.lds.S). */
#define KERNEL_TEXT	(KBOX_PAGE_OFFSET + KBOX_IMAGE_PHYS)
#define BOOT		((volatile struct kbox_boot *)(KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS))
#define SHARED		((volatile struct kbox_shared *)(KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS))

typedef long host_call_fn(long, long, long, long, long, long, long);
#define host_call7	((host_call_fn *)KERNEL_TEXT)
#define HOST_ARGS(nr, a, b, c, d, e, f, ...) \
	host_call7(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* host_call(nr, up to six arguments): any system call of the host, from the kernel's text. */
#define host_call(...)	HOST_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* A page of this program's, written to, which the host can read and write. */
extern char own_page[PAGE];

/* memory.c */
void *guest_memory(uint64_t phys);
uint64_t phys_of(void *page);		/* where in guest memory a page of this program is */
void *own_kernel_text(void);		/* this host process has a kernel's text of its own from here on */
void *find_code(const void *code, size_t n);	/* in the kernel's first page of text, or NULL */

/* signals.c */
void deaf(void (*then)(void)) __attribute__((noreturn));	/* all host signals are blocked there */
void compat(void *code) __attribute__((noreturn));	/* goes to 32-bit code */

/* shared.c */
void ring(int bell);
void wake(volatile uint32_t *word);	/* whoever waits for this futex */
void end_box(enum kbox_exit kind, int status);
void start_thread(void *(*fn)(void *), void *arg);
void stay(void) __attribute__((noreturn));

/* calls.c */
void *in_kernel(void *page);		/* its address in the kernel's memory */

/* child.c: the stack of a child of the host's clone(2) that ends, or stays; or that runs this. */
void *child_stack(int stays);
void *stack_for(void (*run)(void));
extern volatile int child_lived;

/* As the kernel makes its host processes and threads. */
#define CLONE_AS_KERNEL_PROCESS	(0x8000 | 0x400 | 0x100000 | 17)	/* PARENT, FILES, PARENT_SETTID */
#define CLONE_AS_KERNEL_THREAD	0x150f00	/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID */

/* Sub-commands, by file. */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};
extern const struct command calls[], shared[], queues[], consoles[], floods[], bombs[], randoms[], files[],
	channels[];

#endif
