// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "ack.h"
#include "bytes.h"
#include "netaddr.h"

/* Flows whose ACK waits: for the next question, for the answer, and those that may have it. */
static struct flow_list waiting = TAILQ_HEAD_INITIALIZER(waiting), asked = TAILQ_HEAD_INITIALIZER(asked),
	ready = TAILQ_HEAD_INITIALIZER(ready);
/* A question is on its way. Its answer is for those in that list, also where none is left there. */
static bool is_asked;

void ack_forget(struct flow *f)
{
	if (f->acks)
		TAILQ_REMOVE(f->acks, f, next_ack);
	f->acks = NULL;
}

static void wait_in(struct flow_list *list, struct flow *f)
{
	ack_forget(f);
	f->acks = list;
	TAILQ_INSERT_TAIL(list, f, next_ack);
}

static void move_all(struct flow_list *to, struct flow_list *from)
{
	struct flow *f;

	while ((f = TAILQ_FIRST(from)))
		wait_in(to, f);
}

/* Numbers as the peer has them: what the guest awaits, and what follows the guest's SYN. */
void ack_wanted(struct flow *f, const uint8_t *head, const struct packet *p)
{
	if (f->acks)
		return;
	f->box = p->from;
	f->seq = get_long(head + p->header + 8);
	f->ack = get_long(head + p->header + 4) + 1;
	wait_in(&waiting, f);
}

/* RFC 826. Nobody is who asks, so that the answer is told from others. */
bool ack_question(uint8_t frame[ARP_BYTES])
{
	if (is_asked || TAILQ_EMPTY(&waiting))
		return false;
	is_asked = true;
	move_all(&asked, &waiting);
	make_arp_question(frame, NET_NOBODY4_BYTES);
	return true;
}

bool ack_is_answer(const uint8_t *frame, size_t n)
{
	if (n < ARP_BYTES || frame[12] != 0x08 || frame[13] != 0x06 || memcmp(frame + 38, NET_NOBODY4_BYTES, 4))
		return false;
	is_asked = false;
	move_all(&ready, &asked);
	return true;
}

size_t ack_next(uint8_t frame[ANSWER_MAX])
{
	struct flow *f = TAILQ_FIRST(&ready);

	if (!f)
		return 0;
	ack_forget(f);
	return answer_ack(&f->key.peer, f->key.peer_port, &f->box, f->key.box_port, f->seq, f->ack, frame);
}
