// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the host in a box. Tests of what needs no more of the host than stdio: what an open file of the guest is,
 * and how many hold each descriptor of the host (/proc/hostfds), by a random test against a naive model.
 *
 *	SEED, HOSTFD_OPS	of the random test
 *	HOSTFD_LOOP=A,B		two descriptors that are a pair of sockets of the host's: the random test sends by A, and gets by B
 *
 * With the name of an action and its arguments it is a tool, of tests/host/hostfd.py: it does that to the descriptors that it was
 * given, and says "RESULT WORDS...", where the result of what fails is the negative errno. "agent" does what it reads, line by line.
 */
#include "tap.h"
#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define KBOX_IOC_TAKE	0x4b01
#define SCM_MAX		253
#define CLOEXEC_RANGE	4	/* CLOSE_RANGE_CLOEXEC */

static long close_range_(unsigned int from, unsigned int to, unsigned int flags)
{
	return syscall(SYS_close_range, from, to, flags);
}

/* Which descriptor of the host an open one of ours is; -1: of none, or a socket. */
static int host_of(int fd)
{
	char path[40], link[100] = "";
	int host = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, link, sizeof(link) - 1) < 0 || sscanf(link, "host:[%d]", &host) != 1)
		return -1;
	return host;
}

static int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

/* Descriptors in messages: 0 or more, no other control data. */
static ssize_t send_fds(int sock, int flags, struct iovec *iov, int iovs, const int *fds, int n, void *name, int namelen)
{
	char control[CMSG_SPACE(sizeof(int) * (SCM_MAX + 1))] __attribute__((aligned(8))) = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = iovs, .msg_name = name, .msg_namelen = namelen };
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (n) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	return syscall(SYS_sendmsg, sock, &m, flags);	/* musl's takes 1024 bytes of control data at most */
}

struct received {
	int flags, n, fds[SCM_MAX];
	socklen_t namelen;
	struct sockaddr_storage name;
};

/* control: how many bytes there are for descriptors */
static ssize_t receive_fds(int sock, int flags, struct iovec *iov, int iovs, size_t control, struct received *r)
{
	char buf[CMSG_SPACE(sizeof(int) * SCM_MAX)] __attribute__((aligned(8)));
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = iovs, .msg_control = control ? buf : NULL, .msg_controllen = control,
		.msg_name = &r->name, .msg_namelen = sizeof(r->name),
	};
	ssize_t ret = recvmsg(sock, &m, flags);

	r->n = 0;
	if (ret < 0)
		return ret;
	r->flags = m.msg_flags;
	r->namelen = m.msg_namelen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			int n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			memcpy(r->fds + r->n, CMSG_DATA(c), n * sizeof(int));
			r->n += n;
		}
	return ret;
}

static ssize_t send_byte(int sock, const int *fds, int n)
{
	struct iovec iov = { "x", 1 };

	return send_fds(sock, MSG_NOSIGNAL, &iov, 1, fds, n, NULL, 0);
}

static ssize_t receive_byte(int sock, int flags, int room, struct received *r)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return receive_fds(sock, flags, &iov, 1, room ? CMSG_LEN(sizeof(int) * room) : 0, r);
}

/* /proc/hostfds: how many open files hold each descriptor of the host. */
enum { HOSTS = 4096 };

