// SPDX-License-Identifier: GPL-2.0-only
/*
 * --from: the memory is a file's that snapshot.c has written. That may be damaged, and what is in
 * memory is a guest's anyway: it is believed no more than what a guest writes while it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"
#include "devices.h"
#include "resume.h"

static void __attribute__((noreturn)) damaged(const struct resume *r)
{
	die("%s: is damaged, or no snapshot of kbox's", r->path);
}

static void open_file(struct resume *r, struct stat *st)
{
	int file = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (file < 0 || fstat(file, st))
		die("%s: %s", r->path, reason(errno));
	r->fd = file;
	if (!S_ISREG(st->st_mode) || !snapshot_is_compressed(file))
		return;
	r->fd = snapshot_decompress(file);
	close(file);
	if (r->fd < 0 || fstat(r->fd, st))
		damaged(r);
}

static void read_head(struct resume *r)
{
	struct stat st;

	open_file(r, &st);
	if (!S_ISREG(st.st_mode) || pread(r->fd, &r->head, sizeof(r->head), 0) != sizeof(r->head) ||
	    memcmp(r->head.magic, SNAPSHOT_MAGIC, sizeof(SNAPSHOT_MAGIC)))
		damaged(r);
	if (r->head.format != SNAPSHOT_FORMAT)
		die("%s: a snapshot of another version of kbox", r->path);
	if (r->head.head_sum != snapshot_head_sum(&r->head) || r->head.words > SNAPSHOT_WORDS - sizeof(r->head) ||
	    r->head.memory < KBOX_MEM_MIN || r->head.memory > MEM_MAX || r->head.overlay > MEM_MAX ||
	    (r->head.memory | r->head.overlay) % SNAPSHOT_PAGE ||
	    (uint64_t)st.st_size != SNAPSHOT_WORDS + r->head.memory + r->head.overlay)
		damaged(r);
	r->map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, r->fd, 0);
	if (r->map == MAP_FAILED)
		die("%s: %s", r->path, reason(errno));
}

static struct snapshot_runs runs_of(const struct resume *r, uint64_t at, uint64_t size)
{
	return (struct snapshot_runs) { .fd = r->fd, .map = r->map, .at = at, .end = at + size };
}

/* To a file that nobody has mapped, since a write is cheaper than the faults of a mapping. */
static void write_run(int to, const char *from, uint64_t n, uint64_t at)
{
	while (n) {
		ssize_t done = pwrite(to, from, n, at);

		if (done <= 0)
			die("cannot have the box's memory: %s", reason(errno));
		from += done;
		at += done;
		n -= done;
	}
}

/* What of the pages from "at" on, which are n bytes of the file, is memory. */
static void fill(const struct box *b, const struct resume *r, uint64_t at, uint64_t n)
{
	uint64_t end = SNAPSHOT_WORDS + r->head.memory;

	if (at < end)
		write_run(b->mem_fd, r->map + at, n < end - at ? n : end - at, at - SNAPSHOT_WORDS);
}

/*
 * The whole file is looked at before anything of it is used. Memory is filled meanwhile, while the
 * pages are in the processor's cache.
 */
static void take_pages(const struct box *b, const struct resume *r)
{
	const char *words = r->map + sizeof(r->head);
	struct snapshot_sum *sum = snapshot_sum_begin(words, r->head.words);
	struct snapshot_runs runs = runs_of(r, SNAPSHOT_WORDS, r->head.memory + r->head.overlay);
	uint64_t at, n;

	while (snapshot_next_run(&runs, &at, &n)) {
		for (uint64_t page = at; page < at + n; page += SNAPSHOT_PAGE)
			snapshot_sum_page(sum, (page - SNAPSHOT_WORDS) / SNAPSHOT_PAGE, snapshot_page_sum(r->map + page));
		fill(b, r, at, n);
	}
	if (snapshot_sum_end(sum) != r->head.sum)
		damaged(r);
}

static struct json_object *get(const struct resume *r, const char *key, enum json_type type)
{
	struct json_object *o = json_object_object_get(r->box, key);

	if (!json_object_is_type(o, type))
		damaged(r);
	return o;
}

