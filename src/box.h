/* SPDX-License-Identifier: GPL-2.0-only */
/* The launcher's parts, and what they share: the box being run. */
#ifndef BOX_H
#define BOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <asm/kbox.h>

/* Exit statuses of kbox itself; as env(1) has them, and one of our own. */
enum { EXIT_PANIC = 120, EXIT_FAIL = 125, EXIT_CANNOT_EXEC = 126, EXIT_NOT_FOUND = 127 };

struct options {
	const char *image;
	bool system;			/* -S: mount /proc, /sys, /dev, /tmp too */
	bool read_only, ephemeral;
	const char *kernel_cmdline;
	uint64_t mem;			/* bytes */
	uid_t uid;
	gid_t gid;
	const char *hostname;
	char **env;			/* VAR=VAL, NULL-terminated */
	size_t nenv;
	const char *cwd;
	char **command;			/* NULL-terminated */
};

struct box {
	struct options opt;
	int image_fd;
	int mem_fd;
	char *mem;			/* guest memory, at KBOX_PAGE_OFFSET */
	struct kbox_boot *boot;
	uint64_t entry;			/* of the kernel */
	uint64_t hostcall_start, hostcall_end;	/* the only text that may issue host calls */
	pid_t kernel_pid;		/* the boot process */
};

/* Print "kbox: ..." and exit 125. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The file beside the executable, or $VAR where that is set. Static storage per call site is the caller's. */
const char *companion(const char *name, const char *var, char *buf, size_t size);

/* options.c */
bool parse_size(const char *s, uint64_t *bytes);
bool parse_ids(const char *s, uid_t *uid, gid_t *gid);
uint64_t default_mem(void);
void parse_options(int argc, char **argv, struct options *o);
/* image.c: a message for people, or NULL if the file is a usable ext4 image */
const char *check_image(int fd);
int open_image(const struct options *o);
/* memory.c, elf.c, initrd.c */
void map_memory(struct box *b, char **argv);
void load_kernel(struct box *b);
void make_initrd(struct box *b);
/* boot.c */
void fill_boot(struct box *b);
void start_kernel_process(struct box *b);
/* devices.c */
void init_devices(struct box *b);
void start_devices(struct box *b);
void raise_irq(struct kbox_boot *boot, int irq);
/* tty.c */
void tty_setup(struct box *b);
void tty_restore(void);
/* supervisor.c: returns the exit status of kbox */
int supervise(struct box *b);
/* doctor.c */
int doctor(void);

#endif
