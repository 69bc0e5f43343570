// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile bomb KIND: as much of something as the guest can have. It says "full" when there is no
 * more, or a part of it has been killed for that, and holds on to all there is.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "hostile.h"

static int tell;	/* a pipe to the first process */

static void __attribute__((noreturn)) full(void)
{
	if (write(tell, "", 1) != 1)
		_exit(1);
	stay();
}

static void forks(void)
{
	for (;;)
		if (fork() < 0)
			full();
}

static void *sleeper(void *arg)
{
	stay();
	return arg;
}

static void threads(void)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	while (!pthread_create(&t, &a, sleeper, NULL))
		;
	full();
}

static void anonymous(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			full();
		memset(p, 1, 1 << 20);
	}
}

static void write_out(const char *path)
{
	static char buf[1 << 16] = { 1 };
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	long n = 0;

	while (write(fd, buf, sizeof(buf)) > 0)
		if (++n % 64 == 0)
			fdatasync(fd);
	fsync(fd);
	full();
}

static void tmpfs(void)
{
	write_out("/tmp/bomb");
}

static void disk(void)
{
	write_out("/bomb");
}

static void descriptors(void)
{
	for (int i = 0; i < 100; i++)
		if (fork() <= 0)
			break;
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	full();
}

static void pipes(void)
{
	static char buf[1 << 20];
	int p[2];

	while (!pipe2(p, O_NONBLOCK)) {
		fcntl(p[1], F_SETPIPE_SZ, sizeof(buf));
		while (write(p[1], buf, sizeof(buf)) > 0)
			;
	}
	full();
}

static void nothing(int sig)
{
	(void)sig;
}

static void signals(void)
{
	union sigval v = { 0 };

	for (int sig = 1; sig < 65; sig++)
		signal(sig, nothing);
	for (int i = 0; i < 8; i++)
		if (fork() <= 0)
			break;
	for (int i = 0; i < 2000; i++) {
		kill(0, SIGUSR1);
		sigqueue(getpgrp(), SIGRTMIN + i % 8, v);
	}
	write(tell, "", 1);
	for (;;)
		kill(0, SIGUSR2);
}

static void *spinner(void *arg)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
	return arg;
}

/* All of these are in user code, and have to be fetched out of it, again and again. */
static void kicks(void)
{
	pthread_t t[32];

	signal(SIGUSR1, nothing);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_create(&t[i], NULL, spinner, NULL);
	for (int n = 0;; n++) {
		for (size_t i = 0; i < COUNT(t); i++)
			pthread_kill(t[i], SIGUSR1);
		if (n == 50)
			write(tell, "", 1);
	}
}

static const struct { const char *name; void (*go)(void); } kinds[] = {
	{ "forks", forks }, { "threads", threads }, { "anonymous", anonymous }, { "tmpfs", tmpfs }, { "disk", disk },
	{ "descriptors", descriptors }, { "pipes", pipes }, { "signals", signals }, { "kicks", kicks },
};

/* How much a process is one to be killed for want of memory. */
static void oom_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, score, strlen(score)) < 0)
		perror("hostile: oom_score_adj");
	close(fd);
}

static void start(void (*go)(void))
{
	if (fork())
		return;
	setpgid(0, 0);
	oom_score("1000");
	go();
	_exit(0);
}

static int bomb(int argc, char **argv)
{
	int p[2];
	char c;

	oom_score("-1000");
	if (pipe(p))
		return 2;
	tell = p[1];
	for (size_t i = 0; argc > 1 && i < COUNT(kinds); i++) {
		if (!strcmp(kinds[i].name, argv[1])) {
			start(kinds[i].go);
			close(p[1]);	/* who is killed says nothing, but it is the end of the pipe */
			while (read(p[0], &c, 1) < 0)
				;
			printf("full\n");
			stay();
		}
	}
	return 2;
}

const struct command bombs[] = { { "bomb", bomb }, { } };
