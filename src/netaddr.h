/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses of a box with a network, for the launcher, its engine and the guest's init. Private
 * ones (RFC 1918, RFC 4193) that few have: a guest does not reach what has them outside.
 */
#ifndef NETADDR_H
#define NETADDR_H

#define NET_BOX4	"10.107.98.2"
#define NET_GATEWAY4	"10.107.98.1"
#define NET_BOX4_BYTES		"\x0a\x6b\x62\x02"
#define NET_GATEWAY4_BYTES	"\x0a\x6b\x62\x01"
/*
 * Nobody: what the engine answers this one says that it has read all before the question (ack.c).
 */
#define NET_NOBODY4_BYTES	"\x0a\x6b\x62\xfe"
#define NET_DNS4	"10.107.98.3"	/* the engine passes questions on to the host's first resolver */
#define NET_PREFIX4	24
#define NET_BOX6	"fd6b:626f:78::2"
#define NET_GATEWAY6	"fe80::1"
#define NET_LINK6	"fe80::6b:62ff:fe6f:7802"	/* of the card: by its MAC (RFC 4291, appendix A) */
#define NET_DNS6	"fd6b:626f:78::3"
#define NET_NET6	"fd6b:626f:78::"
#define NET_PREFIX6	64
#define NET_SLIRP_GATEWAY6 "fd6b:626f:78::1"	/* what libslirp has for NET_GATEWAY6 (src/slirp/alias.c) */

/* Of the gateway, in /etc/hosts: there is the host's loopback (--host-loopback). */
#define NET_HOST_NAME	"host.kbox.internal"

/* Locally administered: of the guest's card, and of the engine. */
#define NET_BOX_MAC	"\x02\x6b\x62\x6f\x78\x02"
#define NET_ENGINE_MAC	"02:6b:62:6f:78:01"
#define NET_ENGINE_MAC_BYTES	"\x02\x6b\x62\x6f\x78\x01"

/* The largest that passt and libslirp take: a frame of Ethernet with it has less than 64 KiB. */
#define NET_MTU		65520
#endif
