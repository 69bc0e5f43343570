/* SPDX-License-Identifier: GPL-2.0-only */
/* A program with nothing wrong in it: threads that share, memory of all sizes, a process and a signal. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long sum;
static volatile sig_atomic_t signals;

static void handler(int sig)
{
	signals += sig == SIGUSR1;
}

static void *work(void *arg)
{
	unsigned long own = 0;

	for (size_t size = 1; size < 4 << 20; size = size * 3 + 1) {
		unsigned char *p = malloc(size);

		memset(p, 1, size);
		own += p[size - 1] + p[size / 2];
		free(p);
	}
	pthread_mutex_lock(&lock);
	sum += own * (unsigned long)arg;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t thread[8];
	char *p;
	int st;

	for (unsigned long i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, work, (void *)(i + 1));
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!fork()) {
		work((void *)1);
		memset(p, 'c', 1 << 20);
		_exit(7);
	}
	wait(&st);
	printf("%lu %d %d %c\n", sum, (int)signals, WEXITSTATUS(st), p[1000]);
	return 0;
}
