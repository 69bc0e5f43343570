/* SPDX-License-Identifier: GPL-2.0-only */
/* --net-log: a line of JSON for each flow when it has ended, and for what was refused. */
#ifndef NETLOG_H
#define NETLOG_H
#include <stdbool.h>
#include "box.h"
#include "packet.h"

/* Before the box starts; says what is wrong with the file. */
void open_netlog(const struct options *o);
void netlog_refused(const struct packet *p);
/* A name that was asked for; it is the guest's word. */
void netlog_name_refused(const char *name);
#endif
