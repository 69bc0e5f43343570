/* SPDX-License-Identifier: GPL-2.0-only */
/* Two threads write to the same, one after the other by chance. */
#include <pthread.h>

static int shared;

static void *work(void *arg)
{
	for (int i = 0; i < 1000; i++)
		shared += i;
	return arg;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, work, NULL);
	pthread_create(&b, NULL, work, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
