// SPDX-License-Identifier: GPL-2.0-only
/* The descriptors that kbox was given and the guest gets: stdio, and those of --fd. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "bell.h"
#include "box.h"
#include "thread.h"

/*
 * Descriptors 0 to 2, before anything else is opened. One that is closed is held with /dev/null:
 * what is opened later (the image!) must not become the guest's output.
 */
void claim_stdio(struct stdio io[3])
{
	for (int i = 0; i < 3; i++) {
		int flags = fcntl(i, F_GETFL);

		io[i] = (struct stdio) { 0, flags & O_ACCMODE };
		if (flags < 0) {
			io[i] = (struct stdio) { KBOX_STDIO_CLOSED, O_RDWR };
			/* 0 to i-1 are open, so this is i */
			if (open("/dev/null", O_RDWR) != i)
				_exit(EXIT_FAIL);
		} else if (isatty(i)) {
			io[i].kind = KBOX_STDIO_TTY;
		}
	}
}

/* Also before: the number must not be one of ours. */
void check_fds(const struct box *b)
{
	struct stat st;

	for (size_t i = 0; i < b->opt.nfds; i++) {
		int fd = b->opt.fds[i].host, flags = fcntl(fd, F_GETFL);

		if (flags < 0 || fstat(fd, &st) || (fd < 3 && b->stdio[fd].kind == KBOX_STDIO_CLOSED))
			die("--fd %d: it is not open; let the shell open it, as in kbox --fd %d ... %d<FILE", fd, fd, fd);
		if (flags & O_PATH || S_ISDIR(st.st_mode))
			die("--fd %d: it is a directory or of O_PATH, which a guest cannot have", fd);
	}
}

/* Names of AF_UNIX are files of the host, or other processes. */
static bool has_names(int socket)
{
	int domain;

	return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &(socklen_t){ sizeof(domain) }) || domain != AF_UNIX;
}

static bool is_null(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* A mapping of it that is shared is memory of the host's that nobody counts. */
static bool is_zero(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 5);
}

static void offer(struct box *b, int fd)
{
	struct stat st;

	b->shared->offered[fd / 64] |= 1UL << fd % 64;
	if (fstat(fd, &st))
		return;
	b->zero |= is_zero(&st);
	b->mappable |= S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) || S_ISSOCK(st.st_mode);
	if (S_ISSOCK(st.st_mode)) {
		b->sockets = true;
		b->boot->names |= has_names(fd);
	}
}

static bool offered(const struct kbox_shared *shared, int fd)
{
	return shared->offered[fd / 64] & 1UL << fd % 64;
}

/* What the kernel can take, and what it waits with. */
void offer_fds(struct box *b)
{
	struct kbox_boot *boot = b->boot;

	boot->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	boot->null_fd = b->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (boot->epoll_fd < 0 || boot->null_fd < 0)
		die("epoll or /dev/null: %s", reason(errno));
	for (int i = 0; i < 3 && !b->resume; i++)
		b->null[i] = is_null(i);
	for (int i = 0; i < 3; i++)
		if (!b->stdio[i].kind || b->resume)	/* who has taken a file there before finds /dev/null */
			offer(b, i);
	for (size_t i = 0; i < b->opt.nfds; i++)
		if (b->opt.fds[i].host > 2)	/* stdio is the guest's anyway */
			offer(b, b->opt.fds[i].host);
	if (b->diff_fd > 2)
		offer(b, b->diff_fd);
	if (b->agent_fd >= 0)
		offer(b, b->agent_fd);
	boot->maps = (b->mappable || b->volumes.n) && !b->zero;
}

static int edge_fd;	/* an epoll instance that has the guest's alone: readable once when there is more */

/*
 * To ask the guest's instance is to ask the files in it, among which may be one that takes its time
 * (FUSE). So the loop does not.
 */
static void *wait_for_more(void *arg)
{
	struct epoll_event event;
	struct box *b = arg;

	for (;;)
		if (epoll_wait(edge_fd, &event, 1, -1) == 1)
			raise_irq(&b->shared->vcpu, KBOX_IRQ_HOSTFD);
	return NULL;
}

/*
 * The guest's kernel must not wait in the host's. What it wishes to know of descriptors it has put
 * into an epoll instance, of which we hear once when there is more.
 */
void watch_fds(struct box *b)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	edge_fd = epoll_create1(EPOLL_CLOEXEC);
	if (edge_fd < 0 || epoll_ctl(edge_fd, EPOLL_CTL_ADD, b->boot->epoll_fd, &event))
		die("epoll: %s", reason(errno));
	start_thread(wait_for_more, b);
}

/* There can be a thousand million of them. */
static bool close_listed(unsigned from, unsigned to)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		unsigned fd = atoi(e->d_name);

		if (fd >= from && fd <= to && fd != (unsigned)dirfd(dir))
			close(fd);
	}
	return dir && !closedir(dir);
}

void close_from_to(unsigned from, unsigned to)
{
	struct rlimit files;

	if (!is_hidden(KBOX_HIDE_CLOSE_RANGE) && !close_range(from, to, 0))
		return;
	/* Before Linux 5.9 */
	if (close_listed(from, to) || getrlimit(RLIMIT_NOFILE, &files))
		return;
	for (; from <= to && from < files.rlim_max; from++)
		close(from);
}

void close_all_but(int fd)
{
	if (fd > 3)
		close_from_to(3, fd - 1);
	close_from_to(fd + 1, ~0U);
}

/*
 * In the kernel's process: it has these and no others; and that one. The terminal of stdio is the
 * supervisor's, which has a console for the guest instead.
 */
int keep_fds(const struct box *b, int also)
{
	const struct kbox_boot *boot = b->boot;
	int from = 3;

	for (int fd = 0; fd < 3; fd++)
		if (b->stdio[fd].kind == KBOX_STDIO_TTY || (b->resume && b->null[fd]))
			dup2(boot->null_fd, fd);
	for (int fd = 3; fd < KBOX_MAX_OFFER; fd++) {
		if (!offered(b->shared, fd) && fd != b->mem_fd && fd != boot->epoll_fd && fd != boot->null_fd && fd != also)
			continue;
		if (fd > from)
			close_from_to(from, fd - 1);
		from = fd + 1;
	}
	close_from_to(from, ~0U);
	return from;
}

/*
 * In the launcher, when the kernel's process has them: when the guest closes one it is to be
 * closed.
 */
void leave_fds(const struct box *b)
{
	for (int i = 0; i < 2; i++)
		if (!b->stdio[i].kind)
			dup2(b->null_fd, i);
	for (size_t i = 0; i < b->opt.nfds; i++)
		if (b->opt.fds[i].host > 2)
			close(b->opt.fds[i].host);
	if (b->agent_fd >= 0)
		close(b->agent_fd);
}