static int read_hostfds(int fd, int holders[HOSTS])
{
	char text[65536], *p = text;
	ssize_t n, len = 0;
	int host, count, step;

	while (len < (ssize_t)sizeof(text) - 1 && (n = pread(fd, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += n;
	text[len] = 0;
	memset(holders, 0, HOSTS * sizeof(int));
	while (sscanf(p, "%d %d\n%n", &host, &count, &step) == 2) {
		if (host < 0 || host >= HOSTS || count < 1)
			return -1;
		holders[host] = count;
		p += step;
	}
	return *p ? -1 : 0;
}

/* Of one. */
static int holders_of(int host)
{
	int holders[HOSTS], fd = open("/proc/hostfds", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	EQ(read_hostfds(fd, holders), 0);
	close(fd);
	return holders[host];
}

/* One of stdio that is a descriptor of the host. */
static int of_host(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (host_of(fd) >= 0)
			return fd;
	SKIP("no descriptor of a host here");
}

/*
 * The random test. The model has what each descriptor of ours and of at most one child is: nothing, a holder, or something
 * else. It is in memory that both have, and that a program which the child becomes gets, too.
 */
enum {
	FREE = 112,				/* descriptors; from there on they are the test's own */
	MODEL = FREE, HOSTFDS, LOOP, PAIR = LOOP + 2, PAIRS = 3, TABLE = PAIR + 2 * PAIRS,
	QUEUE = 6, MESSAGE = 4,
	CLOSED = -1, OTHER = -2,		/* instead of a holder */
	ORIGINALS = 32, OPS_MAX = 10000000,
};

struct entry { int holder; bool cloexec; };
struct holder { int host, access; bool openable; };

static struct model {
	struct entry table[2][TABLE];
	struct message { int n, holder[MESSAGE]; } queue[PAIRS][QUEUE];
	int queued[PAIRS];
	int base[HOSTS];		/* what others hold: they hold all that there was at the beginning */
	bool has_hostfds, has_loop;
	int holders, originals;
	uint64_t seed, random;
	long op, ops;
	struct holder holder[];
} *m;

static struct entry *table;		/* ours, in the model */

#define WRONG(...) do {												\
	char wrong_[400];											\
	snprintf(wrong_, sizeof(wrong_), __VA_ARGS__);								\
	tap_fail(__FILE__, __LINE__, "seed %llu, operation %ld%s: %s", (unsigned long long)m->seed, m->op,	\
		 table == m->table[1] ? ", in the child" : "", wrong_);						\
} while (0)

/* 0 to n - 1 */
static int any(int n)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (int)(m->random * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* ret as a call gives it; want: the same, or -errno */
static bool expect(long ret, long want, const char *what, int a, int b)
{
	long got = ret < 0 ? -errno : ret;

	if (got != want)
		WRONG("%s, %d, %d: %ld, not %ld", what, a, b, got, want);
	return got >= 0;
}

static bool is_open(int fd)
{
	return fd >= 0 && fd < TABLE && table[fd].holder != CLOSED;
}

static int lowest(int from)
{
	while (from < TABLE && is_open(from))
		from++;
	return from < TABLE ? from : -EMFILE;
}

static void set(int fd, int holder, bool cloexec)
{
	table[fd] = (struct entry) { holder, cloexec };
}

/* Mostly one that is open. */
static int any_fd(void)
{
	int fd = any(FREE);

	for (int tries = any(8); tries && !is_open(fd); tries--)
		fd = any(FREE);
	return fd;
}

static int any_target(void)
{
	return 3 + any(FREE - 3);
}

/* A holder that is open, or -1. */
static int any_held(void)
{
	int fd = any_fd();

	return is_open(fd) && table[fd].holder >= 0 ? fd : -1;
}

/* Each holder has a mark in its open file: by that two descriptors can be told to be of one. */
static void mark(int fd)
{
	if (fcntl(fd, F_SETSIG, table[fd].holder % 60 + 1))
		WRONG("F_SETSIG of %d: errno %d", fd, errno);
}

static void new_holder(int fd, int host, int access, bool openable, bool cloexec)
{
	m->holder[m->holders] = (struct holder) { host, access, openable };
	set(fd, m->holders++, cloexec);
	mark(fd);
}

static void op_dup(void)
{
	int fd = any_fd(), want = is_open(fd) ? lowest(0) : -EBADF;

	if (expect(dup(fd), want, "dup", fd, 0))
		set(want, table[fd].holder, false);
}

static void op_dup2(void)
{
	int fd = any_fd(), to = any(50) ? any_target() : TABLE + any(3), want = is_open(fd) && to < TABLE ? to : -EBADF;

	if (expect(dup2(fd, to), want, "dup2", fd, to) && to != fd)
		set(to, table[fd].holder, false);
}

static void op_dup3(void)
{
	int fd = any_fd(), to = any_target(), flags = any(2) ? O_CLOEXEC : 0, want = is_open(fd) ? to : -EBADF;

	if (fd == to)
		want = -EINVAL;
	if (expect(dup3(fd, to, flags), want, "dup3", fd, to))
		set(to, table[fd].holder, flags);
}

static void op_dupfd(void)
{
	int fd = any_fd(), from = any(TABLE + 1), cloexec = any(2), want = is_open(fd) ? lowest(from) : -EBADF;

	if (is_open(fd) && from == TABLE)
		want = -EINVAL;
	if (expect(fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, from), want, "F_DUPFD", fd, from))
		set(want, table[fd].holder, cloexec);
}

static void op_close(void)
{
	int fd = any_target();

	if (expect(close(fd), is_open(fd) ? 0 : -EBADF, "close", fd, 0))
		set(fd, CLOSED, false);
}

static void op_close_range(void)
{
	int from = any_target(), to = from + any(12), flags = any(3) ? 0 : CLOEXEC_RANGE;

	if (to >= FREE)
		to = FREE - 1;
	expect(close_range_(from, to, flags), 0, "close_range", from, to);
	for (int fd = from; fd <= to; fd++)
		if (!flags)
			set(fd, CLOSED, false);
		else if (is_open(fd))
			table[fd].cloexec = true;
}

static void op_setfd(void)
{
	int fd = any_target(), cloexec = any(2);

	if (expect(fcntl(fd, F_SETFD, cloexec), is_open(fd) ? 0 : -EBADF, "F_SETFD", fd, cloexec))
		table[fd].cloexec = cloexec;
}

static void op_reopen(void)
{
	int fd = any_held(), cloexec = any(2) ? O_CLOEXEC : 0, want = lowest(0);
	struct holder *h = fd < 0 ? NULL : &m->holder[table[fd].holder];

	if (h && h->openable && expect(reopen(fd, h->access | O_NONBLOCK | O_NOCTTY | cloexec), want, "open of another", fd, cloexec))
		new_holder(want, h->host, h->access, true, cloexec);
}

static void op_send(void)
{
	int pair = any(PAIRS), fds[MESSAGE], n = 1 + any(MESSAGE);
	struct message *msg = &m->queue[pair][m->queued[pair]];

	if (m->queued[pair] == QUEUE)
		return;
	for (int i = 0; i < n; i++) {
		fds[i] = any_held();
		if (fds[i] < 0)
			return;
		msg->holder[i] = table[fds[i]].holder;
	}
	msg->n = n;
	m->queued[pair]++;
	expect(send_byte(PAIR + 2 * pair, fds, n), 1, "sendmsg", pair, n);
}

/* Those for which there is no room, in the message or in our table, are dropped. */
static void op_receive(void)
{
	int pair = any(PAIRS), room = any(MESSAGE + 1), cloexec = any(2) ? MSG_CMSG_CLOEXEC : 0, to;
	struct message msg = m->queue[pair][0];
	struct received r;

	if (!m->queued[pair])
		return;
	memmove(m->queue[pair], m->queue[pair] + 1, --m->queued[pair] * sizeof(msg));
	expect(receive_byte(PAIR + 2 * pair + 1, cloexec, room, &r), 1, "recvmsg", pair, room);
	for (int i = 0; i < msg.n && i < room && (to = lowest(0)) >= 0; i++) {
		if (i >= r.n || r.fds[i] != to)
			WRONG("descriptor %d of a message: %d, not %d", i, i < r.n ? r.fds[i] : -1, to);
		set(to, msg.holder[i], cloexec);
		r.fds[i] = -1;
	}
	for (int i = 0; i < r.n; i++)
		if (r.fds[i] != -1)
			WRONG("one descriptor too many: %d", r.fds[i]);
}

static void make_pair(int pair)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		WRONG("socketpair: errno %d", errno);
	for (int i = 0; i < 2; i++) {
		expect(dup2(fds[i], PAIR + 2 * pair + i), PAIR + 2 * pair + i, "dup2 of a socket", fds[i], pair);
		close(fds[i]);
	}
	m->queued[pair] = 0;
}

/* What is in flight is dropped, with both ends. */
static void op_drop(void)
{
	int a = lowest(0), b = a < 0 ? a : lowest(a + 1);

	if (table == m->table[0] && b >= 0)
		make_pair(any(PAIRS));
}

/* By way of the host: another descriptor of the host. */
static void op_loop(void)
{
	int fd = any_held(), want = lowest(0), cloexec = any(2) ? MSG_CMSG_CLOEXEC : 0;
	struct received r;

	if (!m->has_loop || fd < 0 || want < 0)
		return;
	expect(send_byte(LOOP, &fd, 1), 1, "sendmsg by the host", fd, 0);
	expect(receive_byte(LOOP + 1, cloexec, 1, &r), 1, "recvmsg by the host", fd, 0);
	if (r.n != 1 || r.fds[0] != want)
		WRONG("%d descriptors by the host, %d, not %d", r.n, r.n ? r.fds[0] : -1, want);
	new_holder(want, host_of(want), m->holder[table[fd].holder].access, true, cloexec);
}

/* How many hold each descriptor of the host. */
static void count_holders(int count[HOSTS])
{
	static int seen[2 * TABLE + PAIRS * QUEUE * MESSAGE];
	int n = 0;

	for (int who = 0; who < 2; who++)
		for (int fd = 0; fd < TABLE; fd++)
			seen[n++] = m->table[who][fd].holder;
	for (int pair = 0; pair < PAIRS; pair++)
		for (int i = 0; i < m->queued[pair]; i++)
			for (int j = 0; j < m->queue[pair][i].n; j++)
				seen[n++] = m->queue[pair][i].holder[j];
	memcpy(count, m->base, sizeof(m->base));
	for (int i = 0; i < n; i++) {
		int first = 0;

		while (seen[first] != seen[i])
			first++;
		if (first == i && seen[i] >= m->originals && m->holder[seen[i]].host >= 0)
			count[m->holder[seen[i]].host]++;
	}
}

static void verify_table(void)
{
	for (int fd = 0; fd < TABLE; fd++) {
		struct entry *e = &table[fd];
		int flags = fcntl(fd, F_GETFD), sig;

		if ((flags < 0 && (errno != EBADF || e->holder != CLOSED)) || (flags >= 0 && e->holder == CLOSED))
			WRONG("descriptor %d: F_GETFD gives %d, errno %d, the model has %d", fd, flags, errno, e->holder);
		if (e->holder < 0)
			continue;
		if (flags != e->cloexec)
			WRONG("descriptor %d: F_GETFD gives %d, not %d", fd, flags, e->cloexec);
		sig = fcntl(fd, F_GETSIG);
		if (sig != e->holder % 60 + 1)
			WRONG("descriptor %d: its mark is %d, that of holder %d is %d", fd, sig, e->holder, e->holder % 60 + 1);
	}
}

static void verify(void)
{
	static int got[HOSTS], want[HOSTS];

	verify_table();
	if (!m->has_hostfds)
		return;
	if (read_hostfds(HOSTFDS, got))
		WRONG("/proc/hostfds is not as it should be");
	count_holders(want);
	for (int host = 0; host < HOSTS; host++)
		if (got[host] != want[host])
			WRONG("descriptor %d of the host has %d holders, not %d", host, got[host], want[host]);
}

static void step(void);

static void some_steps(int n)
{
	while (n--)
		step();
	if (!any(4))
		verify();
}

/* The child becomes this program again, with what exec leaves it; the rest is in resumed(). */
static void become(void)
{
	char fd[12];

	for (int i = FREE - 3; i < FREE; i++) {	/* the loader needs some */
		close(i);
		set(i, CLOSED, false);
	}
	for (int i = 0; i < TABLE; i++)
		if (table[i].cloexec)
			set(i, CLOSED, false);
	snprintf(fd, sizeof(fd), "%d", MODEL);
	execl("/proc/self/exe", "hostfd", "resumed", fd, (char *)NULL);
	WRONG("exec: errno %d", errno);
}

static void op_fork(void)
{
	pid_t pid;
	int st;

	if (table != m->table[0])
		return;
	memcpy(m->table[1], m->table[0], sizeof(m->table[0]));
	pid = fork();
	if (pid < 0)
		WRONG("fork: errno %d", errno);
	if (!pid) {
		table = m->table[1];
		some_steps(any(20));
		if (!any(4))
			become();
		_exit(0);
	}
	if (waitpid(pid, &st, 0) != pid || st)
		WRONG("the child's status is %#x", st);
	for (int fd = 0; fd < TABLE; fd++)
		m->table[1][fd].holder = CLOSED;
	if (!any(4))
		verify();
}

static const struct { int weight; void (*run)(void); } operations[] = {
	{ 240, op_dup }, { 300, op_dup2 }, { 200, op_dup3 }, { 200, op_dupfd }, { 1100, op_close }, { 30, op_close_range }, { 150, op_setfd },
	{ 500, op_reopen }, { 120, op_send }, { 120, op_receive }, { 5, op_drop }, { 200, op_loop }, { 5, op_fork },
};

static void step(void)
{
	int sum = 0, n, i = 0;

	for (size_t j = 0; j < ARRAY_SIZE(operations); j++)
		sum += operations[j].weight;
	n = any(sum);
	while (n >= operations[i].weight)
		n -= operations[i++].weight;
	m->op++;
	operations[i].run();
}

static size_t model_size(long ops)
{
	return sizeof(*m) + (ops + ORIGINALS) * sizeof(struct holder);
}

static struct model *map_model(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, MODEL, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void make_model(long ops)
{
	int fd = memfd_create("model", 0);

	CHECK(fd >= 0);
	EQ(ftruncate(fd, model_size(ops)), 0);
	EQ(dup2(fd, MODEL), MODEL);
	close(fd);
	m = map_model(model_size(ops));
	CHECK(m);
	m->ops = ops;
	m->seed = m->random = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 20240601;
	CHECK(m->seed);
	table = m->table[0];
	for (int who = 0; who < 2; who++)
		for (int i = 0; i < TABLE; i++)
			m->table[who][i].holder = i < FREE || who ? CLOSED : OTHER;
}

static void open_loop(void)
{
	const char *loop = getenv("HOSTFD_LOOP");
	int a, b;

	if (loop && sscanf(loop, "%d,%d", &a, &b) == 2) {
		EQ(dup2(a, LOOP), LOOP);
		EQ(dup2(b, LOOP + 1), LOOP + 1);
		close(a);
		close(b);
		m->has_loop = true;
	} else {	/* both are ours, and are used by nobody */
		EQ(dup2(MODEL, LOOP), LOOP);
		EQ(dup2(MODEL, LOOP + 1), LOOP + 1);
	}
}

static void open_hostfds(void)
{
	int fd = open("/proc/hostfds", O_RDONLY);

	if (fd < 0) {
		EQ(dup2(MODEL, HOSTFDS), HOSTFDS);
		return;
	}
	EQ(dup2(fd, HOSTFDS), HOSTFDS);
	close(fd);
	EQ(read_hostfds(HOSTFDS, m->base), 0);
	m->has_hostfds = true;
}

/* What is open at the beginning. */
static void add_originals(void)
{
	struct stat st;

	for (int fd = 0; fd < FREE; fd++) {
		int flags = fcntl(fd, F_GETFL), other;

		if (flags < 0)
			continue;
		flags &= O_ACCMODE;
		other = reopen(fd, flags | O_NONBLOCK | O_NOCTTY);
		if (!fstat(fd, &st) && S_ISSOCK(st.st_mode))
			set(fd, OTHER, fcntl(fd, F_GETFD));
		else
			new_holder(fd, host_of(fd), flags, other >= 0, fcntl(fd, F_GETFD));
		close(other);
	}
	m->originals = m->holders;
	CHECK(m->originals <= ORIGINALS);
}

static long operations_wanted(void)
{
	const char *ops = getenv("HOSTFD_OPS");
	long n = ops ? atol(ops) : 1000000 / (slowness() < 20 ? slowness() : 20);

	CHECK(n > 0 && n <= OPS_MAX);
	return n;
}

static void random_operations(void)
{
	struct rlimit limit = { TABLE, TABLE };
	long next = 0;

	close_range_(FREE, ~0U, 0);
	EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	make_model(operations_wanted());
	dprintf(1, "# SEED=%llu HOSTFD_OPS=%ld\n", (unsigned long long)m->seed, m->ops);
	open_loop();
	open_hostfds();
	for (int pair = 0; pair < PAIRS; pair++)
		make_pair(pair);
	add_originals();
	while (m->op < m->ops) {
		step();
		if (m->op < next)
			continue;
		verify();
		next = m->op + 1000;
	}
	verify();
	/* Then nobody has any but who had them at the beginning. */
	close_range_(3, FREE - 1, 0);
	for (int fd = 3; fd < FREE; fd++)
		set(fd, CLOSED, false);
	for (int pair = 0; pair < PAIRS; pair++)
		make_pair(pair);
	verify();
}

/* What become() has made of the child. */
static int resumed(const char *fd)
{
	struct stat st;

	if (atoi(fd) != MODEL || fstat(MODEL, &st))
		return 1;
	m = map_model(st.st_size);
	if (!m)
		return 1;
	table = m->table[1];
	verify();
	some_steps(any(20));
	return 0;
}

/* Directed tests. */
static int stdio_type(mode_t type)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (!fstat(fd, &st) && (st.st_mode & S_IFMT) == type)
			return fd;
	return -1;
}

static void stdio_is_of_the_host(void)
{
	int holders[HOSTS], fd = open("/proc/hostfds", O_RDONLY), n = 0;

	if (fd < 0)
		SKIP("no box");
	EQ(read_hostfds(fd, holders), 0);
	close(fd);
	for (int i = 0; i < 3; i++)
		if (host_of(i) >= 0) {
			EQ(host_of(i), i);
			EQ(holders[i], 1);
			n++;
		}
	if (!n)
		SKIP("stdio is a terminal");
}

static void a_pipe_has_no_offset(void)
{
	int fd = stdio_type(S_IFIFO);
	bool out = fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
	char c = 0;

	if (fd < 0)
		SKIP("stdio is no pipe");
	FAILS(lseek(fd, 0, SEEK_CUR), ESPIPE);
	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(out ? pwrite(fd, &c, 1, 0) : pread(fd, &c, 1, 0), ESPIPE);
	FAILS(ftruncate(fd, 0), EINVAL);
	FAILS(fsync(fd), EINVAL);
	FAILS(out ? read(fd, &c, 1) : write(fd, &c, 1), EBADF);
	EQ(isatty(fd), 0);
	CHECK(mmap(NULL, 1, PROT_NONE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(errno == ENODEV || errno == EACCES);
}

static void the_null_device_is_one(void)
{
	int fd = stdio_type(S_IFCHR);
	struct stat st, null;
	char c;

	if (fd < 0 || fstat(fd, &st) || stat("/dev/null", &null) || st.st_rdev != null.st_rdev)
		SKIP("stdio is not /dev/null");
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		EQ(read(fd, &c, 1), 0);
		FAILS(write(fd, "x", 1), EBADF);
	} else {
		EQ(write(fd, "x", 1), 1);
	}
	EQ(isatty(fd), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &(struct epoll_event) { .events = EPOLLIN }), EPERM);
}

static void the_access_mode_is_kept(void)
{
	struct stat a, b;
	int fd = of_host(), mode = fcntl(fd, F_GETFL) & O_ACCMODE, other = reopen(fd, mode);

	CHECK(other > 2);
	EQ(fcntl(other, F_GETFL) & O_ACCMODE, mode);
	if (mode == O_RDONLY)
		FAILS(reopen(fd, O_WRONLY), EACCES);
	if (mode == O_WRONLY)
		FAILS(reopen(fd, O_RDONLY), EACCES);
	EQ(fstat(fd, &a), 0);
	EQ(fstat(other, &b), 0);
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_mode, b.st_mode);
	EQ(a.st_rdev, b.st_rdev);
	EQ(fcntl(other, F_SETFL, O_NONBLOCK), 0);
	EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

static void opened_again_is_another_holder(void)
{
	int fd = of_host(), host = host_of(fd), mode = fcntl(fd, F_GETFL) & O_ACCMODE, had = holders_of(host), other[3];
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		other[i] = reopen(fd, mode);
		CHECK(other[i] >= 0);
		EQ(host_of(other[i]), host);
		EQ(holders_of(host), had + i + 1);
	}
	EQ(close(other[0]), 0);
	EQ(holders_of(host), had + 2);
	pid = FORK();
	if (!pid) {
		char path[40];
		int of_parent;

		close(other[1]);
		EQ(holders_of(host), had + 2);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(), fd);
		of_parent = open(path, mode);
		CHECK(of_parent >= 0);
		EQ(holders_of(host), had + 3);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(holders_of(host), had + 2);
	EQ(close(other[1]), 0);
	EQ(close(other[2]), 0);
	EQ(holders_of(host), had);
}

static void dev_stdout_opens_again(void)
{
	int host = host_of(1), had, fd;
	struct stat st;

	if (host < 0)
		SKIP("standard output is not of a host");
	had = holders_of(host);
	fd = open("/dev/stdout", O_WRONLY);
	CHECK(fd >= 0);
	EQ(holders_of(host), had + 1);
	/* In a file it would overwrite what has been said: it has an offset of its own. */
	EQ(fstat(fd, &st), 0);
	if (!S_ISREG(st.st_mode))
		EQ(write(fd, "# /dev/stdout\n", 14), 14);
	EQ(close(fd), 0);
	EQ(holders_of(host), had);
}

static void duplicates_are_no_holders(void)
{
	int fd = of_host(), host = host_of(fd), had = holders_of(host);
	pid_t pid;

	EQ(dup2(fd, 50), 50);
	EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60);
	EQ(holders_of(host), had);
	pid = FORK();
	if (!pid) {
		EQ(holders_of(host), had);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(close(50), 0);
	EQ(holders_of(host), had);
}

/* A new holder, by its only descriptor. */
static int new_one(int *host)
{
	int fd = of_host();

	*host = host_of(fd);
	return reopen(fd, fcntl(fd, F_GETFL) & O_ACCMODE);
}

static void in_flight_it_is_held(void)
{
	int host, fd = new_one(&host), sp[2], had = holders_of(host);
	struct received r;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	EQ(send_byte(sp[0], &fd, 1), 1);
	EQ(close(fd), 0);
	EQ(holders_of(host), had);
	EQ(receive_byte(sp[1], 0, 1, &r), 1);
	EQ(r.n, 1);
	EQ(host_of(r.fds[0]), host);
	EQ(holders_of(host), had);
	EQ(send_byte(sp[0], r.fds, 1), 1);
	EQ(close(r.fds[0]), 0);
	EQ(holders_of(host), had);
	close(sp[0]);
	EQ(holders_of(host), had);
	close(sp[1]);
	EQ(holders_of(host), had - 1);
}

static void cut_off_it_is_dropped(void)
{
	int host, fd = new_one(&host), sp[2], had = holders_of(host);
	struct received r;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	EQ(send_byte(sp[0], &fd, 1), 1);
	EQ(close(fd), 0);
	EQ(receive_byte(sp[1], 0, 0, &r), 1);
	EQ(r.flags & MSG_CTRUNC, MSG_CTRUNC);
	EQ(holders_of(host), had - 1);
}

static void the_end_of_a_process_drops_it(void)
{
	int host, fd = of_host(), had = holders_of(host_of(fd)), p[2];
	pid_t pid;
	char c;

	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		CHECK(new_one(&host) >= 0);
		EQ(holders_of(host), had + 1);
		EQ(write(p[1], "x", 1), 1);
		for (;;)
			pause();
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(holders_of(host_of(fd)), had + 1);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
	EQ(holders_of(host_of(fd)), had);
}

static void exec_drops_those_to_be_closed(void)
{
	int host, kept = new_one(&host), closed = new_one(&host), had = holders_of(host);
	char script[200];
	pid_t pid;

	CHECK(kept >= 0 && closed >= 0);
	EQ(fcntl(closed, F_SETFD, FD_CLOEXEC), 0);
	snprintf(script, sizeof(script), "grep -q '^%d %d$' /proc/hostfds && test -e /proc/self/fd/%d -a ! -e /proc/self/fd/%d",
		 host, had, kept, closed);
	pid = FORK();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(99);
	}
	CHILD_OK(pid);		/* we have the other one still */
	EQ(close(closed), 0);
	EQ(holders_of(host), had - 1);
}

