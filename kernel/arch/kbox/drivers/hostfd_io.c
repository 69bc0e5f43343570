// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading, writing and asking descriptors of the host.
 *
 * The offset of a file that came from the host stays the host's, for whoever else has the same open file there: f_pos is
 * HOST_POS, a number that no file reaches, by which read() is told from pread() here. It is so many bytes more while sendfile()
 * takes what is there. One that the guest has opened again (/dev/stdout) has an f_pos as any other file.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include "hostfd.h"

#define CHUNK		(64 << 10)

struct host_iovec { void *base; size_t len; };

/* One call that does not wait, as one of the host's. pos: where, or -1 for where the host is. */
static ssize_t host_io(struct hostfd *h, int write, void *buf, size_t n, loff_t pos, int flags)
{
	int nr = write ? __NR_pwritev2 : __NR_preadv2, fd = host_number(h);
	struct host_iovec iov = { buf, n };
	ssize_t ret;

	/* RWF_NOWAIT of a file would only say that it is not in memory. */
	if (h->regular)
		return HCALL(nr, fd, &iov, 1, pos, 0, flags);
	if (!h->no_nowait) {
		ret = HCALL(nr, fd, &iov, 1, -1, 0, RWF_NOWAIT);
		if (ret != -EOPNOTSUPP)
			return ret;
		h->no_nowait = true;
	}
	return hostfd_call_nonblock(fd, write ? __NR_write : __NR_read, buf, n, 0, 0, 0);
}

/* Also of a file: what blocks in spite of O_NONBLOCK, and can be polled, is none. */
static ssize_t wait_and_do(struct kiocb *iocb, int write, void *buf, size_t n, loff_t pos, int flags)
{
	struct hostfd *h = iocb->ki_filp->private_data;
	struct hostfd_wait w = {
		.events = write ? POLLOUT : POLLIN,
		.timeout = hostfd_patience(iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT),
	};
	ssize_t ret;

	for (;;) {
		ret = host_io(h, write, buf, n, pos, flags);
		if (ret != -EAGAIN && ret != -EINTR)
			return ret;
		if (ret == -EAGAIN) {
			ret = hostfd_wait(h, &w);
			if (ret)
				return ret;
		}
	}
}

static bool hosts_offset(struct file *file)
{
	return file->f_pos >= HOST_POS;
}

/* What has moved f_pos alone moves the host's offset. */
static void settle(struct file *file)
{
	struct hostfd *h = file->private_data;

	if (!h->seekable || file->f_pos <= HOST_POS)
		return;
	HCALL(__NR_lseek, host_number(h), file->f_pos - HOST_POS, SEEK_CUR, 0, 0, 0);
	file->f_pos = HOST_POS;
}

/* Where in the host's file, or -1 for where the host is. */
static loff_t position(struct file *file, loff_t *pos)
{
	struct hostfd *h = file->private_data;

	if (!h->seekable)
		return -1;
	if (*pos != file->f_pos || !hosts_offset(file))
		return *pos;
	settle(file);
	*pos = HOST_POS;
	return -1;
}

static void advance(struct hostfd *h, struct kiocb *iocb, loff_t pos, ssize_t by)
{
	if (h->seekable && pos >= 0)
		iocb->ki_pos += by;
}

/*
 * What has been read from a pipe and cannot be copied is lost: the pages are made first, and looked at, since those
 * of a host's file may be beyond its end.
 */
static ssize_t read_chunk(struct kiocb *iocb, struct iov_iter *to, void *buf, size_t n, bool wait)
{
	struct hostfd *h = iocb->ki_filp->private_data;
	size_t copied;
	ssize_t ret;
	loff_t pos;

	n -= fault_in_iov_iter_writeable(to, n);
	n -= fault_in_iov_iter_readable(to, n);
	if (!n)
		return -EFAULT;
	pos = position(iocb->ki_filp, &iocb->ki_pos);
	ret = wait ? wait_and_do(iocb, 0, buf, n, pos, 0) : host_io(h, 0, buf, n, pos, 0);
	if (ret <= 0)
		return ret;
	copied = copy_to_iter(buf, ret, to);
	if (copied < ret && h->seekable && pos < 0)
		HCALL(__NR_lseek, host_number(h), copied - ret, SEEK_CUR, 0, 0, 0);
	advance(h, iocb, pos, copied);
	return copied ?: -EFAULT;
}

