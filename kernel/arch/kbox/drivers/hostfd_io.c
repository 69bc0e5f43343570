// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading, writing and asking descriptors of the host.
 *
 * The offset of a file that came from the host stays the host's, for whoever else has the same open
 * file there: f_pos is HOST_POS, a number that no file reaches, by which read() is told from
 * pread() here. One that the guest has opened again (/dev/stdout) has an f_pos as any other file.
 */
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include "hostfd.h"

#define CHUNK		(64 << 10)

static ssize_t move(int fd, int write, void *buf, size_t n, loff_t pos, rwf_t flags)
{
	return write ? host_pwritev2(fd, buf, n, pos, (__force int)flags) :
		       host_preadv2(fd, buf, n, pos, (__force int)flags);
}

/* The same without flags, for what has none. */
static ssize_t move_plain(int fd, int write, void *buf, size_t n, loff_t pos)
{
	if (pos < 0)
		return write ? host_write(fd, buf, n) : host_read(fd, buf, n);
	return write ? host_pwrite(fd, buf, n, pos) : host_pread(fd, buf, n, pos);
}

/* One call that does not wait, as one of the host's. pos: where, or -1 for where the host is. */
static ssize_t host_io(struct hostfd *h, int write, void *buf, size_t n, loff_t pos, rwf_t flags)
{
	int fd = host_number(h);
	ssize_t ret;
	long was;

	/* RWF_NOWAIT of a file would only say that it is not in memory. */
	if (h->regular)
		return move(fd, write, buf, n, pos, flags);
	if (!h->no_nowait) {
		ret = move(fd, write, buf, n, pos, RWF_NOWAIT);
		if (ret != -EOPNOTSUPP)
			return ret;
		h->no_nowait = true;
	}
	was = hostfd_nonblock(fd);
	ret = move_plain(fd, write, buf, n, pos);
	hostfd_restore(fd, was);
	return ret;
}

static ssize_t wait_and_do(struct kiocb *iocb, int write, void *buf, size_t n, loff_t pos, rwf_t flags)
{
	struct hostfd *h = iocb->ki_filp->private_data;
	struct hostfd_wait w = {
		.events = write ? POLLOUT : POLLIN,
		.timeout = hostfd_patience(iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT),
	};
	ssize_t ret;

	do
		ret = host_io(h, write, buf, n, pos, flags);
	while (hostfd_try_again(h, &w, &ret));
	return ret;
}

static bool hosts_offset(struct file *file)
{
	return file->f_pos >= HOST_POS;
}

/* Where in the host's file, or -1 for where the host is. */
static loff_t position(struct file *file, loff_t pos)
{
	struct hostfd *h = file->private_data;

	return h->seekable && !(pos >= HOST_POS && hosts_offset(file)) ? pos : -1;
}

static void advance(struct hostfd *h, struct kiocb *iocb, loff_t pos, ssize_t by)
{
	if (h->seekable && pos >= 0)
		iocb->ki_pos += by;
}

/*
 * What has been read from a pipe and cannot be copied is lost: the pages are made first, and looked
 * at, since those of a host's file may be beyond its end.
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
	pos = position(iocb->ki_filp, iocb->ki_pos);
	ret = wait ? wait_and_do(iocb, 0, buf, n, pos, 0) : host_io(h, 0, buf, n, pos, 0);
	if (ret <= 0)
		return ret;
	copied = copy_to_iter(buf, ret, to);
	if (copied < ret && h->seekable && pos < 0)
		host_lseek(host_number(h), copied - ret, SEEK_CUR);
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
	flags = hostfd_flags(host_number(h)) & ~O_APPEND;
	host_setfl(host_number(h), flags | (append ? O_APPEND : 0));
	h->append = append;
}

static rwf_t write_flags(struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_APPEND ? RWF_APPEND : 0) | (iocb->ki_flags & IOCB_DSYNC ? RWF_DSYNC : 0) |
	       (iocb->ki_flags & IOCB_SYNC ? RWF_SYNC : 0);
}

/* The host's offset is elsewhere only meanwhile. */
static loff_t seek_and_return(int fd, loff_t off, int whence)
{
	loff_t was = host_lseek(fd, 0, SEEK_CUR), at = host_lseek(fd, off, whence);

	host_lseek(fd, was, SEEK_SET);
	return at;
}