/* The first process has taken all that was on offer. */
static void nothing_more_can_be_taken(void)
{
	int dev = open("/dev/kboxfd", O_RDWR);

	if (dev < 0)
		SKIP("no /dev/kboxfd that we may open");
	for (int host = 0; host < 300; host++)
		FAILS(ioctl(dev, KBOX_IOC_TAKE, host), EBADF);
	for (int shift = 8; shift < 32; shift++)
		FAILS(ioctl(dev, KBOX_IOC_TAKE, 1UL << shift), EBADF);
	FAILS(ioctl(dev, KBOX_IOC_TAKE, -1L), EBADF);
	FAILS(ioctl(dev, KBOX_IOC_TAKE + 1, 0), ENOTTY);
	FAILS(read(dev, (char[1]) { 0 }, 1), EINVAL);
}

static const struct test tests[] = {
	T(stdio_is_of_the_host), T(a_pipe_has_no_offset), T(the_null_device_is_one), T(the_access_mode_is_kept),
	T(opened_again_is_another_holder), T(dev_stdout_opens_again), T(duplicates_are_no_holders), T(in_flight_it_is_held),
	T(cut_off_it_is_dropped), T(the_end_of_a_process_drops_it), T(exec_drops_those_to_be_closed), T(nothing_more_can_be_taken),
	T(random_operations),
};

