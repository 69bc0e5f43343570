// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is built into the kernel beside what most programs need
 * (kernel/arch/kbox/configs/full.config): each facility once, by an answer that only one that works
 * gives. BPF, events and traces: trace.c.
 */
#include "tap.h"
#include <poll.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

/* Mounts that nobody else sees. */
static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS))
		LACKING("mounts for this user");
	EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

/* --- keys --- */

enum { PROCESS_KEYRING = -2, KEYCTL_UPDATE = 2, KEYCTL_REVOKE = 3, KEYCTL_SEARCH = 10, KEYCTL_READ = 11, KEYCTL_WATCH_KEY = 32 };

static long keyctl(int what, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, what, a, b, c, d);
}

static long new_key(const char *name, const char *secret)
{
	return syscall(SYS_add_key, "user", name, secret, strlen(secret), PROCESS_KEYRING);
}

static void keys(void)
{
	char text[16] = "";
	long key = new_key("kbox:test", "secret");

	CHECK(key > 0);
	EQ(keyctl(KEYCTL_READ, key, (long)text, sizeof(text), 0), 6);
	IS(text, "secret");
	EQ(keyctl(KEYCTL_SEARCH, PROCESS_KEYRING, (long)"user", (long)"kbox:test", 0), key);
	EQ(keyctl(KEYCTL_REVOKE, key, 0, 0, 0), 0);
	FAILS(keyctl(KEYCTL_READ, key, (long)text, sizeof(text), 0), EKEYREVOKED);
}

#define NOTIFICATION_PIPE	O_EXCL
#define WATCH_QUEUE_SET_SIZE	_IO('W', 0x60)

static void key_watch(void)
{
	struct { uint32_t type_and_subtype, info, key, aux; } note;
	long key;
	int p[2];

	if (pipe2(p, NOTIFICATION_PIPE))
		LACKING("watch queue");
	EQ(ioctl(p[0], WATCH_QUEUE_SET_SIZE, 16), 0);
	key = new_key("kbox:watched", "old");
	CHECK(key > 0);
	EQ(keyctl(KEYCTL_WATCH_KEY, key, p[0], 7, 0), 0);
	EQ(keyctl(KEYCTL_UPDATE, key, (long)"new", 3, 0), 0);
	EQ(read(p[0], &note, sizeof(note)), sizeof(note));
	EQ(note.type_and_subtype, 1 | 1 << 24);	/* of a key: updated */
	EQ(note.key, key);
	EQ(note.info >> 8 & 0xff, 7);
}

/* --- what /proc tells --- */

static void config_gz(void)
{
	static unsigned char text[300000];
	size_t n = slurp("/proc/config.gz", (char *)text, sizeof(text));

	CHECK(n > 4000);
	EQ(text[0] << 8 | text[1], 0x1f8b);
}

static void pressure(void)
{
	static const char *const what[] = { "cpu", "memory", "io" };
	char path[40], text[300];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		snprintf(path, sizeof(path), "/proc/pressure/%s", what[i]);
		CHECK(slurp(path, text, sizeof(text)) > 0);
		EQ(strncmp(text, "some avg10=", 11), 0);
		CHECK(strstr(text, "total="));
	}
}

/* What a process has read and written, of files too. */
static void io_accounting(void)
{
	char text[600], block[5000] = "x", *at;
	int fd = open("file", O_CREAT | O_RDWR, 0600);

	EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK(slurp("/proc/self/io", text, sizeof(text)) > 0);
	at = strstr(text, "\nwrite_bytes: ");
	CHECK(at && strtoul(at + 14, NULL, 10) >= sizeof(block));
	at = strstr(text, "wchar: ");
	CHECK(at && strtoul(at + 7, NULL, 10) >= sizeof(block));
}

static void schedstat(void)
{
	unsigned long ran, waited, slices;
	char text[100];

	sleep_ms(1);
	CHECK(slurp("/proc/self/schedstat", text, sizeof(text)) > 0);
	EQ(sscanf(text, "%lu %lu %lu", &ran, &waited, &slices), 3);
	CHECK(slices > 0);
}

static void autogroup(void)
{
	char text[100];

	CHECK(setsid() > 0 || errno == EPERM);
	CHECK(slurp("/proc/self/autogroup", text, sizeof(text)) > 0);
	EQ(strncmp(text, "/autogroup-", 11), 0);
}

