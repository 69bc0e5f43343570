// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kboxio0-2: the launcher's stdin, stdout and stderr where they are not
 * terminals. Host calls that could block would stop the whole kernel, so every one
 * is preceded by a poll, and waiting is the supervisor's business.
 */
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/kbox.h>
#include <asm/unistd.h>

#define BOUNCE		(64 << 10)
#define HOST_PIPE_BUF	4096	/* a pipe that polls writable takes this much without blocking */

struct hostfd {
	int fd;
	bool regular;
	char name[12];
	struct miscdevice misc;
	wait_queue_head_t wait;
	struct mutex lock;
	void *bounce;
};

static struct hostfd hostfds[3];

/* What of events a host descriptor is ready for now. */
u32 kbox_host_poll(int fd, u32 events)
{
	struct { int fd; short events, revents; } p = { fd, events, 0 };
	struct { s64 sec, nsec; } now = { };

	return HCALL(__NR_ppoll, &p, 1, &now, NULL, 0, 0) == 1 ? (u16)p.revents : 0;
}

static u32 host_poll(struct hostfd *h, u32 events)
{
	return kbox_host_poll(h->fd, events);
}

/* Ask the supervisor to say when one of events holds. */
static void want(struct hostfd *h, u32 events)
{
	__sync_fetch_and_or(&kbox_boot->poll[h->fd].want, events);
	kbox_ring(KBOX_BELL_POLL);
}

static int wait_ready(struct hostfd *h, struct file *file, u32 events)
{
	DEFINE_WAIT(wait);
	int ret = 0;

	while (!host_poll(h, events)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		prepare_to_wait(&h->wait, &wait, TASK_INTERRUPTIBLE);
		want(h, events);
		if (signal_pending(current))
			ret = -ERESTARTSYS;
		else
			schedule();
		finish_wait(&h->wait, &wait);
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t hostfd_read(struct file *file, char __user *buf, size_t n, loff_t *pos)
{
	struct hostfd *h = &hostfds[(long)file->private_data];
	ssize_t ret;

	do {
		ret = wait_ready(h, file, POLLIN);
		if (ret)
			return ret;
		mutex_lock(&h->lock);
		ret = -EAGAIN;
		if (host_poll(h, POLLIN))
			ret = HCALL(__NR_read, h->fd, h->bounce, min_t(size_t, n, BOUNCE), 0, 0, 0);
		if (ret > 0 && copy_to_user(buf, h->bounce, ret))
			ret = -EFAULT;
		mutex_unlock(&h->lock);
	} while (ret == -EAGAIN || ret == -EINTR);
	return ret;
}

static ssize_t hostfd_write(struct file *file, const char __user *buf, size_t n, loff_t *pos)
{
	struct hostfd *h = &hostfds[(long)file->private_data];
	size_t chunk = h->regular ? BOUNCE : HOST_PIPE_BUF, done = 0, part;
	ssize_t ret = 0;

	while (done < n) {
		ret = wait_ready(h, file, POLLOUT);
		if (ret)
			break;
		part = min(n - done, chunk);
		mutex_lock(&h->lock);
		if (copy_from_user(h->bounce, buf + done, part))
			ret = -EFAULT;
		else if (!host_poll(h, POLLOUT))
			ret = -EAGAIN;
		else
			ret = HCALL(__NR_write, h->fd, h->bounce, part, 0, 0, 0);
		mutex_unlock(&h->lock);
		if (ret == -EAGAIN || ret == -EINTR)
			continue;
		if (ret < 0)
			break;
		done += ret;
		cond_resched();
	}
	if (ret == -EPIPE)
		send_sig(SIGPIPE, current, 0);
	return done ?: ret;
}

static __poll_t hostfd_poll(struct file *file, struct poll_table_struct *pt)
{
	struct hostfd *h = &hostfds[(long)file->private_data];
	u32 asked = pt ? pt->_key & (POLLIN | POLLOUT) : POLLIN | POLLOUT, ready;

	poll_wait(file, &h->wait, pt);
	ready = host_poll(h, POLLIN | POLLOUT);
	if (asked & ~ready)
		want(h, asked & ~ready);
	return (ready & POLLIN ? EPOLLIN | EPOLLRDNORM : 0) | (ready & POLLOUT ? EPOLLOUT | EPOLLWRNORM : 0) |
	       (ready & POLLHUP ? EPOLLHUP : 0) | (ready & POLLERR ? EPOLLERR : 0);
}

static int hostfd_open(struct inode *inode, struct file *file)
{
	int i;

	for (i = 0; i < 3; i++)
		if (hostfds[i].misc.minor == iminor(inode))
			file->private_data = (void *)(long)i;
	return stream_open(inode, file);
}

static const struct file_operations hostfd_ops = {
	.owner = THIS_MODULE, .open = hostfd_open, .read = hostfd_read, .write = hostfd_write,
	.poll = hostfd_poll,
};

static irqreturn_t stdio_irq(int irq, void *dev)
{
	int i;

	for (i = 0; i < 3; i++)
		if (xchg(&kbox_boot->poll[i].ready, 0))
			wake_up_interruptible(&hostfds[i].wait);
	kbox_tty_input();
	return IRQ_HANDLED;
}

static int __init hostfd_init(void)
{
	u32 stat[36];
	int i;

	for (i = 0; i < 3; i++) {
		struct hostfd *h = &hostfds[i];

		h->fd = i;
		h->regular = !HCALL(__NR_fstat, i, stat, 0, 0, 0, 0) && (stat[6] & 0170000) == 0100000;
		init_waitqueue_head(&h->wait);
		mutex_init(&h->lock);
		h->bounce = (void *)__get_free_pages(GFP_KERNEL, get_order(BOUNCE));
		snprintf(h->name, sizeof(h->name), "kboxio%d", i);
		h->misc = (struct miscdevice) {
			.minor = MISC_DYNAMIC_MINOR, .name = h->name, .fops = &hostfd_ops, .mode = 0666,
		};
		if (!h->bounce || misc_register(&h->misc))
			return -ENOMEM;
	}
	return request_irq(KBOX_IRQ_STDIO, stdio_irq, 0, "stdio", NULL);
}
device_initcall(hostfd_init);
