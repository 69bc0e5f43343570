// SPDX-License-Identifier: GPL-2.0-only
/* The supervisor's threads, each of them locked in. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "lockin.h"
#include "thread.h"

#define STACK_SIZE (256UL << 10)

/*
 * Filters of containers older than clone3(2) refuse it with EPERM, and libc knows another way only
 * if there is no such call. Of filters that refuse a call the last one's error counts.
 */
static void without_clone3(void)
{
	static struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* pthread_create(3) says EAGAIN also where there is no memory for the stack. */
static bool have_stack(void)
{
	void *p = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !munmap(p, STACK_SIZE);
}

struct beginning {
	void (*before)(void);
	void *(*fn)(void *);
	void *arg;
	sem_t locked;
};

static void *begin(void *arg)
{
	struct beginning *b = arg;
	void *(*fn)(void *) = b->fn;
	void *own = b->arg;

	if (b->before)
		b->before();
	lock_in_thread();
	sem_post(&b->locked);	/* its memory goes */
	return fn(own);
}

void start_thread_with(void (*before)(void), void *(*fn)(void *), void *arg)
{
	struct beginning beginning = { .before = before, .fn = fn, .arg = arg };
	pthread_attr_t attr;
	pthread_t t;
	int err;

	sem_init(&beginning.locked, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&t, &attr, begin, &beginning);
	if (err == EPERM) {
		without_clone3();
		err = pthread_create(&t, &attr, begin, &beginning);
	}
	if (err == EAGAIN && !have_stack())
		err = ENOMEM;
	if (err)
		die("cannot start a thread: %s", reason(err));
	pthread_attr_destroy(&attr);
	while (sem_wait(&beginning.locked))
		;
}

void start_thread(void *(*fn)(void *), void *arg)
{
	start_thread_with(NULL, fn, arg);
}
