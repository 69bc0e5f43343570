// SPDX-License-Identifier: GPL-2.0-only
// For gdb.t, which names some of its lines.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct pair {
	int first;
	const char *second;
};

volatile int watched;

static int depth(int n, struct pair *p)
{
	if (n == 0)
		return p->first;		// bottom
	return depth(n - 1, p) + n;
}

static void *thread(void *arg)
{
	watched += *(int *)arg;			// in a thread
	return NULL;
}

int main(int argc, char **argv)
{
	struct pair pair = { 42, "the answer" };
	int one = 1, sum = depth(3, &pair);
	pthread_t t;

	(void)argv;
	watched = sum;
	pthread_create(&t, NULL, thread, &one);
	pthread_join(t, NULL);
	printf("%d\n", watched);
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "wait"))
		pause();
	if (argc > 1)
		abort();
	return 5;
}
