// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first root: a cpio archive (newc, kernel: Documentation/driver-api/early-userspace)
 * behind the kernel's image, with kbox-init and what it is to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box.h"

struct blob {
	char *p;
	size_t n;
};

static void add(struct blob *b, const void *data, size_t n)
{
	if (!n)
		return;
	b->p = realloc(b->p, b->n + n);
	if (!b->p)
		die("%s", reason(ENOMEM));
	memcpy(b->p + b->n, data, n);
	b->n += n;
}

static void pad(struct blob *b)
{
	add(b, "\0\0\0", -b->n & 3);
}

static void entry(struct blob *b, const char *name, unsigned mode, unsigned major, unsigned minor,
		  const void *data, size_t n)
{
	static unsigned ino;
	char head[111];

	snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++ino, mode, 0, 0,
		 1, 0, (unsigned)n, 0, 0, major, minor, (unsigned)strlen(name) + 1, 0);
	add(b, head, 110);
	add(b, name, strlen(name) + 1);
	pad(b);
	add(b, data, n);
	pad(b);
}

static void add_string(struct blob *b, const char *s)
{
	add(b, s, strlen(s) + 1);
}

static void add_number(struct blob *b, unsigned long n)
{
	char s[24];

	snprintf(s, sizeof(s), "%lu", n);
	add_string(b, s);
}

static void add_list(struct blob *b, char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	add_number(b, n);
	for (size_t i = 0; i < n; i++)
		add_string(b, list[i]);
}

static void add_groups(struct blob *b, const struct options *o)
{
	add_number(b, o->ngroups);
	for (size_t i = 0; i < o->ngroups; i++)
		add_number(b, o->groups[i]);
}

/* What the guest is to do with a directory of its root before the root is one. */
static void add_places(struct blob *b, const struct volumes *v)
{
	add_number(b, v->places);
	for (int i = 0; i < v->places; i++) {
		const struct place *p = &v->place[i];

		add_string(b, p->path);
		add_string(b, p->link);
		add_number(b, p->mode);
		add_number(b, p->uid);
		add_number(b, p->gid);
	}
}

static void add_volumes(struct blob *b, const struct volumes *v)
{
	add_string(b, v->data);
	add_number(b, v->layers);
	add_number(b, v->root);
	add_number(b, v->upper);
	add_number(b, v->n);
	for (int i = 0; i < v->n; i++) {
		add_string(b, v->volume[i].arg);
		add_string(b, v->volume[i].target);
		add_number(b, v->volume[i].flags & KBOX_VOLUME_READ_ONLY);
		add_number(b, v->volume[i].below);
		add_string(b, v->volume[i].file);
	}
	add_places(b, v);
}

/* In the order in which init.c reads it; every field is a string. */
static struct blob config(const struct box *b)
{
	const struct options *o = &b->opt;
	struct blob c = { 0 };

	add_number(&c, o->root_is);
	add_number(&c, o->system);
	add_number(&c, o->read_only);
	add_number(&c, o->read_only ? 0 : o->overlay_size);
	add_number(&c, o->uid);
	add_number(&c, o->gid);
	add_number(&c, o->umask);
	add_number(&c, o->init);
	add_string(&c, o->hostname);
	add_string(&c, o->cwd);
	for (int i = 0; i < 3; i++) {
		add_number(&c, b->stdio[i].kind);
		add_number(&c, b->stdio[i].access);
	}
	add_number(&c, o->nfds);
	for (size_t i = 0; i < o->nfds; i++) {
		add_number(&c, o->fds[i].host);
		add_number(&c, o->fds[i].guest);
	}
	add_list(&c, o->env);
	add_list(&c, o->command);
	add_groups(&c, o);
	add_volumes(&c, &b->volumes);
	add_number(&c, b->diff_fd);
	add_number(&c, b->agent_fd);
	add_number(&c, o->net);
	add_number(&c, b->net.ipv6);
	add_string(&c, b->net.resolvers.text);
	return c;
}

static struct blob file(const char *path)
{
	struct blob b = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s%s", path, reason(errno), errno == ENOENT ? "; build it with make" : "");
	b.n = st.st_size;
	b.p = malloc(b.n);
	if (!b.p || read(fd, b.p, b.n) != (ssize_t)b.n)
		die("%s: cannot read it; build it again with make", path);
	close(fd);
	return b;
}

void make_initrd(struct box *b)
{
	char buf[PATH_MAX];
	struct blob init = file(companion("kbox-init", "KBOX_INIT", buf, sizeof(buf)));
	struct blob conf = config(b), cpio = { 0 };
	uint64_t start;

	entry(&cpio, "dev", 040755, 0, 0, NULL, 0);
	entry(&cpio, "dev/console", 020600, 5, 1, NULL, 0);
	entry(&cpio, "root", 040755, 0, 0, NULL, 0);
	entry(&cpio, "init", 0100755, 0, 0, init.p, init.n);
	entry(&cpio, "config", 0100600, 0, 0, conf.p, conf.n);
	entry(&cpio, "TRAILER!!!", 0, 0, 0, NULL, 0);
	/* The kernel unpacks it into memory beside it. */
	if (b->kernel_end + 4 * cpio.n > b->opt.mem)
		die("kernel and command line do not fit into --mem; give more");
	start = (b->kernel_end + 4095) & ~4095UL;
	memcpy(b->mem + start, cpio.p, cpio.n);
	b->boot->initrd_phys = start;
	b->boot->initrd_size = cpio.n;
	free(init.p);
	free(conf.p);
	free(cpio.p);
}
