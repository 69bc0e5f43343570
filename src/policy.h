/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a guest's frames leaves the box, and what comes in. It is decided here, on the host's
 * side: a guest that owns its kernel sends what frames it likes.
 */
#ifndef POLICY_H
#define POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "box.h"
#include "packet.h"

void policy_init(const struct box *b);

enum verdict { PASS, DROP, ANSWER };

/*
 * A guest's frame of len bytes; head has its first n, all or FRAME_LOOKED_AT, and what is sent is
 * these. ANSWER: it does not leave, and the guest gets the frame in answer, of *answer_len bytes.
 */
enum verdict policy_out(const uint8_t *head, size_t n, size_t len, uint8_t answer[ANSWER_MAX], size_t *answer_len);
/* A frame of the engine's. False: it is not for the guest. */
bool policy_in(const uint8_t *frame, size_t len);
#endif
