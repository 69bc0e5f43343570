/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tool's actions. Their arguments are words. They return as system calls do, and add words to
 * what is said of them.
 */
#ifndef HOSTFD_ACTIONS_H
#define HOSTFD_ACTIONS_H
#include "hostfd.h"

enum { WORDS = 700 };

static char *words[WORDS], said[8 << 20];
static int nwords;
static size_t saying;

static long num(int i)
{
	return i < nwords ? strtol(words[i], NULL, 0) : 0;
}

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	saying += vsnprintf(said + saying, sizeof(said) - saying, format, ap);
	va_end(ap);
}

static void say_bytes(const void *data, long n)
{
	const unsigned char *p = data;

	say(n > 0 ? " " : " -");
	for (long i = 0; i < n; i++)
		say("%02x", p[i]);
}

/* What has been read is also said. */
static long with_bytes(long n, const void *data)
{
	if (n >= 0)
		say_bytes(data, n);
	return n;
}

static long from_hex(const char *hex, unsigned char *to)
{
	long n = 0;

	for (; sscanf(hex, "%2hhx", &to[n]) == 1; hex += 2)
		n++;
	return n;
}

static char *bytes(size_t n)
{
	char *p = calloc(1, n + 1);

	if (!p)
		_exit(98);
	return p;
}

/* "5,7": buffers of 5 and 7 bytes. "6162,63": these bytes; an empty one is "-". */
static int vectors(char *list, bool hex, struct iovec *iov)
{
	int n = 0;

	for (char *word = strtok(list, ","); word; word = strtok(NULL, ","), n++) {
		size_t len = hex ? strlen(word) / 2 : strtoul(word, NULL, 0);

		iov[n] = (struct iovec) { bytes(len), len };
		if (hex)
			from_hex(word, iov[n].iov_base);
	}
	return n;
}

static void say_vectors(const struct iovec *iov, int n, long len)
{
	char *all = bytes(len), *to = all;

	for (int i = 0; i < n && to < all + len; i++) {
		size_t part = iov[i].iov_len < (size_t)(all + len - to) ? iov[i].iov_len : (size_t)(all + len - to);

		to = mempcpy(to, iov[i].iov_base, part);
	}
	say_bytes(all, len);
	free(all);
}

static void free_vectors(struct iovec *iov, int n)
{
	while (n--)
		free(iov[n].iov_base);
}

static long do_read(void)
{
	char *buf = bytes(num(1));

	return with_bytes(read(num(0), buf, num(1)), buf);
}

static long do_pread(void)
{
	char *buf = bytes(num(1));

	return with_bytes(pread(num(0), buf, num(1), num(2)), buf);
}

static long read_vectors(bool at)
{
	struct iovec iov[16];
	int n = vectors(words[1], false, iov);
	long ret = at ? preadv(num(0), iov, n, num(2)) : readv(num(0), iov, n);

	if (ret >= 0)
		say_vectors(iov, n, ret);
	free_vectors(iov, n);
	return ret;
}

static long write_vectors(bool at)
{
	struct iovec iov[16];
	int n = vectors(words[1], true, iov);
	long ret = at ? pwritev(num(0), iov, n, num(2)) : writev(num(0), iov, n);

	free_vectors(iov, n);
	return ret;
}

static long do_readv(void) { return read_vectors(false); }
static long do_preadv(void) { return read_vectors(true); }
static long do_write(void) { return write_vectors(false); }
static long do_pwrite(void) { return write_vectors(true); }

/* FD N: N bytes of the pattern, in one call. */
static long do_fill(void)
{
	long n = num(1), ret;
	char *buf = bytes(n);

	for (long i = 0; i < n; i++)
		buf[i] = i % 251;
	ret = write(num(0), buf, n);
	free(buf);
	return ret;
}

/* FD N: N bytes by as many calls as that takes, and whether they were the pattern. */
static long do_drain(void)
{
	unsigned char buf[65536];
	long done = 0, n = num(1), ret = 1, wrong = 0;

	while (done < n && (ret = read(num(0), buf, n - done < (long)sizeof(buf) ? n - done : (long)sizeof(buf))) > 0)
		for (long i = 0; i < ret; i++)
			wrong += buf[i] != done++ % 251;
	say(" %ld", wrong);
	return ret < 0 ? ret : done;
}

