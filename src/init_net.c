// SPDX-License-Identifier: GPL-2.0-only
/* The guest's network card: addresses and routes by rtnetlink(7), and resolv.conf(5). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
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
	card_up(card);
	add_address(card, AF_INET, NET_BOX4, NET_PREFIX4);
	add_route(card, AF_INET, NET_GATEWAY4);
	if (config.ipv6) {
		add_address(card, AF_INET6, NET_BOX6, NET_PREFIX6);
		add_route(card, AF_INET6, NET_GATEWAY6);
	}
	close(netlink);
}


/* The musl of some distributions has no functions for these. */
#define OPEN_TREE_CLONE		1
#define MOVE_MOUNT_F_EMPTY_PATH	4

static int resolv_tree;

/* A file system of memory for that one file, which is mounted nowhere else. */
static void make_resolv_conf(void)
{
	int fd, n = strlen(config.resolv_conf);

	mkdir("/net", 0755);
	if (mount("kbox", "/net", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k"))
		fail("tmpfs");
	fd = open("/net/resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, config.resolv_conf, n) != n || close(fd))
		fail(RESOLV_CONF);
	resolv_tree = syscall(SYS_open_tree, AT_FDCWD, "/net/resolv.conf", OPEN_TREE_CLONE | O_CLOEXEC);
	if (resolv_tree < 0 || umount2("/net", MNT_DETACH))
		fail(RESOLV_CONF);
	rmdir("/net");
}

/*
 * The name may be a symlink to what the guest does not have: the file is mounted over the symlink
 * itself.
 */
void net_names(void)
{
	struct stat st;

	/* An image that is written is the user's. */
	if (lstat(RESOLV_CONF, &st) && config.root_is == ROOT_IMAGE && config.overlay)
		close(open(RESOLV_CONF, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	if (syscall(SYS_move_mount, resolv_tree, "", AT_FDCWD, RESOLV_CONF, MOVE_MOUNT_F_EMPTY_PATH))
		dprintf(2, "kbox: --net: " RESOLV_CONF ": %s: no name will be found\n", strerror(errno));
	close(resolv_tree);
}

void net_up(void)
{
	set_up_card();
	make_resolv_conf();
}
