// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbox snapshot: a box is written to a file. kbox fork: to one in memory, of which boxes begin. Its
 * supervisor can open none, so it hands its memory over, which stands still meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client.h"
#include "snapshot.h"

static const char usage[] =
"Usage: kbox snapshot [--stop] [--compress] NAME FILE\n"
"Write the box of this name to FILE. It stands still meanwhile, and goes on. kbox --from FILE is a box\n"
"in which its programs go on from there.\n"
"\n"
"      --stop            it does not go on but ends, as it is in FILE; for a box that writes to its image\n"
"      --compress        FILE is written by zstd, after the box goes on\n"
"      --help\n";

static const char fork_usage[] =
"Usage: kbox fork NAME NEW...\n"
"Start boxes of the names NEW, each of them like the box NAME is now. That box writes nothing to its\n"
"image: it is read-only, or ephemeral.\n";

static char *unfinished;		/* the file's name until it is whole */

static void give_up(void)
{
	if (unfinished)
		unlink(unfinished);
}

static void interrupted(int sig)
{
	give_up();
	signal(sig, SIG_DFL);
	raise(sig);
}

static int new_file(const char *path)
{
	int fd;

	if (asprintf(&unfinished, "%s.XXXXXX", path) < 0)
		die("%s", reason(ENOMEM));
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0) {
		unfinished = NULL;
		die("%s: %s", path, reason(errno));
	}
	atexit(give_up);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	signal(SIGHUP, interrupted);
	signal(SIGXFSZ, SIG_IGN);	/* then it is an error */
	return fd;
}

static void write_at(int fd, const char *path, const void *data, size_t n, off_t off)
{
	const char *p = data;
	ssize_t done;

	for (; n; n -= done, p += done, off += done) {
		done = pwrite(fd, p, n, off);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done <= 0)
			die("%s: %s", path, done ? reason(errno) : "cannot be written");
	}
}

/* What is copied: the box's memory, and its overlay. */
struct source {
	int fd;				/* -1: there is none */
	uint64_t at, size;		/* in the file that is written */
	const char *map;
};

/* The file that is written. */
struct output {
	int fd;
	const char *path;
	struct source sources[ANSWER_FDS];
	uint64_t *sums;			/* of its pages from the memory's first on; 0: zeros */
	uint64_t pages;
};

static uint64_t number_of(uint64_t at)
{
	return (at - SNAPSHOT_WORDS) / SNAPSHOT_PAGE;
}

/*
 * By way of memory that nobody else has: the box may run, and while it stands still some words change
 * nevertheless, those of who waits for the guest and finds it at rest.
 */
static void write_pages(const struct output *o, uint64_t to, const char *from, size_t n)
{
	char own[64 << 10];

	for (size_t part; n; n -= part, from += part, to += part) {
		part = n < sizeof(own) ? n : sizeof(own);
		memcpy(own, from, part);
		for (size_t at = 0; at < part; at += SNAPSHOT_PAGE)
			o->sums[number_of(to + at)] = snapshot_is_zero(own + at) ? 0 : snapshot_page_sum(own + at);
		write_at(o->fd, o->path, own, part, to);
	}
}

static bool is_written(const struct output *o, uint64_t to, const char *page)
{
	uint64_t sum = o->sums[number_of(to)];

	return sum && sum == snapshot_page_sum(page);
}

/* Those of these pages that the file does not have yet. */
static void update_pages(const struct output *o, uint64_t to, const char *from, uint64_t n)
{
	uint64_t at = 0, start;

	while (at < n) {
		while (at < n && is_written(o, to + at, from + at))
			at += SNAPSHOT_PAGE;
		start = at;
		while (at < n && !is_written(o, to + at, from + at))
			at += SNAPSHOT_PAGE;
		write_pages(o, to + start, from + start, at - start);
	}
}

/* What is zeros now, in the file and up to there, was something before. */
static void zero_pages(const struct output *o, uint64_t at, uint64_t end)
{
	static const char zeros[SNAPSHOT_PAGE];

	for (; at < end; at += SNAPSHOT_PAGE)
		if (o->sums[number_of(at)]) {
			write_at(o->fd, o->path, zeros, sizeof(zeros), at);
			o->sums[number_of(at)] = 0;
		}
}