static long do_fstat(void)
{
	struct stat st;
	long ret = fstat(num(0), &st);

	if (!ret)
		say(" %u %lld %llu %lu %llu %lld %ld", st.st_mode, (long long)st.st_size, (unsigned long long)st.st_ino,
		    (unsigned long)st.st_nlink, (unsigned long long)st.st_rdev, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return ret;
}

static long do_sendfile(void)
{
	off_t off = num(2);
	long ret = sendfile(num(0), num(1), off < 0 ? NULL : &off, num(3));

	if (ret >= 0)
		say(" %lld", (long long)off);
	return ret;
}

/* IN OFFSET OUT OFFSET LENGTH FLAGS */
static long do_splice(void)
{
	off_t in = num(1), out = num(3);

	return splice(num(0), in < 0 ? NULL : &in, num(2), out < 0 ? NULL : &out, num(4), num(5));
}

static long do_copy_file_range(void)
{
	off_t in = num(1), out = num(3);

	return copy_file_range(num(0), in < 0 ? NULL : &in, num(2), out < 0 ? NULL : &out, num(4), num(5));
}

static long do_link(void)
{
	char path[40], link[200];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%ld", num(0));
	n = readlink(path, link, sizeof(link));
	if (n > 0)
		say(" %.*s", (int)n, link);
	return n < 0 ? n : 0;
}

static long pair_made(long ret, const int fds[2])
{
	if (!ret)
		say(" %d %d", fds[0], fds[1]);
	return ret;
}

static long do_pipe(void)
{
	int fds[2];

	return pair_made(pipe(fds), fds);
}

static long do_socketpair(void)
{
	int fds[2];

	return pair_made(socketpair(AF_UNIX, num(0), 0, fds), fds);
}

static long do_limit(void)
{
	struct rlimit l = { num(0), num(0) };

	return setrlimit(RLIMIT_NOFILE, &l);
}

/* Those of /proc/hostfds. */
static long do_hostfds(void)
{
	char text[4096], *p = text;
	int n = 0, host, count, step;

	slurp("/proc/hostfds", text, sizeof(text));
	for (; sscanf(p, "%d %d\n%n", &host, &count, &step) == 2; n++, p += step)
		say(" %d:%d", host, count);
	return n;
}

static long do_take(void)
{
	static int dev = -1;

	if (dev < 0)
		dev = open("/dev/kboxfd", O_RDWR | O_CLOEXEC);
	return dev < 0 ? dev : ioctl(dev, KBOX_IOC_TAKE, num(0));
}

/* Waiting. */
static long do_poll(void)
{
	struct pollfd p[WORDS];
	long ret;

	for (int i = 1; i < nwords; i++) {
		int fd, events;

		sscanf(words[i], "%d:%d", &fd, &events);
		p[i - 1] = (struct pollfd) { fd, events, 0 };
	}
	ret = poll(p, nwords - 1, num(0));
	for (int i = 1; ret >= 0 && i < nwords; i++)
		say(" %d", p[i - 1].revents);
	return ret;
}

/* TIMEOUT r5 w7 e8 */
static long do_select(void)
{
	struct timeval t = { num(0) / 1000, num(0) % 1000 * 1000 };
	fd_set sets[3];
	long ret;

	for (int i = 0; i < 3; i++)
		FD_ZERO(&sets[i]);
	for (int i = 1; i < nwords; i++)
		FD_SET(atoi(words[i] + 1), &sets[strchr("rwe", *words[i]) - "rwe"]);
	ret = select(FD_SETSIZE, &sets[0], &sets[1], &sets[2], num(0) < 0 ? NULL : &t);
	for (int i = 1; ret > 0 && i < nwords; i++)
		if (FD_ISSET(atoi(words[i] + 1), &sets[strchr("rwe", *words[i]) - "rwe"]))
			say(" %s", words[i]);
	return ret;
}

/* EPOLL OP FD EVENTS */
static long do_epoll_ctl(void)
{
	struct epoll_event e = { .events = num(3), .data.fd = num(2) };

	return epoll_ctl(num(0), num(1), num(2), &e);
}

/* EPOLL TIMEOUT */
static long do_epoll_wait(void)
{
	struct epoll_event e[100];
	long ret = epoll_wait(num(0), e, ARRAY_SIZE(e), num(1));

	for (int i = 0; i < ret; i++)
		say(" %d:%u", e[i].data.fd, e[i].events);
	return ret;
}

/* FD EVENTS TIMEOUT: in a new instance; what there is at once, and what comes after that */
static long do_epoll_twice(void)
{
	struct epoll_event e = { .events = num(1) };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	long ret = epoll_ctl(ep, EPOLL_CTL_ADD, num(0), &e);

	if (!ret) {
		ret = epoll_wait(ep, &e, 1, 0);
		say(" %ld", (long)epoll_wait(ep, &e, 1, num(2)));
	}
	close(ep);
	return ret;
}

/* N FD...: N bytes in all, as edges tell of them. */
static long do_epoll_drain(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	struct epoll_event e[100];
	char buf[4096];
	long got = 0;
	ssize_t ret;

	for (int i = 1; i < nwords; i++) {
		e[0] = (struct epoll_event) { .events = EPOLLIN | EPOLLET, .data.fd = num(i) };
		if (fcntl(num(i), F_SETFL, O_NONBLOCK) || epoll_ctl(ep, EPOLL_CTL_ADD, num(i), e))
			return -1;
	}
	while (got < num(0) && (n = epoll_wait(ep, e, ARRAY_SIZE(e), -1)) >= 0)
		while (n--)
			while ((ret = read(e[n].data.fd, buf, sizeof(buf))) > 0)
				got += ret;
	close(ep);
	return got;
}

/* N FD: N bytes of the pattern, more as edges tell that there is room. */
static long do_epoll_fill(void)
{
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = num(1);
	char *buf = bytes(num(0));
	long done = 0;
	ssize_t ret;

	for (long i = 0; i < num(0); i++)
		buf[i] = i % 251;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		return -1;
	while (done < num(0) && epoll_wait(ep, &e, 1, -1) == 1)
		while (done < num(0) && (ret = write(fd, buf + done, num(0) - done)) > 0)
			done += ret;
	close(ep);
	free(buf);
	return done;
}

static volatile int caught[65];

static void catch(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	caught[sig]++;
}

/* SIGNAL FLAGS */
static long do_handle(void)
{
	on_signal(num(0), catch, num(1));
	return 0;
}

static long do_ignore(void)
{
	return signal(num(0), SIG_IGN) == SIG_ERR ? -1 : 0;
}

/* How often it has come since it was asked for. */
static long do_caught(void)
{
	long n = caught[num(0)];

	caught[num(0)] = 0;
	return n;
}

/* MILLISECONDS: from now on SIGALRM comes that often. */
static long do_alarm(void)
{
	struct timeval t = { num(0) / 1000, num(0) % 1000 * 1000 };
	struct itimerval it = { t, t };

	return setitimer(ITIMER_REAL, &it, NULL);
}

/* Memory. */
static struct { char *at; size_t len; } maps[16];
static sigjmp_buf faulted;

static void fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		char *at = si->si_addr;

		if (at >= maps[i].at && at < maps[i].at + maps[i].len)
			say(" signal %d %d %zu", sig, si->si_code, (size_t)(at - maps[i].at));
	}
	siglongjmp(faulted, 1);
}

