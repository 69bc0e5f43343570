// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words that the supervisor, or the kernel's own threads, are to look at, again and again; and
 * threads that nothing reaches.
 */
#include <linux/futex.h>
#include "hostile.h"

static void *bells(void *arg)
{
	for (;;) {
		__atomic_fetch_or(&SHARED->doorbell, ~(1u << KBOX_BELL_EXIT), __ATOMIC_SEQ_CST);
		wake(&SHARED->doorbell);
	}
	return arg;
}

static void *devices(void *arg)
{
	for (;;)
		for (int i = 0; i < KBOX_MAX_VIRTIO; i++) {
			SHARED->virtio[i].notify = ~0u;
			wake(&SHARED->virtio[i].notify);
		}
	return arg;
}

static void *interrupts(void *arg)
{
	for (;;) {
		__atomic_fetch_or(&SHARED->vcpu.irq_pending, ~0u, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&SHARED->vcpu.z_seq, 1, __ATOMIC_SEQ_CST);
		host_call(SYS_futex, &SHARED->vcpu.z_seq, FUTEX_WAKE, 1);
	}
	return arg;
}

static int flood(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	start_thread(devices, NULL);
	start_thread(interrupts, NULL);
	bells(NULL);
	return 0;
}

/* hostile nokernel: the lock of the one CPU is taken, and never let go of. */
static int __attribute__((noreturn)) no_kernel(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	for (;;)
		__atomic_store_n(&SHARED->vcpu.lock, 1, __ATOMIC_SEQ_CST);
}

static void *makes(void *arg)
{
	for (;;)
		host_call(SYS_clone, CLONE_AS_KERNEL_PROCESS, child_stack(0), arg);
	return arg;
}

/*
 * hostile exits: host processes that end at once, so that the supervisor has always some to reap.
 */
static int exits(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	for (int i = 0; i < 3; i++)
		start_thread(makes, own_page);
	makes(own_page);
	return 0;
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static int deaf_thread(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	deaf(spin);
}

const struct command floods[] = {
	{ "flood", flood }, { "nokernel", no_kernel }, { "exits", exits }, { "deaf", deaf_thread }, { },
};
