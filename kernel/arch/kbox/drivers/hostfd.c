// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the host as open files of the guest. They come by kbox --fd and as stdio, which
 * the first process takes from /dev/kboxfd, and in messages of sockets. All host processes of a box
 * share one table of descriptors, so that a number means the same wherever the kernel runs.
 */
#include <linux/compat.h>
#include <linux/eventpoll.h>
#include <linux/file.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/mount.h>
#include <linux/proc_fs.h>
#include <linux/pseudo_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "hostfd.h"

#define HOSTFD_MAGIC	0x6b666473

struct hostfd_table hostfd_table;
static DEFINE_MUTEX(changes);	/* of the table; whoever only reads cannot be interrupted by one */
static struct vfsmount *hostfd_mnt;

static irqreturn_t hostfd_irq(int irq, void *dev)
{
	hostfd_take_events();
	return IRQ_HANDLED;
}

static void init(struct hostfd *h, struct file *file)
{
	hostfd_holder_init(&h->holder);
	h->file = file;
	h->want = 0;
	h->edges = h->regular = h->seekable = h->append = h->no_nowait = false;
	init_waitqueue_head(&h->wait);
}

int hostfd_begin(struct hostfd *h, struct file *file, int fd)
{
	int ret;

	init(h, file);
	mutex_lock(&changes);
	ret = hostfd_insert(&hostfd_table, &h->holder, fd);
	mutex_unlock(&changes);
	return ret;
}

/*
 * The host's descriptors 0 to 2 stay taken: what comes next must not be taken for the launcher's
 * own stdio.
 */
void hostfd_close(int fd)
{
	hostfd_unwatch(fd);
	if (fd < 3)
		host_dup3(kbox_boot->null_fd, fd, O_CLOEXEC);
	else
		host_close(fd);
}

void hostfd_end(struct hostfd *h)
{
	int fd;

	mutex_lock(&changes);
	if (h->edges && !list_empty(&h->holder.ring))	/* the host goes on to tell of them */
		hostfd_of_holder(list_next_entry(&h->holder, ring))->edges = true;
	fd = hostfd_remove(&hostfd_table, &h->holder);
	mutex_unlock(&changes);
	if (fd >= 0)
		hostfd_close(fd);
}

long hostfd_flags(int fd)
{
	long flags = host_getfl(fd);

	return flags < 0 ? flags : flags & ~FASYNC;
}

static const struct file_operations regular_ops;

/* pos: where the guest's open file is, or HOST_POS */
static void set_up(struct hostfd *h, struct file *file, loff_t pos)
{
	h->regular = file->f_op == &regular_ops;
	/* An event counter has an offset too, that means nothing. */
	h->seekable = (h->regular || S_ISREG(file_inode(file)->i_mode)) &&
		      host_lseek(host_number(h), 0, SEEK_CUR) >= 0;
	h->append = file->f_flags & O_APPEND;
	if (h->seekable) {
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS;
		file->f_pos = pos;
	} else {
		file->f_mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
		file->f_mode |= FMODE_STREAM;
	}
	file->private_data = h;
}

/*
 * A holder of the inode's descriptor, or NULL: it may outlive that (O_PATH), and then the number
 * may be another's.
 */
static struct hostfd_holder *holder_of(struct inode *inode)
{
	struct hostfd_holder *first = hostfd_lookup(&hostfd_table, (long)inode->i_private);

	return first && file_inode(hostfd_of_holder(first)->file) == inode ? first : NULL;
}

/*
 * By /proc/self/fd, as /dev/stdout is: another open file with an offset of its own, but the same
 * descriptor.
 */
static int hostfd_open(struct inode *inode, struct file *file)
{
	int fd = (long)inode->i_private, flags = hostfd_flags(fd), ret = -ENXIO;
	struct hostfd *h = kzalloc(sizeof(*h), GFP_KERNEL);
	struct hostfd_holder *of;

	if (!h)
		return -ENOMEM;
	init(h, file);
	mutex_lock(&changes);
	of = holder_of(inode);
	if (of) {
		if ((file->f_mode & FMODE_READ && (flags & O_ACCMODE) == O_WRONLY) ||
		    (file->f_mode & FMODE_WRITE && (flags & O_ACCMODE) == O_RDONLY))
			ret = -EACCES;
		else
			ret = hostfd_share(&hostfd_table, &h->holder, of);
	}
	mutex_unlock(&changes);
	if (ret)
		kfree(h);
	else
		set_up(h, file, 0);
	return ret;
}

static int hostfd_release(struct inode *inode, struct file *file)
{
	struct hostfd *h = file->private_data;

	hostfd_end(h);
	kfree(h);
	return 0;
}

static __poll_t hostfd_poll(struct file *file, struct poll_table_struct *pt)
{
	return hostfd_poll_wait(file->private_data, pt);
}