static void read_words(struct resume *r)
{
	char *words = strndup(r->map + sizeof(r->head), r->head.words);

	r->box = words ? json_tokener_parse(words) : NULL;
	free(words);
	if (!json_object_is_type(r->box, json_type_object))
		damaged(r);
	if (!cpu_has(json_object_get_string(get(r, "cpu", json_type_string))))
		die("%s: this host's processor lacks something that the box may use", r->path);
}

/* What the command line says of another box. The command is for kbox ps alone. */
static void take_options(struct options *o, const struct resume *r)
{
	const char *mode = json_object_get_string(get(r, "mode", json_type_string));
	struct json_object *command = get(r, "command", json_type_array);
	size_t n = json_object_array_length(command);

	o->root_is = ROOT_IMAGE;
	o->image = json_object_get_string(get(r, "image", json_type_string));
	o->read_only = !strcmp(mode, "ro");
	o->ephemeral = !strcmp(mode, "ephemeral");
	o->overlay_size = json_object_get_int64(get(r, "overlay", json_type_int));
	o->max_processes = json_object_get_int64(get(r, "processes", json_type_int));
	o->init = json_object_get_boolean(get(r, "init", json_type_boolean));
	o->command = calloc(n + 1, sizeof(*o->command));
	if (!o->command)
		die("%s", reason(ENOMEM));
	for (size_t i = 0; i < n; i++)
		o->command[i] = (char *)json_object_get_string(json_object_array_get_idx(command, i));
}

/* What of it was nothing stays so. */
static void take_stdio(struct box *b, const struct resume *r)
{
	struct json_object *null = get(r, "null", json_type_array);

	for (int i = 0; i < 3; i++) {
		struct json_object *is = json_object_array_get_idx(null, i);

		if (!json_object_is_type(is, json_type_boolean))
			damaged(r);
		b->null[i] = json_object_get_boolean(is);
	}
}

static void find_agent(struct resume *r)
{
	int64_t was = json_object_get_int64(get(r, "agent", json_type_int));

	r->agent = was < 3 || was >= KBOX_MAX_OFFER ? -1 : was;
}

/* A guest that has hardly begun has yet to take its agent's. */
static bool is_guests(const struct resume *r, int fd)
{
	const struct kbox_shared *s = (const void *)(r->map + SNAPSHOT_WORDS + KBOX_SHARED_PHYS);

	return s->held[fd / 64] & 1UL << fd % 64 || fd == r->agent;
}

static int move_above(const struct resume *r, int fd, int top)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, top + 1);

	if (moved < 0)
		die("%s: the box had descriptor %d, which the limit of open files (ulimit -n) does not allow",
		    r->path, top);
	close(fd);
	return moved;
}

/*
 * The guest's kernel knows descriptors by numbers, which must be none of ours. There is nothing
 * behind them any more; what there is nevertheless has its number later.
 */
static void take_numbers(struct box *b, struct resume *r)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), top = 2;

	for (int fd = 3; fd < KBOX_MAX_OFFER; fd++)
		if (is_guests(r, fd))
			top = fd;
	r->fd = move_above(r, r->fd, top);
	b->mem_fd = move_above(r, b->mem_fd, top);
	null = move_above(r, null, top);
	for (int fd = 3; fd <= top; fd++)
		if (is_guests(r, fd) && dup3(null, fd, O_CLOEXEC) < 0)
			die("%s: descriptor %d: %s", r->path, fd, reason(errno));
	close(null);
}

uint64_t guest_clock(uint64_t offset)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec + offset;
}

/* The kernel adds up what it is given here, and has room for 292 years. */
static uint64_t get_ns(const struct resume *r, const char *key)
{
	int64_t ns = json_object_get_int64(get(r, key, json_type_int));

	if (ns < 0 || ns > INT64_MAX / 4)
		damaged(r);
	return ns;
}

/* Where this host has been started since then, its clock is behind. */
static void set_clock(struct box *b)
{
	uint64_t was = get_ns(b->resume, "clock"), is;

	b->clock_offset = get_ns(b->resume, "clock_offset");
	is = guest_clock(b->clock_offset);
	if (is < was)
		b->clock_offset += was - is;
}

