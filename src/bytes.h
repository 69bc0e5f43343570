/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers of packets, in the network's order, at any address. */
#ifndef BYTES_H
#define BYTES_H
#include <stdint.h>

static inline uint16_t get_word(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t get_long(const uint8_t *p)
{
	return (uint32_t)get_word(p) << 16 | get_word(p + 2);
}

static inline void put_word(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put_long(uint8_t *p, uint32_t v)
{
	put_word(p, v >> 16);
	put_word(p + 2, v);
}
#endif
