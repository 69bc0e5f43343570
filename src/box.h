/* SPDX-License-Identifier: GPL-2.0-only */
/* The launcher's parts, and what they share: the box being run. */
#ifndef BOX_H
#define BOX_H
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <asm/kbox.h>
#include "allow.h"
#include "ports.h"
#include "resolv.h"
#include "volumes.h"

/* Exit statuses of kbox itself; as env(1) has them, and one of our own. */
enum { EXIT_PANIC = 120, EXIT_FAIL = 125, EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

enum action { ACTION_RUN, ACTION_DOCTOR, ACTION_HELP, ACTION_VERSION };

/* How system calls reach the kernel. */
enum syscall_mode { MODE_AUTO, MODE_TRAP, MODE_REWRITE };

/* What the box has of the host's network. */
enum net { NET_NONE, NET_USER, NET_PASST, NET_SLIRP };

struct options {
	enum action action;
	enum syscall_mode mode;
	bool no_cancel_promote;
	bool stats;
	enum root root_is;
	const char *image;
	struct volume_arg root;		/* --root */
	struct volume_arg *volumes;	/* -v */
	size_t nvolumes;
	struct id_map id_map[MAX_ID_MAPS];	/* --map-id */
	int nid_maps;
	bool host_special;
	bool system;			/* -S, and all but -r: mount /proc, /sys, /dev, /tmp too */
	bool read_only, ephemeral;
	const char *diff, *upper;	/* --diff: a file, or "-"; --upper: a directory */
	uint64_t overlay_size;		/* bytes; 0: nothing is kept in memory, or, of --root, the kernel's own bound */
	const char *kernel_cmdline;
	uint64_t mem;			/* bytes */
	unsigned int max_processes;	/* and threads, of the guest */
	bool require_fence;
	uid_t uid;
	gid_t gid;
	gid_t *groups;			/* and supplementary ones */
	size_t ngroups;
	mode_t umask;
	bool ids_given, clear_env;
	bool init;			/* the command is the guest's first process */
	const char *hostname;
	char **env;			/* VAR=VAL, NULL-terminated */
	size_t nenv;
	const char *cwd;
	struct fd_pair { int host, guest; } *fds;	/* --fd */
	size_t nfds;
	enum net net;
	struct port *ports;		/* -p */
	size_t nports;
	struct allow *allowed;		/* --allow; none: everything */
	size_t nallowed;
	struct loopback_port *loopback;	/* --host-loopback */
	size_t nloopback;
	const char *net_log;
	const char *name;		/* by which it is found; NULL: it is not */
	bool detach;
	const char *from;		/* a snapshot, of which most of the above is */
	char **beside;			/* the command beside its programs, or NULL */
	char **command;			/* NULL-terminated */
};

/* What one of descriptors 0 to 2 was when kbox started. */
struct stdio {
	uint32_t kind;			/* KBOX_STDIO_* */
	int access;			/* O_RDONLY, O_WRONLY or O_RDWR */
};

struct box {
	struct options opt;
	struct stdio stdio[3];
	bool null[3];			/* of these: the guest has /dev/null there */
	bool mappable, sockets, zero;	/* what the guest is given has such; zero: /dev/zero */
	int image_fd;			/* -1: there is no image */
	char image_path[PATH_MAX];	/* of a box that has a name */
	struct volumes volumes;
	int diff_fd;			/* -1: nobody wants to know what is written */
	int client_fd;			/* the connection of who runs the command beside a snapshot's */
	int agent_fd;			/* of the guest's agent; -1: the box has no name */
	int net_fd;			/* the engine's socket; -1: there is no network */
	struct {
		bool ipv6;
		char interface[16];	/* of the host's, for the engine (IFNAMSIZ) */
		struct resolvers resolvers;
	} net;
	int mem_fd;
	int null_fd;			/* /dev/null */
	char *mem;			/* guest memory, at KBOX_PAGE_OFFSET */
	struct kbox_boot *boot;
	struct kbox_shared *shared;
	uint64_t entry;			/* of the kernel */
	uint64_t kernel_end;		/* phys of the first byte behind its image */
	struct kbox_image image;
	int text_fd;			/* the file that image.text[0] is mapped from, or mem_fd */
	off_t text_at;
	char kernel_build[64];		/* its build id, in hexadecimal */
	uint64_t clock_offset;		/* as the kernel has been told it */
	struct resume *resume;		/* it goes on where another one stood still; or NULL (resume.h) */
	pid_t kernel_pid;		/* the boot process, and the process group of the box */
};

/*
 * util.c: die() prints "kbox: ..." and exits with 125. In a process that has no terminal any more
 * it leaves that for the supervisor to say. reason() is strerror() with what to do about it.
 */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void die_to(int fd);		/* where it prints, instead of standard error */
void die_into(char *reason, size_t size);
const char *reason(int err);
/*
 * What the guest wrote, for the user's terminal: one copy, up to a NUL or of size characters, with
 * a '?' for each that does not print. There is room for one more than size.
 */
void printable(char *to, const char *from, size_t size);
/* One of the words of the list, which have one of the characters "between" them. */
bool has_word(const char *list, const char *word, const char *between);
/* Of CLOCK_MONOTONIC. */
time_t seconds(void);
/* The first size - 1 bytes of a small file, and a NUL; none if it cannot be read. */
void read_text(const char *path, char *text, size_t size);
/* Of the executable; false: nobody says. */
bool self_path(char path[PATH_MAX]);
/* The file beside the executable or in ../lib/kbox, or $VAR where that is set. */
const char *companion(const char *name, const char *var, char *buf, size_t size);

/*
 * number.c: a number at *s, which is what follows it then. False: there is none, or it is not below
 * that.
 */
bool next_number(const char **s, uint32_t below, uint32_t *n);

/*
 * hide.c: host features that box and kbox do without, for tests. parse_hidden() gives the bits
 * that a list of names stands for, or is false with a message in err.
 */
#define HIDE_ERR 512
bool parse_hidden(const char *list, uint32_t *hidden, char err[HIDE_ERR]);
void read_hidden(void);
uint32_t hidden_features(void);	/* and those that are missing, of which only the kernel need know */
bool is_hidden(enum kbox_hide feature);
/* AT_HWCAP2 and AT_MINSIGSTKSZ, less what is hidden. */
unsigned long host_hwcap(void);
unsigned long host_hwcap2(void);
unsigned long host_minsigstksz(void);

/* options.c: parse_options() is false with a message in err, which needs no "kbox: ". */
#define OPTIONS_ERR 256
bool parse_size(const char *s, uint64_t *bytes);
bool parse_count(const char *s, unsigned int *n);
bool parse_ids(const char *s, uid_t *uid, gid_t *gid);
bool parse_fd(const char *s, struct fd_pair *fd);
bool parse_id_map(const char *s, struct id_map *m);
bool parse_options(int argc, char **argv, struct options *o, char err[OPTIONS_ERR]);
extern const char options_usage[];

/*
 * limits.c: what bounds the memory that a guest can have (root: of the tree that /proc and /sys
 * are in, "" but for tests).
 */
#define MEM_MAX (KBOX_MEM_END - KBOX_PAGE_OFFSET)
struct mem_bound {
	uint64_t bytes;
	const char *what;
};
struct mem_bound host_mem(const char *root);
uint64_t default_mem(void);
void watch_oom_kills(void);	/* while files can be opened */
uint64_t oom_kills(void);	/* of processes, by the host, since it started */
void raise_limits(void);
void restore_limits(void);
void limit_mappings(uint64_t mem);	/* of a host process of the box; in its first one */

/* hostfd.c */
void claim_stdio(struct stdio io[3]);
void check_fds(const struct box *b);
void offer_fds(struct box *b);
void watch_fds(struct box *b);		/* the guest's kernel hears what becomes of them */
int keep_fds(const struct box *b, int also);	/* all that stay are below this number */
void close_from_to(unsigned from, unsigned to);
void close_all_but(int fd);		/* and but for 0 to 2 */
void leave_fds(const struct box *b);

/*
 * diff.c: the descriptor that the guest's first process writes --diff's archive to. end_diff() has
 * the file under its name, if the box has ended in order, and returns the exit status.
 */
int open_diff(const struct box *b);
int end_diff(const struct box *b, int status);

/* upper.c: --upper's directory is there and nobody else's; its path. */
char *open_upper(const char *path);

/* image.c: check_image() says what is wrong with the image, or NULL. */
const char *check_image(int fd);
bool lock_image(int fd, bool write);
int open_image(const struct options *o);

/* nomem.c: says so when the host has no page for what is mapped of it, once. */
void guard_memory(const struct box *b);

/* memfd.c: what has this size now keeps it, if seal_size() is true. */
int new_memfd(const char *name);
bool seal_size(int fd);

/* memory.c, elf.c, initrd.c */
bool have_small_pages(void);
bool addresses_free(uint64_t mem);
void find_room(uint64_t mem, char **argv);	/* may begin again, by execve(2) */
int new_memory(uint64_t mem);	/* its file */
void map_memory(struct box *b);
void map_text(const struct box *b);
void load_kernel(struct box *b);
void release_kernel(const struct box *b);	/* its file, when its text has been mapped */
void make_initrd(struct box *b);

/*
 * vdso.c: find_vdso() is for fill_boot(), move_vdso() for the box's first process, whose libc has
 * no clock then.
 */
void find_vdso(struct kbox_boot *boot);
void move_vdso(struct kbox_boot *boot);
uint64_t vdso_symbol(uint64_t base, const char *name);

/* boot.c */
void fill_boot(struct box *b);
void start_kernel_process(struct box *b);

/* devices.c */
void init_devices(struct box *b);
void start_devices(void);
void open_devices(void);

/* tty.c: io is what the descriptors 0 to 2 of this process are. */
void tty_setup(const struct stdio io[3]);
void tty_raw(void);
void tty_restore(void);
void tty_size(struct box *b);
bool tty_is_ours(int fd);
/* One line to standard error, while the box runs. It is dropped if that takes nothing now. */
void tty_say(const char *line);

/*
 * console.c: when the box has ended, what it has written last goes to the terminal, which may take
 * its time. loop_wake() says that it has.
 */
void start_console(struct box *b);
void console_end(void);
bool console_has_ended(void);

/*
 * supervisor.c: supervise() returns the exit status of kbox, exit_of() what it is by an exit_kind,
 * with a line to say.
 */
#define LAST_WORDS 512
void supervisor_block_signals(void);	/* before any thread starts */
void terminal_changed(struct box *b);	/* it has another size, or is ours again */
int supervise(struct box *b);
void supervisor_end(void);		/* as SIGTERM to kbox does */
void supervisor_kill(const char *words);	/* the box ends at once, and kbox says that */
bool end_box(const struct box *b);	/* false: one stays, and dies when the host lets it */
int exit_of(const struct box *b, uint32_t kind, char words[LAST_WORDS]);

/* watcher.c: a process that kills the box when the supervisor is killed. */
void start_watcher(const struct box *b);
pid_t watcher_pid(void);
bool watcher_died(int *status);
void end_watcher(void);

/* stats.c: what the kernel has counted, for --stats. */
void print_stats(const struct kbox_shared *shared);

/* doctor.c: 0 if a box can run here. */
int doctor(char **argv);

#endif
