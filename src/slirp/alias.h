/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses that the guest has for something and libslirp another one: the gateway's of IPv6, and
 * those for the host's resolvers. libslirp would read resolv.conf(5) for these itself, and again
 * each time that it has changed. Here it opens no file.
 */
#ifndef ALIAS_H
#define ALIAS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the guest asks at its resolver's address of this family goes there. False: no address. */
bool alias_resolver(const char *address);

/*
 * A frame of the guest's, as libslirp is to have it. False: not at all. That is what libslirp takes
 * for the host's loopback beside the gateway, and what asks for a router.
 */
bool alias_out(uint8_t *frame, size_t len);
/* And one for the guest. */
void alias_in(uint8_t *frame, size_t len);
#endif