#define COMMON_OPS											\
	.owner = THIS_MODULE, .open = hostfd_open, .release = hostfd_release,				\
	.read_iter = hostfd_read_iter, .write_iter = hostfd_write_iter, .llseek = hostfd_llseek,	\
	.unlocked_ioctl = hostfd_ioctl, .compat_ioctl = compat_ptr_ioctl,				\
	.fsync = hostfd_fsync, .fallocate = hostfd_fallocate, .mmap = hostfd_mmap,			\
	.splice_read = hostfd_splice_read, .splice_write = iter_file_splice_write

static const struct file_operations regular_ops = { COMMON_OPS };
static const struct file_operations polled_ops = { COMMON_OPS, .poll = hostfd_poll };

/*
 * The guest may do with a descriptor whatever the host permits, except execute it. hostfd_open()
 * asks the host.
 */
static int hostfd_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	return mask & MAY_EXEC ? -EACCES : 0;
}

static int hostfd_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct stat st;

	generic_fillattr(idmap, mask, inode, stat);
	if (!holder_of(inode) || host_fstat((long)inode->i_private, &st))
		return 0;
	stat->dev = new_decode_dev(st.st_dev);
	stat->ino = st.st_ino;
	stat->mode = (stat->mode & ~S_IFMT) | (st.st_mode & S_IFMT);
	stat->nlink = st.st_nlink;
	stat->rdev = new_decode_dev(st.st_rdev);
	stat->size = st.st_size;
	stat->blocks = st.st_blocks;
	stat->blksize = st.st_blksize;
	stat->atime = (struct timespec64) { st.st_atime, st.st_atime_nsec };
	stat->mtime = (struct timespec64) { st.st_mtime, st.st_mtime_nsec };
	stat->ctime = (struct timespec64) { st.st_ctime, st.st_ctime_nsec };
	return 0;
}

/* The size is the host's; owner and mode here are the guest's own. */
static int hostfd_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int ret = setattr_prepare(idmap, dentry, attr);

	if (ret)
		return ret;
	if (attr->ia_valid & ATTR_SIZE) {
		if (!holder_of(inode))
			return -EBADF;
		ret = host_ftruncate((long)inode->i_private, attr->ia_size);
		if (ret == -EINVAL && attr->ia_valid & ATTR_OPEN)	/* a device has no size to change */
			ret = 0;
		if (ret)
			return ret;
	}
	setattr_copy(idmap, inode, attr);
	return 0;
}

static const struct inode_operations hostfd_inode_ops = {
	.permission = hostfd_permission, .getattr = hostfd_getattr, .setattr = hostfd_setattr,
};

static char *hostfd_dname(struct dentry *dentry, char *buffer, int len)
{
	return dynamic_dname(buffer, len, "host:[%ld]", (long)d_inode(dentry)->i_private);
}

static const struct dentry_operations hostfd_dentry_ops = { .d_dname = hostfd_dname };

static struct inode *new_host_inode(int fd, const struct stat *st, bool regular)
{
	struct inode *inode = new_inode(hostfd_mnt->mnt_sb);

	if (!inode)
		return NULL;
	inode->i_ino = get_next_ino();
	inode->i_private = (void *)(long)fd;
	/* To the guest's kernel a block device would be one that it can open. */
	inode->i_mode = S_ISBLK(st->st_mode) ? S_IFREG | (st->st_mode & S_IALLUGO) : st->st_mode;
	inode->i_uid = make_kuid(&init_user_ns, st->st_uid);
	inode->i_gid = make_kgid(&init_user_ns, st->st_gid);
	inode->i_op = &hostfd_inode_ops;
	inode->i_fop = regular ? &regular_ops : &polled_ops;
	if (regular)	/* so that nobody here takes it for the end: the host knows where that is */
		i_size_write(inode, HOST_POS);
	simple_inode_init_ts(inode);
	return inode;
}

static struct file *open_file(int fd, int flags, const struct stat *st, bool regular)
{
	struct inode *inode = new_host_inode(fd, st, regular);
	struct file *file;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	flags |= hostfd_flags(fd) & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	file = alloc_file_pseudo(inode, hostfd_mnt, "", flags | O_LARGEFILE, inode->i_fop);
	if (IS_ERR(file))
		iput(inode);
	return file;
}

/* For a descriptor of which the host tells from now on, if it can (*polled). */
static struct hostfd *new_holder(int fd, bool *polled)
{
	struct hostfd *h;
	int ret = hostfd_watch(fd);

	if (ret < 0)
		return ERR_PTR(ret);
	*polled = ret;
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	return h ?: ERR_PTR(-ENOMEM);
}

/* The file is the descriptor's from here on. Where that fails it can be released all the same. */
static int hold(struct hostfd *h, struct file *file, int fd)
{
	int ret = hostfd_begin(h, file, fd);

	set_up(h, file, HOST_POS);
	return ret;
}

static struct file *new_file(int fd, int flags)
{
	struct hostfd *h;
	struct file *file;
	struct stat st;
	bool polled;
	int ret = host_fstat(fd, &st);