static void catch_faults(void)
{
	on_signal(SIGBUS, fault, SA_NODEFER);
	on_signal(SIGSEGV, fault, SA_NODEFER);
}

/* FD LENGTH PROT FLAGS OFFSET: a number for the map */
static long do_mmap(void)
{
	size_t slot = 0;
	char *at = mmap(NULL, num(1), num(2), num(3), num(0), num(4));

	if (at == MAP_FAILED)
		return -1;
	while (maps[slot].at)
		slot++;
	maps[slot].at = at;
	maps[slot].len = num(1);
	return slot;
}

static char *in_map(void)
{
	return maps[num(0)].at + num(1);
}

static long do_peek(void)
{
	char *copy = bytes(num(2));

	catch_faults();
	if (sigsetjmp(faulted, 0))
		return 0;
	memcpy(copy, in_map(), num(2));
	return with_bytes(num(2), copy);
}

static long do_poke(void)
{
	size_t n = strlen(words[2]) / 2;
	char *copy = bytes(n);

	from_hex(words[2], (unsigned char *)copy);
	catch_faults();
	if (sigsetjmp(faulted, 0))
		return 0;
	memcpy(in_map(), copy, strlen(words[2]) / 2);
	return strlen(words[2]) / 2;
}

/* A byte of each page: how many they are together. */
static long do_touch(void)
{
	volatile unsigned char *p = (unsigned char *)maps[num(0)].at;
	long sum = 0;

	for (size_t at = 0; at < maps[num(0)].len; at += 4096)
		sum += p[at];
	return sum;
}

