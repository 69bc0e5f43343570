/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FILTER_H
#define FILTER_H
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#define FILTER_MAX 1024

/* What a filter is made for. */
struct filter_box {
	uint64_t start, end;	/* of the text that may call the host; no 4 GiB boundary between */
	unsigned given;		/* WITH_* (hostcalls.h) */
	int mem_fd, null_fd, epoll_fd;
	/* Numbers of volumes: the first one, the first that is written, behind the last. */
	int volumes, written, volumes_end;
	uint32_t refused;	/* SECCOMP_RET_* for calls that are on no list */
	uint32_t signals;	/* for those that send signals in one of the listed forms */
	uint32_t paths;		/* for those that name files of volumes in one of the listed forms */
};

/*
 * Writes the filter of a box's processes: host calls from that text pass in the forms of
 * hostcalls.c, all others from there are refused; those from elsewhere trap (SECCOMP_RET_TRAP).
 * Returns its length, at most FILTER_MAX.
 */
size_t make_filter(struct sock_filter f[FILTER_MAX], const struct filter_box *box);

/* Of a call that has come by that filter: is it one for which "paths" is the verdict? */
bool is_path_call(const struct filter_box *box, const struct seccomp_data *d);
#endif
