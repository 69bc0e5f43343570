/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose files are whose in volumes: --map-id. */
#ifndef IDMAP_H
#define IDMAP_H
#include "box.h"

/* hostfs' mount options, in v->data; v->fence is known. */
void map_owners(struct volumes *v, const struct options *o);

/*
 * A user namespace, made by enter(), which has the caller's numbers and those of --map-id, all
 * unchanged. False: errno says why there is none; die()s if it would lack numbers of --map-id.
 */
bool enter_user_namespace(const struct volumes *v, bool (*enter)(void));
#endif