ssize_t hostfd_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	size_t n = iov_iter_count(to), part, done = 0;
	ssize_t ret;
	void *buf;

	if (!n)
		return 0;
	buf = kvmalloc(min(n, CHUNK), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	do {
		part = min(n - done, CHUNK);
		ret = read_chunk(iocb, to, buf, part, !done);
		if (ret > 0)
			done += ret;
		cond_resched();
	} while (ret == part && done < n);
	kvfree(buf);
	return done ?: ret;
}

/* fcntl(F_SETFL) is between two writes: whose offset is the host's has this of the host's too. */
static void match_append(struct hostfd *h, bool append)
{
	long flags;

	if (append == h->append)
		return;
	flags = HCALL(__NR_fcntl, host_number(h), F_GETFL, 0, 0, 0, 0) & ~O_APPEND;
	HCALL(__NR_fcntl, host_number(h), F_SETFL, flags | (append ? O_APPEND : 0), 0, 0, 0);
	h->append = append;
}

static int write_flags(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_APPEND ? RWF_APPEND : 0) | (iocb->ki_flags & IOCB_DSYNC ? RWF_DSYNC : 0) |
	       (iocb->ki_flags & IOCB_SYNC ? RWF_SYNC : 0);
}

static loff_t host_size(struct hostfd *h)
{
	struct statx st;

	return HCALL(__NR_statx, host_number(h), "", AT_EMPTY_PATH, STATX_SIZE, &st, 0) ? 0 : st.stx_size;
}

ssize_t hostfd_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct hostfd *h = iocb->ki_filp->private_data;
	size_t done = 0, part;
	ssize_t ret = 0;
	loff_t pos;
	void *buf = kvmalloc(clamp(iov_iter_count(from), 1, CHUNK), GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	if (h->seekable && hosts_offset(iocb->ki_filp))
		match_append(h, iocb->ki_filp->f_flags & O_APPEND);
	do {
		part = min(iov_iter_count(from), CHUNK);
		if (!copy_from_iter_full(buf, part, from)) {
			ret = -EFAULT;
			break;
		}
		pos = position(iocb->ki_filp, &iocb->ki_pos);
		ret = wait_and_do(iocb, 1, buf, part, pos, write_flags(iocb));
		if (ret < 0)
			break;
		iov_iter_revert(from, part - ret);
		advance(h, iocb, pos, ret);
		done += ret;
		cond_resched();
	} while (iov_iter_count(from) && ret);
	kvfree(buf);
	if (done && iocb->ki_flags & IOCB_APPEND && h->seekable && pos >= 0)
		iocb->ki_pos = host_size(h);
	if (ret == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return done ?: ret;
}

struct late {
	struct callback_head work;
	struct file *file;
};

static void settle_late(struct callback_head *work)
{
	struct late *l = container_of(work, struct late, work);

	settle(l->file);
	fput(l->file);
	kfree(l);
}

/* Before the program goes on; else when the file is used the next time. */
static void settle_after_call(struct file *file)
{
	struct late *l = kmalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return;
	l->file = get_file(file);
	init_task_work(&l->work, settle_late);
	if (!task_work_add(current, &l->work, TWA_RESUME))
		return;
	fput(file);
	kfree(l);
}

/*
 * What goes into a pipe is taken. sendfile() has one of its own, and gives back what it could not write: f_pos says at the
 * end how much it was.
 */
ssize_t hostfd_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe, size_t len, unsigned int flags)
{
	struct hostfd *h = in->private_data;
	ssize_t ret;
	loff_t pos;

	if (!h->regular && flags & SPLICE_F_NONBLOCK && !kbox_host_poll(host_number(h), POLLIN))
		return -EAGAIN;
	if (!h->seekable || !hosts_offset(in) || *ppos < in->f_pos || pipe != current->splice_pipe)
		return copy_splice_read(in, ppos, pipe, len, flags);
	if (*ppos == in->f_pos)
		settle_after_call(in);
	pos = HCALL(__NR_lseek, host_number(h), 0, SEEK_CUR, 0, 0, 0) + *ppos - HOST_POS;
	ret = copy_splice_read(in, &pos, pipe, len, flags);
	if (ret > 0)
		*ppos += ret;
	return ret;
}

