/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the DNS (RFC 1035) that go by, as libc's resolver reads them. */
#ifndef DNS_H
#define DNS_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "allow.h"

/*
 * The one name that is asked for, in lower case. False: that is not one question, and nothing else.
 */
bool dns_question(const uint8_t *message, size_t n, char name[MAX_NAME]);

/* "There is no such name", in answer to a question. Its length: no more than the question's. */
size_t dns_deny(const uint8_t *question, size_t n, uint8_t *answer);

/*
 * Each address of an answer, and how long it is good for. False: that is not one; name: as above.
 */
bool dns_addresses(const uint8_t *message, size_t n, char name[MAX_NAME],
		   void (*each)(const char *name, const struct in6_addr *addr, uint32_t ttl));
#endif
