/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last ACK of a handshake that comes in by -p. passt of 2023 leaves it out until its client
 * sends something: a server that speaks first would not hear of the connection. So the supervisor
 * sends it, but passt must have read the guest's SYN and ACK by then: what it reads together with
 * them it never looks at again. To know that it is asked something: it answers in the order of what
 * it reads.
 */
#ifndef ACK_H
#define ACK_H
#include "flows.h"

/* The guest has answered a connection of that flow, by this packet. */
void ack_wanted(struct flow *f, const uint8_t *head, const struct packet *p);
void ack_forget(struct flow *f);
/* A frame that is to be sent to the engine, behind all that were before, or false. */
bool ack_question(uint8_t frame[ARP_BYTES]);
/* That frame of the engine's is an answer to it, and nothing for the guest. */
bool ack_is_answer(const uint8_t *frame, size_t n);
/* After that: the frames for the guest, one with each call. 0: there are no more. */
size_t ack_next(uint8_t frame[ANSWER_MAX]);
#endif
