/* SPDX-License-Identifier: GPL-2.0-only */
/* --from: a box that goes on where another one stood still. docs/snapshot.md */
#ifndef RESUME_H
#define RESUME_H
#include <json-c/json.h>
#include "box.h"
#include "snapshot.h"

struct resume {
	const char *path;
	int fd;
	struct snapshot_head head;
	struct json_object *box;	/* its description */
	const char *map;		/* the file */
	int agent;			/* the number of its agent's descriptor, or -1 */
	struct kbox_boot was;		/* what the kernel was told when it began */
};

/* How much memory the box has, before anything else. These do nothing without --from. */
void resume_begin(struct box *b);
/*
 * Guest memory as it was, by which the file is known to be whole; what the box is; and the numbers
 * of descriptors that the guest had are taken, before others are opened.
 */
void resume_open(struct box *b);
/* Somebody else is the box: nothing of it stays here. */
void resume_leave(const struct box *b);
/* The image is the one that it was. */
void resume_image(const struct box *b);
/* What this box has of its own in that memory, when its kernel is known, and before fill_boot(). */
void resume_memory(struct box *b);
/* What the kernel would be told of the host now is what it was told. In the first process. */
void resume_check(const struct box *b);
/* And the image's overlay, when there is one. The file is not needed after that. */
void resume_overlay(struct box *b);
/* CLOCK_MONOTONIC as a guest with this offset has it now, in ns. */
uint64_t guest_clock(uint64_t offset);
/* The agent's descriptor, where it was; -1: there was none. It takes fd. */
int resume_agent(const struct box *b, int fd);

#endif
