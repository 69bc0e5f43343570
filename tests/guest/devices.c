// SPDX-License-Identifier: GPL-2.0-only
/* The devices of the box, whose drivers let go of them and take them again. */
#include "tap.h"
#include <dirent.h>
#include <stdbool.h>

#define DRIVER "/sys/bus/virtio/drivers/virtio_rng/"

static bool put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

/* The source of entropy, as sysfs has it. */
static void find_rng(char *name, size_t size)
{
	DIR *all = opendir(DRIVER);
	struct dirent *e;

	if (!all)
		LACKING("a driver for entropy of virtio");
	*name = 0;
	while ((e = readdir(all)))
		if (!strncmp(e->d_name, "virtio", 6))
			snprintf(name, size, "%s", e->d_name);
	closedir(all);
	CHECK(*name);
}

static void read_entropy(void)
{
	static const char zeros[64];
	char some[64] = "";
	int fd = open("/dev/hwrng", O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, some, sizeof(some));
	CHECK(n > 0);
	CHECK(memcmp(some, zeros, n));
	close(fd);
}

static void rebind(int times, bool read)
{
	char name[NAME_MAX + 1];

	if (!in_box())
		SKIP("the devices are the host's");
	if (geteuid())
		LACKING("root's rights");
	find_rng(name, sizeof(name));
	while (times--) {
		if (read)
			read_entropy();
		CHECK(put(DRIVER "unbind", name));
		CHECK(put(DRIVER "bind", name));
	}
	read_entropy();
}

/* Each time the device begins with queues of its own, and has let go of those before. */
static void unbound_and_bound(void)
{
	rebind(100, true);
}

/* Somebody has asked for more at any time; there may be nobody who has some. */
static void unbound_in_use(void)
{
	char some[256];
	pid_t pid = fork();
	int fd;

	CHECK(pid >= 0);
	while (!pid) {
		fd = open("/dev/hwrng", O_RDONLY);
		while (fd >= 0 && read(fd, some, sizeof(some)) > 0)
			;
		close(fd);
	}
	rebind(100, false);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
}

static const struct test tests[] = { T(unbound_and_bound), T(unbound_in_use) };

int main(int argc, char **argv)
{
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