/* Version 3, 64 bytes: linux/acct.h. */
struct acct_v3 {
	char flag, version;
	uint16_t tty;
	uint32_t exitcode, uid, gid, pid, ppid, btime, etime;
	uint16_t times[8];
	char comm[16];
};

static void process_accounting(void)
{
	struct acct_v3 a;
	int fd = open("acct", O_CREAT | O_RDWR, 0600);
	pid_t pid;

	if (acct("acct"))
		LACKING("process accounting");
	pid = FORK();
	if (!pid) {
		prctl(PR_SET_NAME, "accounted");
		_exit(5);
	}
	EQ(waitpid(pid, NULL, 0), pid);
	EQ(acct(NULL), 0);
	do
		EQ(read(fd, &a, sizeof(a)), sizeof(a));
	while ((pid_t)a.pid != pid);
	EQ(a.version & 0xf, 3);
	EQ(a.exitcode, 5 << 8);
	EQ(a.ppid, getpid());
	IS(a.comm, "accounted");
}

/* --- taskstats, by generic netlink --- */

struct genl {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, pid;
	uint8_t cmd, version;
	uint16_t reserved;
	uint16_t attr_len, attr_type;
	char attr[4096];
};

/* Asks with one attribute; the reply is in m. */
static int genl_ask(int fd, struct genl *m, int type, int cmd, int attr, const void *value, size_t size)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->flags = 1;	/* NLM_F_REQUEST */
	m->cmd = cmd;
	m->version = 1;
	m->attr_type = attr;
	m->attr_len = 4 + size;
	memcpy(m->attr, value, size);
	m->len = 24 + ((size + 3) & ~3);
	EQ(send(fd, m, m->len, 0), m->len);
	return recv(fd, m, sizeof(*m), 0);
}

/* The attribute of that type among those in [at, end). */
static char *genl_attr(char *at, char *end, int type)
{
	uint16_t *a;

	for (; at + 4 <= end; at += (a[0] + 3) & ~3) {
		a = (uint16_t *)at;
		if ((a[1] & 0x3fff) == type)
			return at + 4;
		if (a[0] < 4)
			break;
	}
	return NULL;
}

static void taskstats(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, 16 /* NETLINK_GENERIC */), n;
	uint32_t pid = getpid();
	static struct genl m;
	char *family, *stats, *attrs = (char *)&m.attr_len;

	CHECK(fd >= 0);
	n = genl_ask(fd, &m, 16, 3 /* CTRL_CMD_GETFAMILY */, 2, "TASKSTATS", 10);
	if (m.type == 2 /* NLMSG_ERROR */)
		LACKING("taskstats");
	family = genl_attr(attrs, (char *)&m + n, 1);
	CHECK(family);
	n = genl_ask(fd, &m, *(uint16_t *)family, 1 /* TASKSTATS_CMD_GET */, 1 /* of a pid */, &pid, 4);
	if (m.type == 2 && getuid())
		LACKING("taskstats for this user");
	CHECK(m.type != 2);
	stats = genl_attr(attrs, (char *)&m + n, 4 /* TASKSTATS_TYPE_AGGR_PID */);
	CHECK(stats);
	EQ(*(uint32_t *)genl_attr(stats, (char *)&m + n, 1), pid);
	stats = genl_attr(stats, (char *)&m + n, 3 /* TASKSTATS_TYPE_STATS */);
	CHECK(stats);
	CHECK(*(uint16_t *)stats >= 8);		/* version */
	EQ(strncmp(stats + 80, "config-", 7), 0);	/* ac_comm */
}

/* --- who may do what --- */

/* Asks somebody else, who decides: a child opens the file. */
static int opened_by_child(int fan, unsigned answer)
{
	struct fanotify_event_metadata event;
	struct { int fd; unsigned answer; } reply;
	pid_t pid = FORK();
	int st;

	if (!pid)
		_exit(open("watched", O_RDONLY) < 0 ? errno : 0);
	EQ(read(fan, &event, sizeof(event)), sizeof(event));
	EQ(event.mask, FAN_OPEN_PERM);
	EQ(event.pid, pid);
	reply.fd = event.fd;
	reply.answer = answer;
	EQ(write(fan, &reply, sizeof(reply)), sizeof(reply));
	close(event.fd);
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static void fanotify_permission(void)
{
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fan < 0)
		LACKING("fanotify for this user");
	close(open("watched", O_CREAT | O_WRONLY, 0600));
	EQ(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "watched"), 0);
	EQ(opened_by_child(fan, FAN_DENY), EPERM);
	EQ(opened_by_child(fan, FAN_ALLOW), 0);
}

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

