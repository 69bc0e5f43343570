// SPDX-License-Identifier: GPL-2.0-only
/*
 * Landlock: a thread gives up opening files, and calling others, for itself and for all that it
 * starts. What is open already it keeps.
 */
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "landlock.h"

#define VERSION		(1U << 0)	/* LANDLOCK_CREATE_RULESET_VERSION */

/* struct landlock_ruleset_attr of ABI 6. An older host takes it if what it does not know is 0. */
struct ruleset {
	uint64_t files, net, scoped;
};

#define FILES_1		((1ULL << 13) - 1)	/* LANDLOCK_ACCESS_FS_EXECUTE to _MAKE_SYM */
#define FILE_REFER	(1ULL << 13)
#define FILE_TRUNCATE	(1ULL << 14)
#define FILE_IOCTL_DEV	(1ULL << 15)
#define NET_TCP		3ULL			/* LANDLOCK_ACCESS_NET_BIND_TCP and _CONNECT_TCP */
#define SCOPE_ABSTRACT	(1ULL << 0)		/* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET */
#define SCOPE_SIGNAL	(1ULL << 1)

int landlock_abi(void)
{
	long abi = is_hidden(KBOX_HIDE_LANDLOCK) ? 0 : syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);

	return abi < 0 ? 0 : abi;
}

/* No program is started, and no device made. */
#define FILE_READS	(3ULL << 2)		/* LANDLOCK_ACCESS_FS_READ_FILE and _READ_DIR */
#define FILE_REMOVE_DIR	(1ULL << 4)
#define FILE_MAKE_CHAR	(1ULL << 6)
#define FILE_MAKE_BLOCK	(1ULL << 11)
/* LANDLOCK_ACCESS_FS_WRITE_FILE, _REMOVE_*, _MAKE_*, _REFER and _TRUNCATE */
#define FILE_WRITES	((1ULL << 1 | (FILE_TRUNCATE * 2 - FILE_REMOVE_DIR)) & ~(FILE_MAKE_CHAR | FILE_MAKE_BLOCK))
/* LANDLOCK_ACCESS_FS_EXECUTE, _WRITE_FILE, _READ_FILE and _TRUNCATE */
#define OF_FILES	(7ULL | FILE_TRUNCATE)
#define RULE_PATH_BENEATH 1

/* All that the host knows to refuse is handled, and no rule allows any of it. */
static struct ruleset ruleset(int abi, bool sockets, bool signals)
{
	struct ruleset r = { .files = FILES_1 };

	if (abi >= 2)
		r.files |= FILE_REFER;
	if (abi >= 3)
		r.files |= FILE_TRUNCATE;
	if (abi >= 4 && !sockets)
		r.net = NET_TCP;
	if (abi >= 5)
		r.files |= FILE_IOCTL_DEV;
	if (abi >= 6 && !sockets)
		r.scoped |= SCOPE_ABSTRACT;
	if (abi >= 6 && signals)
		r.scoped |= SCOPE_SIGNAL;
	return r;
}

/* struct landlock_path_beneath_attr */
static bool allow(int ruleset, int dir, uint64_t what)
{
	struct {
		uint64_t allowed;
		int32_t parent;
	} __attribute__((packed)) rule = { what, dir };

	return !syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
}

static uint64_t rights(const struct landlock_rule *r)
{
	uint64_t all = FILE_READS | (r->write ? FILE_WRITES : 0) | (r->whiteouts ? FILE_MAKE_CHAR : 0);

	return r->is_file ? all & OF_FILES : all;
}

/* With the descriptor of a ruleset, which is closed. */
static bool restrict_self(int fd)
{
	bool ok = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !syscall(SYS_landlock_restrict_self, fd, 0);

	close(fd);
	return ok;
}

static int new_ruleset(const struct ruleset *r)
{
	return syscall(SYS_landlock_create_ruleset, r, sizeof(*r), 0);
}

bool landlock_lock(bool sockets, bool signals, const struct landlock_rule *rules, int n)
{
	int abi = landlock_abi(), fd;
	struct ruleset r = ruleset(abi, sockets, signals);

	if (!abi)
		return false;
	fd = new_ruleset(&r);
	if (fd < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (!allow(fd, rules[i].fd, r.files & rights(&rules[i]))) {
			close(fd);
			return false;
		}
	return restrict_self(fd);
}

bool landlock_lock_but(int dir)
{
	int abi = landlock_abi(), fd;
	struct ruleset r = ruleset(abi, false, false);

	if (!abi)
		return false;
	fd = new_ruleset(&r);
	if (fd < 0)
		return false;
	if (dir >= 0 && !allow(fd, dir, FILE_REMOVE_DIR)) {
		close(fd);
		return false;
	}
	return restrict_self(fd);
}
