/* SPDX-License-Identifier: GPL-2.0-only */
/* Directories of the host in the guest: -v, --root, what kbox run shows of the host's system. */
#ifndef VOLUMES_H
#define VOLUMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <asm/kbox.h>

/* What -v and --root say: SRC[:DST][:ro|:rw]. */
struct volume_arg {
	const char *arg;	/* as it was given */
	char *source, *target;	/* target: NULL if it was not given */
	char access;		/* 'o' of ro, 'w' of rw, or 0 if neither was given */
};

/* Of --map-id: users and groups of the host that are others in the guest. */
struct id_map {
	uint32_t host, guest, count;
};

#define MAX_ID_MAPS	16	/* hostfs.h knows one more */

/* What is the guest's root. */
enum root {
	ROOT_IMAGE,
	ROOT_OWN,		/* the host's own system, below an overlay */
	ROOT_OVERLAY,		/* a directory, below an overlay */
	ROOT_VOLUME,		/* a directory, which is written */
};

/* What keeps a box in its volumes, in order of preference. */
enum volume_fence { BY_NAMESPACE, BY_LANDLOCK, BY_BROKER, BY_NOTHING };

struct volume {
	const char *arg;	/* for messages */
	const char *target;	/* where it is in the guest; of a layer: what its overlay covers */
	uint32_t flags;		/* KBOX_VOLUME_* */
	const char *file;	/* what alone of the volume is to be seen, "": all */
	bool below;		/* another volume, in which its mount point must be there already */
};

/* A directory or file of the host, and where it is in a volume: "" if it is all of that. */
struct part {
	const char *path, *at;
	int volume;
	bool is_file;
};

/* A directory or symlink of the guest's root that is there before anything is mounted on it. */
struct place {
	const char *path;
	const char *link;	/* what a symlink says, "" of a directory */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

#define MAX_PARTS	(KBOX_MAX_VOLUMES + 16)
#define MAX_PLACES	128

struct volumes {
	enum volume_fence fence;
	/* Those that are only read come first, of these the layers. */
	struct volume volume[KBOX_MAX_VOLUMES];
	int n, layers, written;			/* written: the first one that is */
	int root, upper;			/* the ones of ROOT_VOLUME and of --upper, else -1 */
	struct part part[MAX_PARTS];
	int parts;
	struct place place[MAX_PLACES];
	int places;
	int fd;					/* the first one's; the others' follow */
	struct id_map id_map[MAX_ID_MAPS];
	int nid_maps;
	char data[2048];			/* hostfs' mount options: whose files are whose, and by_path */
};

/* volumes.c */

/* False: what is wrong with it is in err. An empty part is wrong, "\:" is a colon. */
bool parse_volume(const char *arg, struct volume_arg *v, const char **err);

/* An absolute path without ., .. and double slashes; below base if it is a relative one. */
char *clean_path(const char *base, const char *path);

/* Whether path is that directory or below it; both are clean. */
bool is_below(const char *path, const char *dir);

/* The message begins with the option. */
struct box;
void find_volumes(struct box *b);
void add_part(struct volumes *v, const char *path, const char *at, int volume);
int add_volume(struct volumes *v, const char *arg, const char *target, uint32_t flags);

/*
 * In the box's first process, whose descriptors are below fds: volumes get their numbers; in a
 * namespace nothing else is there.
 */
void enter_volumes(struct box *b, int fds);

/* own.c */

/* The command is the caller's: user, groups, umask, environment and directory. */
struct options;
void take_after_caller(struct options *o);

/* As the first volumes and as places; what is at one of n targets of volumes is not shown. */
void show_own_system(struct box *b, char *target[], size_t n);

/* namespace.c: each is for a process of one thread. False: errno says why not. */

/* A mount namespace of its own, in a user namespace of its own where that takes one (idmap.h). */
bool new_namespace(const struct volumes *v);

/*
 * Descriptors of /dev/null below that number become such of a read-only mount: they are read and
 * written as before, but the file's mode, owner, times and attributes cannot be changed by them.
 */
bool keep_null_as_it_is(int fds);

/*
 * The root becomes a directory that has the volumes alone, as /0, /1 and so on; part_fd becomes
 * their descriptors. The last thing that was tried is in what.
 */
bool move_into_volumes(const struct volumes *v, int part_fd[], const char **what);

/* For works(). */
bool namespaces_work(void);

/* Of a process that opens files no capability is left but root's for files. */
void drop_capabilities(void);

#endif