/*
 * The tool. An action's arguments are words; it returns as system calls do, and adds words to what is said of it.
 */
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

/* Sockets. */
static socklen_t address(int i, struct sockaddr_storage *name)
{
	return i < nwords && strcmp(words[i], "-") ? from_hex(words[i], (unsigned char *)name) : 0;
}

static long do_bind(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(1, &name);

	return bind(num(0), (struct sockaddr *)&name, len);
}

static long do_connect(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(1, &name);

	return connect(num(0), (struct sockaddr *)&name, len);
}

static long say_name(int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	long ret = get(num(0), (struct sockaddr *)&name, &len);

	if (!ret)
		say_bytes(&name, len);
	return ret;
}

static long do_getsockname(void)
{
	return say_name(getsockname);
}

static long do_getpeername(void)
{
	return say_name(getpeername);
}

/* FD FLAGS: and who it was */
static long do_accept(void)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	long ret = accept4(num(0), (struct sockaddr *)&name, &len, num(1));

	if (ret >= 0)
		say_bytes(&name, len);
	return ret;
}

static long do_getsockopt(void)
{
	int value = -1;
	socklen_t len = sizeof(value);
	long ret = getsockopt(num(0), num(1), num(2), &value, &len);

	if (!ret)
		say(" %d", value);
	return ret;
}

