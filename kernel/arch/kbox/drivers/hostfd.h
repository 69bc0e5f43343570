/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTFD_H
#define KBOX_HOSTFD_H
/*
 * Open files of the guest that are descriptors of the host: hostfd.c makes them, hostfd_wait.c
 * waits for the host, hostfd_io.c reads and writes, hostfd_mmap.c maps, hostfd_socket.c has what
 * sockets are, hostfd_table.c who holds which.
 */
#include <linux/fs.h>
#include <linux/wait.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "hostfd_table.h"

struct hostfd {
	struct hostfd_holder holder;
	struct file *file;	/* whose private data, or whose socket's, this is */
	wait_queue_head_t wait;
	__poll_t want;		/* EPOLL*: what is waited for, as an event that the host gives once */
	bool edges;		/* the host gives all events, as they come */
	bool regular;		/* the host's poll() says that it is always ready; reads and writes wait for the disk */
	bool seekable;		/* it has an offset */
	bool append;		/* O_APPEND, as the host's open file has it */
	bool no_nowait;		/* the host has no RWF_NOWAIT for it */
};

/* The host's number, for a call. */
static inline int host_number(const struct hostfd *h)
{
	return READ_ONCE(h->holder.fd);
}

static inline struct hostfd *hostfd_of_holder(struct hostfd_holder *holder)
{
	return container_of(holder, struct hostfd, holder);
}

/* hostfd.c */

/*
 * A new file of the guest for a descriptor that the host has just given out; where that fails the
 * descriptor is closed. flags: O_NONBLOCK, or 0 for those that the descriptor has.
 */
struct file *hostfd_file(int fd, int flags);
/*
 * A file of another file system, in that one's open(): it is this descriptor of the host from now
 * on. Where that fails the descriptor is closed. hostfd_drop(): the file cannot be opened after
 * all.
 */
int hostfd_adopt(struct file *file, int fd);
void hostfd_drop(struct file *file);
/* The host's descriptor behind a file of the guest, or -1. */
int hostfd_number(struct file *file);
/* Make this one the first holder of what the host has just given out. 0 or -ENOMEM */
int hostfd_begin(struct hostfd *h, struct file *file, int fd);
/* It holds nothing any more; the last one closes the host's. */
void hostfd_end(struct hostfd *h);
/* A descriptor of the host that nobody holds. */
void hostfd_close(int fd);
/*
 * As F_GETFL gives them, or an error. O_ASYNC is somebody else's, and nothing that a box may
 * set: it would send that one signals.
 */
long hostfd_flags(int fd);
extern struct hostfd_table hostfd_table;
/*
 * The box is another one (kernel/snapshot.c): of what is held it has stdio and what it offers. The
 * rest is no file any more.
 */
void hostfd_renew(void);

/* hostfd_wait.c */

struct hostfd_wait {
	u32 events;		/* POLLIN or POLLOUT */
	long timeout;		/* in jiffies, as schedule_timeout() takes it; what is left of it */
	bool again;		/* it polled ready and was not */
};

/*
 * After a call that said -EAGAIN: wait until it is worth another try, 0. -EAGAIN: the time is up.
 * -ERESTARTSYS: a signal, or -EINTR, where a time was set that would begin anew.
 */
int hostfd_wait(struct hostfd *h, struct hostfd_wait *w);
/*
 * After any call that does not wait: whether to make it again. If not, *ret is what the guest's
 * call returns.
 */
bool hostfd_try_again(struct hostfd *h, struct hostfd_wait *w, long *ret);
/* For file_operations.poll and that of sockets. */
__poll_t hostfd_poll_wait(struct hostfd *h, struct poll_table_struct *pt);
/*
 * Have the epoll instance know a descriptor. 1; 0 if none can, since it is always ready; or an
 * error.
 */
int hostfd_watch(int fd);
void hostfd_unwatch(int fd);
/* From the interrupt: pass on what the host has to tell. */
void hostfd_take_events(void);
/*
 * Around a host call that would wait and has no flag to say that it must not: the first has it not
 * wait, and the other takes what that has returned. The host's open file may be somebody else's
 * too, who sees O_NONBLOCK in it for that moment.
 */
long hostfd_nonblock(int fd);
void hostfd_restore(int fd, long was);
static inline long hostfd_patience(bool nonblock)
{
	return nonblock ? 0 : MAX_SCHEDULE_TIMEOUT;
}

/* hostfd_io.c */
#define HOST_POS	0x6b626f7800000000LL	/* f_pos of a file whose offset the host keeps */
ssize_t hostfd_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t hostfd_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t hostfd_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe, size_t len, unsigned int flags);
loff_t hostfd_llseek(struct file *file, loff_t off, int whence);
long hostfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int hostfd_fsync(struct file *file, loff_t start, loff_t end, int datasync);
long hostfd_fallocate(struct file *file, int mode, loff_t off, loff_t len);

/* hostfd_mmap.c */
int hostfd_mmap(struct file *file, struct vm_area_struct *vma);

/* hostfd_socket.c; as hostfd_file() */
struct file *hostfd_socket_file(int fd, int flags);
struct hostfd *hostfd_of_socket(struct file *file);
#endif
