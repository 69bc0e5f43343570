/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's first process: what its parts share. */
#ifndef INIT_H
#define INIT_H
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* enum root (volumes.h) */
enum { ROOT_IMAGE, ROOT_OWN, ROOT_OVERLAY, ROOT_VOLUME };

struct volume {
	char *arg, *target, *file;
	int read_only, below;
	int fd;			/* of a file, until it is mounted */
};

struct place {
	char *path, *link;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* What initrd.c wrote into /config, in its order. */
extern struct config {
	int root_is, system, read_only;
	unsigned long overlay;	/* bytes of it, 0: none */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int init;		/* the command takes our place */
	char *hostname, *cwd;
	struct { int kind, access; } stdio[3];
	size_t nfds;
	struct fd_pair { int host, guest; } *fds;
	char **env, **argv;
	size_t ngroups;
	gid_t *groups;
	char *data;		/* of hostfs' mounts */
	size_t layers;		/* how many of the volumes are below overlays of the root's */
	int root, upper;	/* which one is the root, or what is written to it (--upper), else -1 */
	size_t nvolumes;
	struct volume *volumes;
	int diff;		/* the host's descriptor for --diff, or -1 */
	int agent;		/* that of the agent, or -1 */
	int keep;		/* of a program that it starts: it goes on when nobody waits for it */
	size_t nplaces;
	struct place *places;
	int net, ipv6;		/* there is a network, and it has IPv6 */
	char *resolv_conf;	/* what that file is to say */
} config;

/* init.c */
void goodbye(int status);	/* end the box; status: as wait(2) gives it */
void fail(const char *what);
/* Strings that follow each other, and numbers and lists that are made of them, from there on. */
void read_from(char *strings);
char *next_string(void);
unsigned long next_number(void);
char **next_list(void);
/* The same descriptor, out of the way of the command's, which does not have it. */
int move_up(int fd);
void set_environment(void);
void set_up_terminal(void);
/* Becomes config's command, whose terminal or descriptors 0 to 2 are. */
void run(void) __attribute__((noreturn));

/* For the agent, which has nothing of the command's. */
void drop_stdio(void);
time_t seconds(void);

/*
 * init_exec.c: a process that starts programs for kbox exec, as the supervisor says on this socket.
 * It returns the end of a pipe, which an exec closes. When that is closed everywhere the command
 * has been started; or, after a byte, it could not be.
 */
int start_agent(int socket);

/* init_root.c: the root, with what is mounted in it. */
void enter_root(void);
void mount_volumes(void);

/*
 * init_net.c: the card has its addresses and routes. net_names() is for the new root, whose
 * resolv.conf stays as it is: what the guest is to read is mounted over it.
 */
#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
void net_up(void);
void net_names(void);

/*
 * init_diff.c: where the archive goes, which trees of the root it is of; all is written when nobody
 * else is left.
 */
void diff_prepare(int out);
void diff_trees(const char *memory, const char *upper);
void diff_write(void);

#endif