/* Its pages that are not zero; what the file has of them already stays. */
static void copy(const struct output *o, const struct source *s)
{
	struct snapshot_runs runs = { .fd = s->fd, .map = s->map, .end = s->size };
	uint64_t at, n, done = 0;

	while (s->size && snapshot_next_run(&runs, &at, &n)) {
		zero_pages(o, s->at + done, s->at + at);
		update_pages(o, s->at + at, s->map + at, n);
		done = at + n;
	}
	zero_pages(o, s->at + done, s->at + s->size);
}

static void copy_all(const struct output *o)
{
	for (int i = 0; i < ANSWER_FDS; i++)
		copy(o, &o->sources[i]);
}

static uint64_t size_of(int fd)
{
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) || st.st_size % SNAPSHOT_PAGE)
		die("the box's memory is none");
	return st.st_size;
}

/* fds: of the box's memory, and of its overlay, or -1. They stay mapped until we end. */
static void set_sources(struct output *o, const int fds[ANSWER_FDS])
{
	uint64_t at = SNAPSHOT_WORDS;

	for (int i = 0; i < ANSWER_FDS; i++) {
		struct source *s = &o->sources[i];

		*s = (struct source) { .fd = fds[i], .at = at, .size = size_of(fds[i]) };
		s->map = s->size ? mmap(NULL, s->size, PROT_READ, MAP_SHARED, s->fd, 0) : NULL;
		if (s->map == MAP_FAILED)
			die("cannot map the box's memory: %s", reason(errno));
		at += s->size;
	}
	o->pages = number_of(at);
	o->sums = calloc(o->pages, sizeof(*o->sums));
	if (!o->sums)
		die("%s", reason(ENOMEM));
}

static uint64_t sum_of(const struct output *o, const char *words, size_t n)
{
	struct snapshot_sum *sum = snapshot_sum_begin(words, n);

	for (uint64_t i = 0; i < o->pages; i++)
		if (o->sums[i])
			snapshot_sum_page(sum, i, o->sums[i]);
	return snapshot_sum_end(sum);
}

/* What the supervisor says of the box, and what it has not said. */
static void write_head(const struct output *o, struct json_object *box)
{
	struct snapshot_head h = {
		.magic = SNAPSHOT_MAGIC, .format = SNAPSHOT_FORMAT,
		.memory = o->sources[0].size, .overlay = o->sources[1].size,
	};
	const char *words;
	char cpu[256];

	cpu_words(cpu, sizeof(cpu));
	json_object_object_add(box, "cpu", json_object_new_string(cpu));
	words = json_object_to_json_string_ext(box, JSON_C_TO_STRING_PLAIN);
	h.words = strlen(words);
	if (h.words > SNAPSHOT_WORDS - sizeof(h))
		die("the box's command is too long for a snapshot");
	if (ftruncate(o->fd, SNAPSHOT_WORDS + h.memory + h.overlay))
		die("%s: %s", o->path, reason(errno));
	h.sum = sum_of(o, words, h.words);
	h.head_sum = snapshot_head_sum(&h);
	write_at(o->fd, o->path, words, h.words, sizeof(h));
	write_at(o->fd, o->path, &h, sizeof(h), 0);
}

/* False: it was not ours any more to go on, and has gone on meanwhile. One that is to end has ended. */
static bool release(struct connection *c, bool stop)
{
	struct json_object *o = NULL;
	bool ok;

	if (ask_box(c, object_of(stop ? "kill" : "thaw", json_object_new_object()), NULL, 0))
		o = answer_of_box(c);
	ok = json_object_object_get_ex(o, "ok", NULL);
	json_object_put(o);
	if (ok && stop)
		json_object_put(answer_of_box(c));	/* none: the connection ends with the box */
	return ok;
}

static void __attribute__((noreturn)) went_on(const char *name)
{
	die("%s: the box went on, or ended, while it was written; try again", name);
}

/* Its memory and its overlay, with the answer to such a request. */
static struct json_object *ask_for(struct connection *c, const char *name, const char *what, bool stop, int fds[ANSWER_FDS])
{
	struct json_object *o = NULL;

