/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FILTER_H
#define FILTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/filter.h>
/*
 * Writes the guests' seccomp filter: host calls from [start, end) pass if they are on
 * the short list (with sockets: and what sockets need) and kill the process otherwise; all
 * others trap. Returns its length, at most FILTER_MAX. The range must not cross a 4 GiB boundary.
 */
#define FILTER_MAX 128
size_t make_filter(struct sock_filter *f, uint64_t start, uint64_t end, bool sockets);
#endif