static void landlock(void)
{
	uint64_t handled[2] = { 1 << 2 /* READ_FILE */, 0 };
	pid_t pid;
	int fd;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
		LACKING("landlock");
	fd = syscall(SYS_landlock_create_ruleset, handled, sizeof(handled[0]), 0);
	CHECK(fd >= 0);
	close(open("file", O_CREAT | O_WRONLY, 0600));
	pid = FORK();
	if (!pid) {
		EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
		EQ(syscall(SYS_landlock_restrict_self, fd, 0), 0);
		FAILS(open("file", O_RDONLY), EACCES);
		CHECK(open("file", O_WRONLY) >= 0);
		_exit(0);
	}
	CHILD_OK(pid);
	CHECK(open("file", O_RDONLY) >= 0);
}

/* A user who has had enough. tmpfs keeps count by itself. */
static void quota(void)
{
	char block[4096] = "";
	int i, fd;

	own_mounts();
	EQ(mkdir("q", 0777), 0);
	if (mount("none", "q", "tmpfs", 0, "mode=1777,usrquota,usrquota_block_hardlimit=64k"))
		LACKING("quota of tmpfs");
	EQ(setresuid(1234, 1234, 1234), 0);
	fd = open("q/file", O_CREAT | O_WRONLY, 0600);
	CHECK(fd >= 0);
	for (i = 0; i < 16; i++)
		EQ(write(fd, block, sizeof(block)), sizeof(block));
	FAILS(write(fd, block, sizeof(block)), EDQUOT);
}

/* --- ciphers --- */

#ifndef AF_ALG
#define AF_ALG 38
#endif
struct alg_address {
	uint16_t family;
	char type[14];
	uint32_t feat, mask;
	char name[64];
};

static int alg(const char *type, const char *name)
{
	struct alg_address a = { .family = AF_ALG };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	if (fd < 0)
		LACKING("AF_ALG");
	strncpy(a.type, type, sizeof(a.type) - 1);
	strncpy(a.name, name, sizeof(a.name) - 1);
	EQ(bind(fd, (void *)&a, sizeof(a)), 0);
	return fd;
}

/* FIPS 180-2, B.1. */
static void alg_sha256(void)
{
	unsigned char sum[32];
	int fd = accept(alg("hash", "sha256"), NULL, NULL);

	CHECK(fd >= 0);
	EQ(write(fd, "abc", 3), 3);
	EQ(read(fd, sum, sizeof(sum)), sizeof(sum));
	EQ(memcmp(sum, "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
		  "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad", 32), 0);
}