	fds[0] = fds[1] = -1;
	if (ask_box(c, object_of(what, json_object_new_boolean(stop)), NULL, 0))
		o = answer_with_fds(c, fds, ANSWER_FDS);
	if (!o || fds[0] < 0)
		die("%s: the box has ended", name);
	return o;
}

/*
 * Writes the box to fd while it runs, and then, while it stands still, what has changed since. It
 * goes on when it is released, or we end.
 */
static struct connection take_box(const char *name, int fd, const char *path, bool stop)
{
	struct connection c = connect_box(name);
	struct output out = { .fd = fd, .path = path };
	struct json_object *o, *box = NULL;
	int fds[ANSWER_FDS];

	json_object_put(ask_for(&c, name, "memory", stop, fds));
	set_sources(&out, fds);
	copy_all(&out);
	o = ask_for(&c, name, "freeze", stop, fds);
	if (!json_object_object_get_ex(o, "frozen", &box))
		die("%s: the box has ended", name);
	copy_all(&out);
	write_head(&out, box);
	json_object_put(o);
	free(out.sums);
	return c;
}

static void put_in_place(const char *path)
{
	if (rename(unfinished, path))
		die("%s: %s", path, reason(errno));
	unfinished = NULL;
}

static void close_file(int fd, const char *path)
{
	if (close(fd))
		die("%s: %s", path, reason(errno));
}

/* A box that ends is nowhere else: neither an error nor a signal may take its file away then. */
static void stop_in_file(const char *name, struct connection *c, const char *path)
{
	put_in_place(path);
	if (release(c, true))
		return;
	unlink(path);
	went_on(name);
}

static void write_file(const char *name, const char *path, bool stop, bool compress)
{
	int file = new_file(path), fd = compress ? new_memfd("kbox-snapshot") : file;
	struct connection c;

	if (fd < 0)
		die("memfd_create: %s", reason(errno));
	c = take_box(name, fd, path, stop);
	/* One that goes on does not wait for zstd. */
	if (!stop && !release(&c, false))
		went_on(name);
	if (compress)
		snapshot_compress(fd, file, path);
	close_file(file, path);
	if (stop)
		stop_in_file(name, &c, path);
	else
		put_in_place(path);
}

int snapshot_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "stop", no_argument, NULL, 's' }, { "compress", no_argument, NULL, 'z' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	bool stop = false, compress = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 's':
			stop = true;
			break;
		case 'z':
			compress = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			die("snapshot: option '%s' is unknown; see kbox snapshot --help", argv[optind - 1]);
		}
	if (argc - optind != 2)
		die("snapshot: give the name of a box and a file; see kbox snapshot --help");
	write_file(argv[optind], argv[optind + 1], stop, compress);
	return 0;
}

/* The number of the file is this process's, which stays until the box has begun. */
static int start_copy(const char *name, int fd)
{
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[64], self[PATH_MAX];
	pid_t pid;

	if (null < 0)
		die("/dev/null: %s", reason(errno));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	pid = fork();
	if (!pid) {
		/* Somebody may wait for the end of what we write. */
		dup2(null, 0);
		dup2(null, 1);
		execl("/proc/self/exe", "kbox", "--name", name, "-d", "--from", path, NULL);
		if (self_path(self))
			execl(self, "kbox", "--name", name, "-d", "--from", path, NULL);
		die("cannot start kbox: %s", reason(errno));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die("fork: %s", reason(errno));
	close(null);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAIL;
}

int fork_main(int argc, char **argv)
{
	static const struct option longs[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct connection c;
	int fd, status = 0, opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt != 'h')
			die("fork: option '%s' is unknown; see kbox fork --help", argv[optind - 1]);
		fputs(fork_usage, stdout);
		return 0;
	}
	if (argc - optind < 2)
		die("fork: give the name of a box, and names for its copies; see kbox fork --help");
	fd = new_memfd("kbox-fork");
	if (fd < 0)
		die("memfd_create: %s", reason(errno));
	c = take_box(argv[optind], fd, "the copy", false);
	if (!release(&c, false))
		went_on(argv[optind]);
	close(c.fd);
	for (int i = optind + 1; i < argc && !status; i++)
		status = start_copy(argv[i], fd);
	return status;
}
