/* SPDX-License-Identifier: GPL-2.0-only */
/* What io_uring's system calls share with the kernel (include/uapi/linux/io_uring.h). */
#ifndef IOURING_H
#define IOURING_H
#include <stdint.h>

struct params {
	uint32_t sq_entries, cq_entries, flags, thread_cpu, thread_idle, features, wq_fd, resv[3];
	struct { uint32_t head, tail, mask, entries, flags, dropped, array, resv1; uint64_t addr; } sq;
	struct { uint32_t head, tail, mask, entries, overflow, cqes, flags, resv1; uint64_t addr; } cq;
};

struct sqe {
	uint8_t opcode, flags;
	uint16_t ioprio;
	int32_t fd;
	uint64_t off, addr;
	uint32_t len, op_flags;
	uint64_t user_data, rest[3];
};

struct cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

#endif