	if (ret)
		return ERR_PTR(ret);
	if (S_ISDIR(st.st_mode))
		return ERR_PTR(-EISDIR);
	if (S_ISSOCK(st.st_mode))
		return hostfd_socket_file(fd, flags);
	h = new_holder(fd, &polled);
	if (IS_ERR(h))
		return ERR_CAST(h);
	file = open_file(fd, flags, &st, !polled);
	if (IS_ERR(file)) {
		kfree(h);
		return file;
	}
	ret = hold(h, file, fd);
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	return file;
}

struct file *hostfd_file(int fd, int flags)
{
	struct file *file = new_file(fd, flags);

	if (IS_ERR(file))
		hostfd_close(fd);
	return file;
}

int hostfd_adopt(struct file *file, int fd)
{
	bool polled;
	struct hostfd *h = new_holder(fd, &polled);
	int ret = PTR_ERR_OR_ZERO(h);

	if (!ret) {
		replace_fops(file, polled ? &polled_ops : &regular_ops);
		ret = hold(h, file, fd);
		if (ret)
			kfree(h);
	}
	if (ret)
		hostfd_close(fd);
	return ret;
}

void hostfd_drop(struct file *file)
{
	hostfd_release(file_inode(file), file);
}

static ssize_t dead_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	return -EIO;
}

static __poll_t dead_poll(struct file *file, struct poll_table_struct *pt)
{
	return EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT;
}

/* Of what was left behind in another box. */
static const struct file_operations dead_ops = {
	.owner = THIS_MODULE, .release = hostfd_release, .read_iter = dead_iter, .write_iter = dead_iter, .poll = dead_poll,
};

/* Is there what was there before, of the kind that it was? */
static bool is_renewed(int fd, struct hostfd *h)
{
	u64 *offered = &kbox_shared->offered[fd / 64];
	bool there = fd < KBOX_MAX_OFFER && *offered & 1UL << fd % 64;

	if (there)
		*offered &= ~(1UL << fd % 64);
	return there && hostfd_watch(fd) == !h->regular;
}

static void renew(struct hostfd *h, bool there)
{
	h->edges = false;
	h->want = 0;
	if (!there && h->file->f_op->release == hostfd_release)
		h->file->f_op = &dead_ops;
	wake_up_interruptible_poll(&h->wait, EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM);
}

void hostfd_renew(void)
{
	struct hostfd_holder *first, *other;
	int fd = -1;

	while ((fd = hostfd_next(&hostfd_table, fd)) >= 0) {
		bool there;

		first = hostfd_lookup(&hostfd_table, fd);
		there = is_renewed(fd, hostfd_of_holder(first));
		hostfd_for_each_holder(other, first)
			renew(hostfd_of_holder(other), there);
	}
}

int hostfd_number(struct file *file)
{
	struct hostfd *h = file->f_op->release == hostfd_release ? file->private_data : hostfd_of_socket(file);

	return h ? host_number(h) : -1;
}

/* Each descriptor that the launcher has on offer can be taken once: the others are its own. */
static long take_offer(unsigned int fd)
{
	struct file *file;
	long ret;

	if (fd >= KBOX_MAX_OFFER || !test_and_clear_bit(fd, (unsigned long *)kbox_shared->offered))
		return -EBADF;
	file = hostfd_file(fd, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = get_unused_fd_flags(O_CLOEXEC);
	if (ret < 0)
		fput(file);
	else
		fd_install(ret, file);
	return ret;
}

static long kboxfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return cmd == KBOX_IOC_TAKE ? take_offer(arg) : -ENOTTY;
}

static const struct file_operations kboxfd_ops = { .owner = THIS_MODULE, .unlocked_ioctl = kboxfd_ioctl };
static struct miscdevice kboxfd = { .minor = MISC_DYNAMIC_MINOR, .name = "kboxfd", .fops = &kboxfd_ops, .mode = 0600 };

/*
 * /proc/hostfds: each descriptor of the host that the guest has, and how many open files of the
 * guest hold it.
 */
static int hostfds_show(struct seq_file *m, void *v)
{
	int fd = -1;

	while ((fd = hostfd_next(&hostfd_table, fd)) >= 0)
		seq_printf(m, "%d %u\n", fd, hostfd_refs(&hostfd_table, fd));
	return 0;
}

static int hostfd_init_fs_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, HOSTFD_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &hostfd_dentry_ops;
	return 0;
}

static struct file_system_type hostfd_fs = {
	.name = "hostfd", .init_fs_context = hostfd_init_fs_context, .kill_sb = kill_anon_super,
};

static int __init hostfd_init(void)
{
	hostfd_table_init(&hostfd_table);
	hostfd_mnt = kern_mount(&hostfd_fs);
	if (IS_ERR(hostfd_mnt))
		return PTR_ERR(hostfd_mnt);
	if (!proc_create_single("hostfds", 0444, NULL, hostfds_show) || misc_register(&kboxfd))
		return -ENOMEM;
	return request_irq(KBOX_IRQ_HOSTFD, hostfd_irq, 0, "hostfd", NULL);
}
device_initcall(hostfd_init);