static long do_setsockopt(void)
{
	int value = num(3);

	return setsockopt(num(0), num(1), num(2), &value, sizeof(value));
}

/* FD LEVEL OPTION BYTES */
static long do_set_bytes(void)
{
	unsigned char buf[256];
	socklen_t len = from_hex(words[3], buf);

	return setsockopt(num(0), num(1), num(2), buf, len);
}

/* FD LEVEL OPTION LENGTH */
static long do_get_bytes(void)
{
	unsigned char buf[256];
	socklen_t len = num(3);
	long ret = getsockopt(num(0), num(1), num(2), buf, &len);

	return ret ? ret : with_bytes(len, buf);
}

/* FD OPTION MILLISECONDS */
static long do_set_timeout(void)
{
	struct timeval t = { num(2) / 1000, num(2) % 1000 * 1000 };

	return setsockopt(num(0), SOL_SOCKET, num(1), &t, sizeof(t));
}

static long do_get_timeout(void)
{
	struct timeval t;
	socklen_t len = sizeof(t);
	long ret = getsockopt(num(0), SOL_SOCKET, num(1), &t, &len);

	if (!ret)
		say(" %ld", (long)t.tv_sec * 1000 + t.tv_usec / 1000);
	return ret;
}

/* FD LENGTH FLAGS */
static long do_recv(void)
{
	char *buf = bytes(num(1));

	return with_bytes(recv(num(0), buf, num(1), num(2)), buf);
}