/* MAP OFFSET LENGTH|BYTES: as a debugger does it. */
static long do_look(void)
{
	char *buf = bytes(num(2));
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	long ret = with_bytes(pread(fd, buf, num(2), (uintptr_t)in_map()), buf);

	close(fd);
	return ret;
}

static long do_change(void)
{
	unsigned char *buf = (unsigned char *)bytes(strlen(words[2]));
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	long ret = pwrite(fd, buf, from_hex(words[2], buf), (uintptr_t)in_map());

	close(fd);
	return ret;
}

/* MAP OFFSET LENGTH FD: memory that is a file's as a buffer. */
static long do_read_into(void) { return read(num(3), in_map(), num(2)); }
static long do_write_from(void) { return write(num(3), in_map(), num(2)); }

static long do_mprotect(void) { return mprotect(in_map(), num(2), num(3)); }
static long do_msync(void) { return msync(maps[num(0)].at, maps[num(0)].len, num(1)); }
static long do_madvise(void) { return madvise(maps[num(0)].at, maps[num(0)].len, num(1)); }

static long do_munmap(void)
{
	long ret = munmap(maps[num(0)].at, maps[num(0)].len);

	maps[num(0)].at = NULL;
	return ret;
}

static long do_mremap(void)
{
	char *at = mremap(maps[num(0)].at, maps[num(0)].len, num(1), MREMAP_MAYMOVE);

	if (at == MAP_FAILED)
		return -1;
	maps[num(0)].at = at;
	maps[num(0)].len = num(1);
	return 0;
}

/* MAP OFFSET VALUE: waits there, unless something else is there. */
static long do_futex_wait(void)
{
	struct timespec t = { 0, 1000000 };

	return syscall(SYS_futex, in_map(), 0, num(2), &t, NULL, 0);
}

/* Terminals. */
static long do_winsize(void)
{
	struct winsize w;
	long ret = ioctl(num(0), TIOCGWINSZ, &w);

	if (!ret)
		say(" %d %d", w.ws_row, w.ws_col);
	return ret;
}

static long do_set_winsize(void)
{
	struct winsize w = { num(1), num(2), 0, 0 };

	return ioctl(num(0), TIOCSWINSZ, &w);
}

static long do_tcgetattr(void)
{
	struct termios t;
	long ret = tcgetattr(num(0), &t);

	if (ret)
		return ret;
	say(" %u %u %u %u", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	say_bytes(t.c_cc, 17);
	return ret;
}

/* FD WHEN IFLAG OFLAG CFLAG LFLAG CC */
static long do_tcsetattr(void)
{
	struct termios t;

	if (tcgetattr(num(0), &t))
		return -1;
	t.c_iflag = num(2);
	t.c_oflag = num(3);
	t.c_cflag = num(4);
	t.c_lflag = num(5);
	from_hex(words[6], t.c_cc);
	return tcsetattr(num(0), num(1), &t);
}

static long do_isatty(void)
{
	return isatty(num(0)) ?: -1;
}

static long do_ioctl_int(void)
{
	int value = num(2);
	long ret = ioctl(num(0), (unsigned int)num(1), &value);

	if (ret >= 0)
		say(" %d", value);
	return ret;
}

#endif