void resume_begin(struct box *b)
{
	static struct resume resume;

	if (!b->opt.from)
		return;
	resume.path = b->opt.from;
	read_head(&resume);
	b->opt.mem = resume.head.memory;
	b->resume = &resume;
}

void resume_open(struct box *b)
{
	struct resume *r = b->resume;

	if (!r)
		return;
	b->mem_fd = new_memory(b->opt.mem);
	take_pages(b, r);
	read_words(r);
	take_options(&b->opt, r);
	take_stdio(b, r);
	find_agent(r);
	take_numbers(b, r);
	set_clock(b);
}

void resume_image(const struct box *b)
{
	const struct resume *r = b->resume;
	struct stat st;

	if (!r)
		return;
	if (fstat(b->image_fd, &st) || st.st_size != json_object_get_int64(get(r, "image_size", json_type_int)) ||
	    st.st_mtim.tv_sec != json_object_get_int64(get(r, "image_sec", json_type_int)) ||
	    st.st_mtim.tv_nsec != json_object_get_int64(get(r, "image_nsec", json_type_int)))
		die("%s: the image %s is not as it was then: something has written to it", r->path, b->opt.image);
}

void resume_memory(struct box *b)
{
	struct resume *r = b->resume;
	const char *build;

	if (!r)
		return;
	build = json_object_get_string(get(r, "kernel", json_type_string));
	if (strcmp(build, b->kernel_build))
		die("%s: made with another kernel; it goes on with that one alone (KBOX_KERNEL)", r->path);
	r->was = *b->boot;
	memset(b->boot, 0, SNAPSHOT_PAGE);
	memset(b->shared->offered, 0, sizeof(b->shared->offered));
	b->shared->doorbell = b->shared->sup_signals = b->shared->exit_kind = 0;
	b->shared->freeze = KBOX_RUNS;
	b->boot->resumes = 1;
	b->boot->clock_offset = b->clock_offset;
	if (getrandom(b->boot->seed, sizeof(b->boot->seed), 0) != sizeof(b->boot->seed))
		die("getrandom: %s", reason(errno));
}

static void fill_overlay(const struct resume *r, int fd)
{
	uint64_t start = SNAPSHOT_WORDS + r->head.memory, at, n;
	struct snapshot_runs runs = runs_of(r, start, r->head.overlay);
	struct stat st;

	if (fstat(fd, &st) || (uint64_t)st.st_size != r->head.overlay)
		die("%s: the box had another overlay", r->path);
	while (snapshot_next_run(&runs, &at, &n))
		write_run(fd, r->map + at, n, at - start);
	virtio_blk_overlay_filled();
}

static void close_file(const struct resume *r)
{
	munmap((void *)r->map, SNAPSHOT_WORDS + r->head.memory + r->head.overlay);
	close(r->fd);
}

void resume_overlay(struct box *b)
{
	if (!b->resume)
		return;
	if (virtio_blk_overlay() >= 0)
		fill_overlay(b->resume, virtio_blk_overlay());
	close_file(b->resume);
}

void resume_leave(const struct box *b)
{
	close(b->mem_fd);
	close_file(b->resume);
}

int resume_agent(const struct box *b, int fd)
{
	int was = b->resume->agent;

	if (was >= 0 && dup3(fd, was, O_CLOEXEC) < 0)
		was = -1;
	close(fd);
	return was;
}

void resume_check(const struct box *b)
{
	const struct kbox_boot *was = &b->resume->was;
	struct kbox_boot *is = b->boot;

	is->rewrite = was->rewrite;
	is->cancel_promote = was->cancel_promote;
	/* Where the kernel has found that the host's vDSO has no clock, that is so. */
	if (!was->vdso_clock_gettime)
		is->vdso_clock_gettime = 0;
	if (was->mem_size != is->mem_size || was->user_end != is->user_end || was->keep_start != is->keep_start ||
	    was->keep_end != is->keep_end || was->vdso_clock_gettime != is->vdso_clock_gettime ||
	    was->vsyscall_prot != is->vsyscall_prot || was->minsigstksz != is->minsigstksz || was->hwcap != is->hwcap ||
	    was->hwcap2 != is->hwcap2 || was->hidden != is->hidden)
		die("%s: made on another kind of host: its kernel or processor differs from this one's", b->resume->path);
}
