// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/nameser.h>
#include <ctype.h>
#include <string.h>
#include "dns.h"
#include "packet.h"

#define HEADER		12
#define NO_SUCH_NAME	3	/* RFC 1035, 4.1.1 */

/* The name of the one question. */
static bool read_name(ns_msg *m, char name[MAX_NAME])
{
	ns_rr rr;

	if (ns_msg_count(*m, ns_s_qd) != 1 || ns_parserr(m, ns_s_qd, 0, &rr) || ns_rr_class(rr) != ns_c_in)
		return false;
	if (strlen(ns_rr_name(rr)) >= MAX_NAME)
		return false;
	for (size_t i = 0; i <= strlen(ns_rr_name(rr)); i++)
		name[i] = tolower((unsigned char)ns_rr_name(rr)[i]);
	return true;
}

/* What EDNS has to say (RFC 6891, 6.1), or nothing. */
static bool has_only_edns(ns_msg *m)
{
	ns_rr rr;

	if (!ns_msg_count(*m, ns_s_ar))
		return true;
	return ns_msg_count(*m, ns_s_ar) == 1 && !ns_parserr(m, ns_s_ar, 0, &rr) && ns_rr_type(rr) == ns_t_opt;
}

/* Nothing that could carry anything but the question: no answers, one record of what EDNS has. */
bool dns_question(const uint8_t *message, size_t n, char name[MAX_NAME])
{
	ns_msg m;

	if (n < HEADER || ns_initparse(message, n, &m) || !read_name(&m, name))
		return false;
	return !ns_msg_getflag(m, ns_f_qr) && ns_msg_getflag(m, ns_f_opcode) == ns_o_query &&
	       !ns_msg_count(m, ns_s_an) && !ns_msg_count(m, ns_s_ns) && has_only_edns(&m);
}

static size_t question_end(const uint8_t *message, size_t n)
{
	size_t at = HEADER;

	while (at < n && message[at])
		at += message[at] & 0xc0 ? n : message[at] + 1u;
	return at + 5 <= n ? at + 5 : HEADER;
}

size_t dns_deny(const uint8_t *question, size_t n, uint8_t *answer)
{
	size_t end = question_end(question, n);

	memcpy(answer, question, end);
	answer[2] = (question[2] & 0x01) | 0x80;	/* an answer; recursion as it was asked for */
	answer[3] = 0x80 | NO_SUCH_NAME;
	memset(answer + 4, 0, 8);
	answer[5] = end > HEADER;
	return end;
}

static void one_address(const char *name, const ns_rr *rr,
			void (*each)(const char *name, const struct in6_addr *addr, uint32_t ttl))
{
	struct in6_addr a;

	if (ns_rr_type(*rr) == ns_t_a && ns_rr_rdlen(*rr) == 4)
		a = mapped(ns_rr_rdata(*rr));
	else if (ns_rr_type(*rr) == ns_t_aaaa && ns_rr_rdlen(*rr) == 16)
		memcpy(&a, ns_rr_rdata(*rr), 16);
	else
		return;
	if (ns_rr_type(*rr) == ns_t_a || !is_v4(&a))
		each(name, &a, ns_rr_ttl(*rr));
}

bool dns_addresses(const uint8_t *message, size_t n, char name[MAX_NAME],
		   void (*each)(const char *name, const struct in6_addr *addr, uint32_t ttl))
{
	ns_msg m;
	ns_rr rr;

	if (n < HEADER || ns_initparse(message, n, &m) || !read_name(&m, name) || !ns_msg_getflag(m, ns_f_qr))
		return false;
	for (int i = 0; i < ns_msg_count(m, ns_s_an); i++)
		if (!ns_parserr(&m, ns_s_an, i, &rr))
			one_address(name, &rr, each);
	return true;
}