loff_t hostfd_llseek(struct file *file, loff_t off, int whence)
{
	struct hostfd *h = file->private_data;
	bool hosts = hosts_offset(file);

	settle(file);
	if (!hosts && (whence == SEEK_SET || whence == SEEK_CUR || whence == SEEK_END))
		return generic_file_llseek_size(file, off, whence, HOST_POS - 1, host_size(h));
	off = HCALL(__NR_lseek, host_number(h), off, whence, 0, 0, 0);
	if (off >= 0 && !hosts)	/* SEEK_DATA, SEEK_HOLE */
		file->f_pos = off;
	return off;
}

int hostfd_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return HCALL(datasync ? __NR_fdatasync : __NR_fsync, host_number(file->private_data), 0, 0, 0, 0, 0);
}

long hostfd_fallocate(struct file *file, int mode, loff_t off, loff_t len)
{
	return HCALL(__NR_fallocate, host_number(file->private_data), mode, off, len, 0, 0);
}

static bool is_terminal(struct hostfd *h)
{
	struct winsize size;

	return !HCALL(__NR_ioctl, host_number(h), TIOCGWINSZ, &size, 0, 0, 0);
}

/* What has been written to a terminal has to go out before its settings change; the host would wait. */
static int drain(struct hostfd *h)
{
	int left;

	while (!HCALL(__NR_ioctl, host_number(h), TIOCOUTQ, &left, 0, 0, 0) && left)
		if (schedule_timeout_interruptible(1) && signal_pending(current))
			return -ERESTARTSYS;
	return 0;
}

/*
 * What a descriptor is asked for and told that is the same here and there: no process, no
 * other descriptor, no address in it. in, out: bytes at the argument.
 */
static const struct safe_ioctl { unsigned int cmd; unsigned short in, out; } safe_ioctls[] = {
	{ TCGETS, 0, sizeof(struct termios) }, { TCSETS, sizeof(struct termios), 0 },
	{ TCSETSW, sizeof(struct termios), 0 }, { TCSETSF, sizeof(struct termios), 0 },
	{ TCGETS2, 0, sizeof(struct termios2) }, { TCSETS2, sizeof(struct termios2), 0 },
	{ TCSETSW2, sizeof(struct termios2), 0 }, { TCSETSF2, sizeof(struct termios2), 0 },
	{ TIOCGWINSZ, 0, sizeof(struct winsize) }, { TIOCSWINSZ, sizeof(struct winsize), 0 },
	{ FIONREAD, 0, sizeof(int) }, { TIOCOUTQ, 0, sizeof(int) }, { TIOCGPTN, 0, sizeof(int) },
	{ TCFLSH }, { TCXONC }, { TIOCGEXCL, 0, sizeof(int) }, { TIOCMGET, 0, sizeof(int) }, { TIOCGETD, 0, sizeof(int) },
};

static bool drains(unsigned int cmd)
{
	return cmd == TCSETSW || cmd == TCSETSF || cmd == TCSETSW2 || cmd == TCSETSF2;
}

static long do_ioctl(struct hostfd *h, const struct safe_ioctl *s, unsigned long arg)
{
	union { struct termios termios; struct termios2 termios2; struct winsize size; int n; } at;
	long ret;

	if (drains(s->cmd) && drain(h))
		return -ERESTARTSYS;
	if (s->in && copy_from_user(&at, (void __user *)arg, s->in))
		return -EFAULT;
	ret = HCALL(__NR_ioctl, host_number(h), s->cmd, s->in || s->out ? (unsigned long)&at : arg, 0, 0, 0);
	if (ret >= 0 && s->out && copy_to_user((void __user *)arg, &at, s->out))
		return -EFAULT;
	return ret;
}

long hostfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == TCSBRK && arg)	/* tcdrain(3); a break would be a wait in the host */
		return is_terminal(file->private_data) ? drain(file->private_data) : -ENOTTY;
	for (size_t i = 0; i < ARRAY_SIZE(safe_ioctls); i++)
		if (safe_ioctls[i].cmd == cmd)
			return do_ioctl(file->private_data, &safe_ioctls[i], arg);
	return -ENOTTY;
}
