/* SPDX-License-Identifier: GPL-2.0-only */
/* The tool: all actions by name, and the agent, which does what it reads. */
#ifndef HOSTFD_AGENT_H
#define HOSTFD_AGENT_H
#include "hostfd-sockets.h"

#define SIMPLE(name, call) static long do_##name(void) { return call; }
SIMPLE(open, open(words[0], num(1), 0600))
SIMPLE(close, close(num(0)))
SIMPLE(close_range, close_range_(num(0), num(1), 0))
SIMPLE(dup, dup(num(0)))
SIMPLE(dup2, dup2(num(0), num(1)))
SIMPLE(fcntl, fcntl(num(0), num(1), num(2)))
SIMPLE(lseek, lseek(num(0), num(1), num(2)))
SIMPLE(ftruncate, ftruncate(num(0), num(1)))
SIMPLE(fallocate, fallocate(num(0), num(1), num(2), num(3)))
SIMPLE(fsync, fsync(num(0)))
SIMPLE(fdatasync, fdatasync(num(0)))
SIMPLE(fadvise, posix_fadvise(num(0), num(1), num(2), num(3)))
SIMPLE(fchmod, fchmod(num(0), num(1)))
SIMPLE(epoll_create, epoll_create1(0))
SIMPLE(listen, listen(num(0), num(1)))
SIMPLE(shutdown, shutdown(num(0), num(1)))
SIMPLE(tcdrain, tcdrain(num(0)))
SIMPLE(tcflush, tcflush(num(0), num(1)))
SIMPLE(unused, fcntl(num(0), F_GETFD) < 0 && errno == EBADF ? 0 : -1)

static long do_child(void);
static long do_later(void);

#define A(f) { #f, do_##f }
static const struct { const char *name; long (*run)(void); } actions[] = {
	A(read), A(pread), A(readv), A(preadv), A(write), A(pwrite), A(fill), A(drain), A(lseek), A(ftruncate), A(fallocate), A(fsync),
	A(fdatasync), A(fstat), A(fadvise), A(fchmod), A(sendfile), A(splice), A(copy_file_range),
	A(open), A(close), A(close_range), A(dup), A(dup2), A(fcntl), A(pipe), A(socketpair), A(limit), A(link), A(hostfds), A(take),
	A(poll), A(select), A(epoll_create), A(epoll_ctl), A(epoll_wait), A(epoll_twice), A(epoll_drain), A(epoll_fill),
	A(handle), A(ignore), A(caught), A(alarm),
	A(mmap), A(peek), A(poke), A(touch), A(look), A(change), A(read_into), A(write_from), A(mprotect), A(msync), A(madvise),
	A(munmap), A(mremap), A(futex_wait),
	A(isatty), A(winsize), A(set_winsize), A(tcgetattr), A(tcsetattr), A(tcdrain), A(tcflush), A(ioctl_int),
	A(bind), A(connect), A(listen), A(accept), A(shutdown), A(getsockname), A(getpeername), A(getsockopt), A(setsockopt),
	A(set_bytes), A(get_bytes), A(set_timeout), A(get_timeout), A(recv), A(sendmsg), A(recvmsg), A(receive_many),
	A(unused), A(child), A(later),
};

static void put_all(const char *p, size_t n)
{
	while (n) {
		ssize_t ret = write(1, p, n);

		if (ret < 0 && errno != EINTR)
			_exit(97);
		if (ret > 0)
			p += ret, n -= ret;
	}
}

/* What the words say; returns -errno for what fails. */
static long run_words(void)
{
	const char *name = words[0];
	long ret = -1;

	saying = 0;
	errno = ENOSYS;
	memmove(words, words + 1, --nwords * sizeof(*words));
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, name))
			ret = actions[i].run();
	return ret == -1 ? -errno : ret;
}

static bool act(void)
{
	long ret = run_words();
	char result[30];

	snprintf(result, sizeof(result), "%ld", ret);
	put_all(result, strlen(result));
	put_all(said, saying);
	put_all("\n", 1);
	return ret >= 0;
}

/* An action by a child, which says how it went; then how the child ended. */
static long do_child(void)
{
	pid_t pid = fork();
	int st;

	if (pid < 0)
		return -1;
	if (!pid) {
		act();
		_exit(0);
	}
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	return st;
}

/* MILLISECONDS ACTION: by a child, which says nothing and is not waited for. */
static long do_later(void)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -1 : 0;
	sleep_ms(num(0));
	memmove(words, words + 1, --nwords * sizeof(*words));
	run_words();
	_exit(0);
}

static bool split(char *line)
{
	nwords = 0;
	for (char *word = strtok(line, " \n"); word && nwords < WORDS; word = strtok(NULL, " \n"))
		words[nwords++] = word;
	return nwords;
}

/* Lines of input, until it ends. */
static int agent(void)
{
	static char line[4 << 20];
	size_t n = 0;
	ssize_t got;
	char *end;

	for (;;) {
		got = read(0, line + n, sizeof(line) - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got;
		n += got;
		line[n] = 0;
		end = strchr(line, '\n');
		if (!end)
			continue;
		if (split(line))
			act();
		n = 0;		/* who asks waits for the answer */
	}
}

static bool is_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, name))
			return true;
	return false;
}

#endif