static loff_t host_size(struct hostfd *h)
{
	struct stat st;

	if (host_fstat(host_number(h), &st))
		return 0;
	return S_ISBLK(st.st_mode) ? max(seek_and_return(host_number(h), 0, SEEK_END), 0) : st.st_size;
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
		pos = position(iocb->ki_filp, iocb->ki_pos);
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

ssize_t hostfd_splice_read(struct file *in, loff_t *ppos, struct pipe_inode_info *pipe, size_t len, unsigned int flags)
{
	struct hostfd *h = in->private_data;

	if (!h->regular && flags & SPLICE_F_NONBLOCK && !host_poll(host_number(h), POLLIN))
		return -EAGAIN;
	return copy_splice_read(in, ppos, pipe, len, flags);
}

/*
 * For a call that does sums with f_pos it is where the host is, and the host is told afterwards.
 * The file, or NULL.
 */
static struct file *borrow_offset(int fd)
{
	struct file *file = fget(fd);

	if (file && hostfd_number(file) >= 0 && hosts_offset(file)) {
		file->f_pos = host_lseek(hostfd_number(file), 0, SEEK_CUR);
		return file;
	}
	if (file)
		fput(file);
	return NULL;
}

static void give_back_offset(struct file *file)
{
	if (!file)
		return;
	host_lseek(hostfd_number(file), file->f_pos, SEEK_SET);
	file->f_pos = HOST_POS;
	fput(file);
}

SYSCALL_DEFINE4(kbox_sendfile64, int, out, int, in, loff_t __user *, offset, size_t, count)
{
	struct file *from = borrow_offset(in), *to = borrow_offset(out);
	long ret = sys_sendfile64(out, in, offset, count);

	give_back_offset(from);
	give_back_offset(to);
	return ret;
}

SYSCALL_DEFINE6(kbox_copy_file_range, int, in, loff_t __user *, off_in, int, out, loff_t __user *, off_out,
		size_t, len, unsigned int, flags)
{
	struct file *from = borrow_offset(in), *to = borrow_offset(out);
	long ret = sys_copy_file_range(in, off_in, out, off_out, len, flags);

	give_back_offset(from);
	give_back_offset(to);
	return ret;
}

/*
 * Of a file whose offset is not the host's; those have SEEK_DATA and SEEK_HOLE from there all the
 * same.
 */
static loff_t seek_for_guest(struct file *file, loff_t off, int whence)
{
	struct hostfd *h = file->private_data;

	if (whence == SEEK_SET || whence == SEEK_CUR || whence == SEEK_END)
		return generic_file_llseek_size(file, off, whence, HOST_POS - 1, host_size(h));
	off = seek_and_return(host_number(h), off, whence);
	if (off >= 0)
		file->f_pos = off;
	return off;
}

loff_t hostfd_llseek(struct file *file, loff_t off, int whence)
{
	if (!hosts_offset(file))
		return seek_for_guest(file, off, whence);
	return host_lseek(host_number(file->private_data), off, whence);
}

int hostfd_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return host_fsync(host_number(file->private_data), datasync);
}

long hostfd_fallocate(struct file *file, int mode, loff_t off, loff_t len)
{
	return host_fallocate(host_number(file->private_data), mode, off, len);
}

static bool is_terminal(struct hostfd *h)
{
	struct winsize size;

	return !host_ioctl(host_number(h), TIOCGWINSZ, (unsigned long)&size);
}

/*
 * What has been written to a terminal has to go out before its settings change; the host would
 * wait.
 */
static int drain(struct hostfd *h)
{
	int left;

	while (!host_ioctl(host_number(h), TIOCOUTQ, (unsigned long)&left) && left)
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
	ret = host_ioctl(host_number(h), s->cmd, s->in || s->out ? (unsigned long)&at : arg);
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
