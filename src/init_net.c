// SPDX-License-Identifier: GPL-2.0-only
/* The guest's network card: addresses and routes by rtnetlink(7), and resolv.conf(5). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"
#include "netaddr.h"

#define CARD "eth0"

/* A request, and its attributes. */
struct request {
	struct nlmsghdr h;
	char body[256];
};

static int netlink;

static void *reserve(struct request *r, size_t n)
{
	void *p = (char *)r + NLMSG_ALIGN(r->h.nlmsg_len);

	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + n;
	return p;
}

static void begin(struct request *r, int type, int flags, const void *head, size_t n)
{
	memset(r, 0, sizeof(*r));
	r->h.nlmsg_len = NLMSG_HDRLEN;
	r->h.nlmsg_type = type;
	r->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	memcpy(reserve(r, n), head, n);
}

static void attribute(struct request *r, int type, const void *data, size_t n)
{
	struct rtattr *a = reserve(r, RTA_LENGTH(n));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
}

static void ask(struct request *r, const char *what)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; char more[512]; } answer;

	if (send(netlink, r, r->h.nlmsg_len, 0) < 0 || recv(netlink, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.h))
		fail(what);
	errno = answer.h.nlmsg_type == NLMSG_ERROR ? -answer.e.error : EPROTO;
	if (errno)
		fail(what);
}

/* Its link-local address is given to it, too: to find one out takes a second (below). */
static void no_address_by_itself(int card)
{
	struct ifinfomsg m = { .ifi_index = card };
	struct { struct rtattr spec, six, mode; uint8_t value[4]; } a = {
		.spec = { sizeof(a) - 3, IFLA_AF_SPEC }, .six = { sizeof(a) - 3 - sizeof(a.spec), AF_INET6 },
		.mode = { RTA_LENGTH(1), IFLA_INET6_ADDR_GEN_MODE }, .value = { IN6_ADDR_GEN_MODE_NONE },
	};
	struct request r;

	begin(&r, RTM_SETLINK, 0, &m, sizeof(m));
	memcpy(reserve(&r, sizeof(a)), &a, sizeof(a));
	ask(&r, CARD);
}

static void card_up(int card)
{
	struct ifinfomsg up = { .ifi_index = card, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct request r;

	begin(&r, RTM_NEWLINK, 0, &up, sizeof(up));
	ask(&r, CARD);
}

/* IFA_F_NODAD: nobody else is there who could have it, and to look takes a second. */
static void add_address(int card, int family, const char *address, int prefix)
{
	struct ifaddrmsg m = { .ifa_family = family, .ifa_prefixlen = prefix, .ifa_index = card, .ifa_flags = IFA_F_NODAD };
	size_t n = family == AF_INET ? 4 : 16;
	struct request r;
	char a[16];

	inet_pton(family, address, a);
	begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof(m));
	attribute(&r, IFA_LOCAL, a, n);
	attribute(&r, IFA_ADDRESS, a, n);
	ask(&r, address);
}

static void add_route(int card, int family, const char *gateway)
{
	struct rtmsg m = { .rtm_family = family, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
			   .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST };
	struct request r;
	char a[16];

	inet_pton(family, gateway, a);
	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof(m));
	attribute(&r, RTA_GATEWAY, a, family == AF_INET ? 4 : 16);
	attribute(&r, RTA_OIF, &card, sizeof(card));
	ask(&r, gateway);
}

static void set_up_card(void)
{
	int card = if_nametoindex(CARD);

	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (!card || netlink < 0)
		fail("--net: " CARD);
	if (config.ipv6)
		no_address_by_itself(card);
	card_up(card);
	add_address(card, AF_INET, NET_BOX4, NET_PREFIX4);
	add_route(card, AF_INET, NET_GATEWAY4);
	if (config.ipv6) {
		add_address(card, AF_INET6, NET_LINK6, NET_PREFIX6);
		add_address(card, AF_INET6, NET_BOX6, NET_PREFIX6);
		add_route(card, AF_INET6, NET_GATEWAY6);
	}
	close(netlink);
}

/* The musl of some distributions has no functions for these. */
#define OPEN_TREE_CLONE		1
#define MOVE_MOUNT_F_EMPTY_PATH	4

/* Files of the guest's that are in memory, and mounted over the root's own. */
static struct memory_file {
	const char *path, *name;
	int fd, tree;
} resolv = { RESOLV_CONF, "/net/resolv.conf", -1, -1 }, hosts = { HOSTS, "/net/hosts", -1, -1 };

static void make_file_in_memory(struct memory_file *f)
{
	f->fd = open(f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	f->tree = syscall(SYS_open_tree, AT_FDCWD, f->name, OPEN_TREE_CLONE | O_CLOEXEC);
	if (f->fd < 0 || f->tree < 0)
		fail(f->path);
}

/* A file system of memory for these files, which is mounted nowhere else. */
static void make_files(void)
{
	mkdir("/net", 0755);
	if (mount("kbox", "/net", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=256k"))
		fail("tmpfs");
	make_file_in_memory(&resolv);
	make_file_in_memory(&hosts);
	if (umount2("/net", MNT_DETACH))
		fail("/net");
	rmdir("/net");
}

/*
 * The name may be a symlink to what the guest does not have: the file is mounted over the symlink
 * itself. False: there is no place for it.
 */
static bool put_file(const struct memory_file *f)
{
	struct stat st;

	/* An image that is written is the user's. */
	if (lstat(f->path, &st) && config.root_is == ROOT_IMAGE && config.overlay)
		close(open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	return !syscall(SYS_move_mount, f->tree, "", AT_FDCWD, f->path, MOVE_MOUNT_F_EMPTY_PATH);
}

static void put(const struct memory_file *f, const char *text, size_t n)
{
	if (write(f->fd, text, n) != (ssize_t)n)
		fail(f->path);
}

/* What the root has, and the gateway, where --host-loopback is. */
static void fill_hosts(void)
{
	static const char loopback[] = "127.0.0.1 localhost\n::1 localhost\n", gateway[] = NET_GATEWAY4 " " NET_HOST_NAME "\n";
	static char text[64 << 10];
	int fd = open(HOSTS, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 2);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	if (n && text[n - 1] != '\n')
		text[n++] = '\n';
	text[n] = 0;
	put(&hosts, text, n);
	if (!strstr(text, "localhost"))
		put(&hosts, loopback, strlen(loopback));
	put(&hosts, gateway, strlen(gateway));
}

void net_names(void)
{
	fill_hosts();
	put(&resolv, config.resolv_conf, strlen(config.resolv_conf));
	if (!put_file(&resolv))
		dprintf(2, "kbox: --net: " RESOLV_CONF ": %s: no name will be found\n", strerror(errno));
	put_file(&hosts);	/* a root without one has none */
	close(resolv.fd);
	close(resolv.tree);
	close(hosts.fd);
	close(hosts.tree);
}

void net_up(void)
{
	set_up_card();
	make_files();
}