/* FD FLAGS BYTES,BYTES FD,FD|- [ADDRESS] */
static long do_sendmsg(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(4, &name);
	int fds[SCM_MAX + 1], nfds = 0, n;
	struct iovec iov[16];
	long ret;

	n = vectors(words[2], true, iov);
	for (char *word = strtok(words[3], ","); word && strcmp(word, "-"); word = strtok(NULL, ","))
		fds[nfds++] = atoi(word);
	ret = send_fds(num(0), num(1), iov, n, fds, nfds, len ? &name : NULL, len);
	free_vectors(iov, n);
	return ret;
}

/* FD FLAGS LENGTH,LENGTH CONTROL: the bytes, the flags, the descriptors, the address */
static long do_recvmsg(void)
{
	struct iovec iov[16];
	struct received r;
	int n = vectors(words[2], false, iov), len = 0;
	long ret = receive_fds(num(0), num(1), iov, n, num(3), &r);

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (ret >= 0) {
		say_vectors(iov, n, ret < len ? ret : len);
		say(" %d ", r.flags);
		for (int i = 0; i < r.n; i++)
			say("%s%d", i ? "," : "", r.fds[i]);
		if (!r.n)
			say("-");
		say_bytes(&r.name, r.namelen);
	}
	free_vectors(iov, n);
	return ret;
}

/* FD N: so many descriptors, by as many messages as that takes */
static long do_receive_many(void)
{
	struct received r;
	long n = 0, ret;

	while (n < num(1)) {
		ret = receive_byte(num(0), 0, SCM_MAX, &r);
		if (ret <= 0 || !r.n || r.flags & MSG_CTRUNC)
			break;
		n += r.n;
	}
	return n;
}

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

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "resumed"))
		return resumed(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "agent"))
		return agent();
	if (argc < 2 || !is_action(argv[1]))
		return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
	for (nwords = 0; nwords < argc - 1 && nwords < WORDS; nwords++)
		words[nwords] = argv[nwords + 1];
	return !act();
}
