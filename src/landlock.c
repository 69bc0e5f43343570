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

bool landlock_lock(bool sockets, bool signals)
{
	int abi = landlock_abi(), fd;
	struct ruleset r = ruleset(abi, sockets, signals);
	bool ok;

	if (!abi)
		return false;
	fd = syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd < 0)
		return false;
	ok = !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return ok;
}