/* FIPS 197, C.1: one block of AES. */
static void alg_aes(void)
{
	static const unsigned char key[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	unsigned char text[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	union { char room[CMSG_SPACE(4)]; struct cmsghdr align; } control = { .room = "" };
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd, op, encrypt = 1;

	fd = alg("skcipher", "ecb(aes)");
	EQ(setsockopt(fd, 279 /* SOL_ALG */, 1 /* ALG_SET_KEY */, key, sizeof(key)), 0);
	op = accept(fd, NULL, NULL);
	CHECK(op >= 0);
	c->cmsg_level = 279;
	c->cmsg_type = 3;	/* ALG_SET_OP */
	c->cmsg_len = CMSG_LEN(4);
	memcpy(CMSG_DATA(c), &encrypt, 4);
	EQ(sendmsg(op, &m, 0), sizeof(text));
	EQ(read(op, text, sizeof(text)), sizeof(text));
	EQ(memcmp(text, "\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a", 16), 0);
}

/*
 * What LUKS, dm-verity and others ask for by name is there; and random numbers are not twice the
 * same.
 */
static void alg_names(void)
{
	unsigned char a[16] = "", b[16] = "";
	int fd;

	close(alg("skcipher", "xts(aes)"));
	close(alg("skcipher", "cbc(aes)"));
	close(alg("aead", "gcm(aes)"));
	close(alg("aead", "rfc7539(chacha20,poly1305)"));
	close(alg("hash", "hmac(sha512)"));
	close(alg("hash", "blake2b-256"));
	fd = alg("rng", "stdrng");
	EQ(setsockopt(fd, 279, 1, NULL, 0), 0);
	fd = accept(fd, NULL, NULL);
	CHECK(fd >= 0);
	EQ(read(fd, a, sizeof(a)), sizeof(a));
	EQ(read(fd, b, sizeof(b)), sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
}

/* --- sockets to itself --- */

#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif

static void vsock_loopback(void)
{
	struct { uint16_t family, reserved; uint32_t port, cid; char zero[4]; } a = { .family = AF_VSOCK, .port = -1, .cid = 1 };
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), client = socket(AF_VSOCK, SOCK_STREAM, 0), server;
	socklen_t size = sizeof(a);
	char text[4] = "";

	if (listener < 0 || bind(listener, (void *)&a, sizeof(a)))
		LACKING("vsock loopback");
	EQ(listen(listener, 1), 0);
	EQ(getsockname(listener, (void *)&a, &size), 0);
	EQ(connect(client, (void *)&a, sizeof(a)), 0);
	server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	EQ(write(client, "abc", 3), 3);
	EQ(read(server, text, sizeof(text)), 3);
	IS(text, "abc");
}

/* --- memory of one node --- */

enum { POLICY_DEFAULT = 0, POLICY_BIND = 2, POLICY_ADDRESS = 1 << 1 };

static int policy_of(void *at)
{
	unsigned long nodes[16] = { 0 };
	int policy = -1;

	EQ(syscall(SYS_get_mempolicy, &policy, nodes, 1024, at, at ? POLICY_ADDRESS : 0), 0);
	return policy;
}

static void memory_policies(void)
{
	unsigned long one = 1, far = 1UL << 40;
	char *p = map_anon(8192, MAP_PRIVATE);

	EQ(policy_of(NULL), POLICY_DEFAULT);
	EQ(syscall(SYS_set_mempolicy, POLICY_BIND, &one, 64), 0);
	EQ(policy_of(NULL), POLICY_BIND);
	EQ(syscall(SYS_set_mempolicy, POLICY_DEFAULT, NULL, 0), 0);
	EQ(syscall(SYS_mbind, p, 4096, POLICY_BIND, &one, 64, 0), 0);
	EQ(policy_of(p), POLICY_BIND);
	EQ(policy_of(p + 4096), POLICY_DEFAULT);
	FAILS(syscall(SYS_mbind, p, 4096, POLICY_BIND, &far, 64, 0), EINVAL);
}

static void move_pages_to(void)
{
	unsigned long one = 1;
	char *p = map_anon(8 << 20, MAP_PRIVATE);
	void *at[] = { p, p + (4 << 20) };
	int to[] = { 0, 0 }, status[] = { -1, -1 };
	unsigned cpu, node = 1;

	*p = 1;
	EQ(syscall(SYS_move_pages, 0, 2, at, NULL, status, 0), 0);
	EQ(status[0], 0);
	EQ(status[1], -ENOENT);
	p[4 << 20] = 2;
	EQ(syscall(SYS_move_pages, 0, 2, at, to, status, 0), 0);
	EQ(status[0], 0);
	EQ(status[1], 0);
	to[0] = 40;
	FAILS(syscall(SYS_move_pages, 0, 2, at, to, status, 0), ENODEV);
	EQ(syscall(SYS_migrate_pages, 0, 64, &one, &one), 0);
	EQ(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
	EQ(node, 0);
	EQ(access("/sys/devices/system/node/node0/meminfo", R_OK), 0);
	EQ(*p + p[4 << 20], 3);
}

/* --- block devices --- */

static void zram(void)
{
	char text[64], path[100], block[4096], back[4096] = "";
	int id, fd;

	if (!slurp("/sys/class/zram-control/hot_add", text, sizeof(text)))
		LACKING("zram");
	id = atoi(text);
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", id);
	EQ(write_text(path, "1048576"), 0);
	snprintf(path, sizeof(path), "/dev/zram%d", id);
	memset(block, 'z', sizeof(block));
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	EQ(pwrite(fd, block, sizeof(block), 8192), sizeof(block));
	EQ(fsync(fd), 0);
	EQ(pread(fd, back, sizeof(back), 8192), sizeof(back));
	EQ(memcmp(block, back, sizeof(block)), 0);
	close(fd);
	snprintf(path, sizeof(path), "/sys/block/zram%d/reset", id);
	EQ(write_text(path, "1"), 0);
	snprintf(text, sizeof(text), "%d", id);
	EQ(write_text("/sys/class/zram-control/hot_remove", text), 0);
}

/* One who serves blocks of one letter. */
static void nbd_server(int sock)
{
	struct { uint32_t magic, type, handle[2], from[2], len; } request;
	struct { uint32_t magic, error, handle[2]; } reply = { 0 };
	static char data[1 << 20];

	memset(data, 'n', sizeof(data));
	while (recv(sock, &request, 28, MSG_WAITALL) == 28) {
		reply.magic = __builtin_bswap32(0x67446698);
		memcpy(reply.handle, request.handle, 8);
		if (__builtin_bswap32(request.type) != 0)
			break;
		if (write(sock, &reply, 16) != 16 ||
		    write(sock, data, __builtin_bswap32(request.len)) != (ssize_t)__builtin_bswap32(request.len))
			break;
	}
	_exit(0);
}

enum { NBD_SET_SOCK = 0xab00, NBD_SET_BLKSIZE, NBD_DO_IT = 0xab03, NBD_CLEAR_SOCK, NBD_SET_SIZE_BLOCKS = 0xab07, NBD_DISCONNECT };

static void nbd(void)
{
	int dev = open("/dev/nbd0", O_RDONLY | O_CLOEXEC), sock[2];
	char block[4096] = "";
	pid_t serving, doing;

	if (dev < 0)
		LACKING("nbd");
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	serving = FORK();
	if (!serving) {
		close(sock[1]);
		nbd_server(sock[0]);
	}
	close(sock[0]);
	EQ(ioctl(dev, NBD_SET_BLKSIZE, 4096UL), 0);
	EQ(ioctl(dev, NBD_SET_SIZE_BLOCKS, 16UL), 0);
	EQ(ioctl(dev, NBD_SET_SOCK, sock[1]), 0);
	doing = FORK();
	if (!doing)
		_exit(ioctl(dev, NBD_DO_IT) < 0);
	SOON(pread(dev, block, sizeof(block), 0) == sizeof(block));
	EQ(block[0], 'n');
	EQ(block[4095], 'n');
	EQ(ioctl(dev, NBD_DISCONNECT), 0);
	EQ(waitpid(doing, NULL, 0), doing);
	close(sock[1]);
	EQ(ioctl(dev, NBD_CLEAR_SOCK), 0);
	close(dev);
	EQ(waitpid(serving, NULL, 0), serving);
}

/* linux/dm-ioctl.h */
struct dm {
	uint32_t version[3], data_size, data_start, target_count;
	int32_t open_count;
	uint32_t flags, event_nr, padding;
	uint64_t dev;
	char name[128], uuid[129], data[7];
	struct { uint64_t start, length; int32_t status; uint32_t next; char type[16]; char params[64]; } target;
};

static int dm(int fd, int command, struct dm *d)
{
	d->version[0] = 4;
	d->data_size = sizeof(*d);
	d->data_start = offsetof(struct dm, target);
	strcpy(d->name, "kbox-test");
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xfd, command, 312), d);
}

enum { DM_DEV_CREATE = 3, DM_DEV_REMOVE, DM_DEV_SUSPEND = 6, DM_TABLE_LOAD = 9 };

/* A device of zeroes. */
static void device_mapper(void)
{
	struct dm d = { 0 };
	char path[] = "node", block[4096] = "x";
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), dev, i;

	if (fd < 0)
		LACKING("device mapper");
	EQ(dm(fd, DM_DEV_CREATE, &d), 0);
	memset(&d, 0, sizeof(d));
	d.target_count = 1;
	d.target.length = 64;
	strcpy(d.target.type, "zero");
	EQ(dm(fd, DM_TABLE_LOAD, &d), 0);
	memset(&d, 0, sizeof(d));
	EQ(dm(fd, DM_DEV_SUSPEND, &d), 0);	/* without its flag: resume */
	EQ(mknod(path, S_IFBLK | 0600, makedev(d.dev >> 8 & 0xfff, d.dev & 0xff)), 0);
	dev = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(dev >= 0);
	EQ(lseek(dev, 0, SEEK_END), 64 * 512);
	EQ(pread(dev, block, sizeof(block), 0), sizeof(block));
	for (i = 0; i < 4096; i++)
		EQ(block[i], 0);
	close(dev);
	memset(&d, 0, sizeof(d));
	EQ(dm(fd, DM_DEV_REMOVE, &d), 0);
}

static const struct test tests[] = {
	T(keys), T(key_watch), T(config_gz), T(pressure), T(io_accounting), T(schedstat), T(autogroup), T(process_accounting),
	T(taskstats), T(fanotify_permission), T(landlock), T(quota), T(alg_sha256), T(alg_aes), T(alg_names), T(vsock_loopback),
	T(memory_policies), T(move_pages_to), T(zram), T(nbd), T(device_mapper),
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
