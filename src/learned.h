/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses that names of --allow have: what the host says of them (names.c), and what its resolver
 * has answered the guest (dns.c). Each is a rule's for a time, by CLOCK_MONOTONIC.
 */
#ifndef LEARNED_H
#define LEARNED_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LEARNED_MAX	512	/* of all names; beyond that what ends first is forgotten */

/*
 * An address of that rule's name, for so many seconds from now on. What no name of the network's
 * can have is not taken: loopback, multicast, what is the link's own, and the box's own network.
 */
void learn(const struct in6_addr *addr, int rule, uint32_t ttl);
bool is_learned(const struct in6_addr *addr, int rule);
void forget_all(void);
#endif
