/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTFS_H
#define KBOX_HOSTFS_H
/*
 * A file system whose files are the host's, in a directory that the box was given (a volume):
 * docs/hostfs.md.
 */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <asm/boot.h>
#include <asm/host.h>

#define HOSTFS_IDS_MAX	17	/* those of --map-id (src/volumes.h), and the caller's */

/*
 * What is another number on the host: the first range that has it says. What is in none is the
 * same.
 */
struct hostfs_ids {
	unsigned int n;
	struct { u32 host, guest, count; } range[HOSTFS_IDS_MAX];
};

struct hostfs_sb {
	int root;		/* the host's descriptor of the volume */
	bool read_only;
	bool steady;		/* nobody else changes it: what is known of it stays true */
	bool owners, devices;	/* kept in attributes (owner.c) */
	bool by_path;		/* no descriptor is for changes of mode, owner and times */
	bool special;		/* FIFOs are the host's (fifo.c) */
	u64 dev, other_dev;	/* of its root, on the host; and of what is mounted there, or 0 */
	struct hostfs_ids uids, gids;
};

/* Which descriptor of the host a file of the guest needs. */
enum hostfs_access { HOSTFS_READ, HOSTFS_WRITE };

/* Those of fcntl(2) and those of flock(2) do not know of each other. */
enum hostfs_locks { HOSTFS_POSIX, HOSTFS_FLOCK };

/* What an attribute says of a file that the host cannot (owner.c). */
struct hostfs_owner {
	bool is;
	u32 uid, gid;
	umode_t mode;		/* all of it: the file may be another kind to the guest */
	dev_t rdev;
};

struct hostfs_inode {
	struct inode vfs;
	/* Which file of the host it is. */
	u64 dev, ino, mnt;
	umode_t type;			/* S_IFMT, as the host has it */
	struct timespec64 btime;	/* 0: the host has not told */
	/*
	 * The host's open files of it, which all open files of the guest share; fd is -1, or open.
	 */
	struct mutex opening;
	struct hostfs_open {
		int fd;
		bool reads;		/* one to write may be one to read as well */
		unsigned int users;
		struct list_head idle;	/* of those without a user */
	} open[2];
	/*
	 * Which of these has the box's locks on the host, and is open for them: -1 if there are
	 * none.
	 */
	struct mutex locking;
	int holder[2];
	struct hostfs_owner owner;
	struct timespec64 owner_ctime;	/* since when that is known */
	bool no_nowait;			/* the host has no RWF_NOWAIT for it */
	enum { UNTRIED, MAPPED_BY_HOST, NOT_MAPPED } execution;	/* of a mapping by the host */
	bool mapped_to_write;		/* by a shared mapping, of which its times do not tell */
	/* The system call that has asked the host for the attributes last. */
	u64 asked;
	/* Pages in the page cache are of the time when the file was so. */
	struct timespec64 cached_mtime, cached_ctime;
	loff_t cached_size;
};

static inline struct hostfs_inode *hostfs_i(const struct inode *inode)
{
	return container_of(inode, struct hostfs_inode, vfs);
}

static inline struct hostfs_sb *hostfs_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* What the host says of a file. */
struct hostfs_stat {
	struct kstat k;		/* dev is not set, uid and gid are the guest's */
	u64 dev, mnt;
	umode_t type;		/* S_IFMT, as the host has it */
	struct hostfs_owner owner;
};

/* super.c */
u32 hostfs_to_guest(const struct hostfs_ids *ids, u32 host);
u32 hostfs_to_host(const struct hostfs_ids *ids, u32 guest);

/*
 * path.c. The path from the volume's root, in one of two buffers of this CPU's (NAME and OTHER):
 * it is there until the caller sleeps, which it must not between hostfs_path() and
 * hostfs_path_end(). An error (ENAMETOOLONG) needs no end.
 */
enum hostfs_buffer { HOSTFS_NAME, HOSTFS_OTHER };
char *hostfs_path(struct dentry *dentry, enum hostfs_buffer which);
void hostfs_path_end(void);
/* For calls that take one path of dentry's: 0 or what the call returns, an error above all. */
int hostfs_root(const struct dentry *dentry);
int hostfs_stat(struct dentry *dentry, struct hostfs_stat *st);
int hostfs_stat_fd(const struct super_block *sb, int fd, struct hostfs_stat *st);

/* inode.c */
extern const struct inode_operations hostfs_file_iops, hostfs_link_iops, hostfs_special_iops;
extern const struct dentry_operations hostfs_dops;
struct inode *hostfs_iget(struct super_block *sb, const struct hostfs_stat *st);
/* Is it this file of the host; and of the same kind to the guest? */
bool hostfs_is_file(const struct hostfs_inode *hi, const struct hostfs_stat *st);
bool hostfs_is(const struct hostfs_inode *hi, const struct hostfs_stat *st);
/* The attributes are these; pages that are of another state of the file go. May sleep. */
void hostfs_refresh(struct inode *inode, const struct hostfs_stat *st);
/* They have to be asked for. */
static inline void hostfs_changed(struct inode *inode)
{
	hostfs_i(inode)->asked = 0;
}
/* It has no name any more: what gets its number is another file. */
void hostfs_removed(struct inode *inode);
u64 hostfs_guest_ino(const struct super_block *sb, u64 dev, u64 ino);
int hostfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask, unsigned int flags);
int hostfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr);
/* Who has made it owns it, and it has this mode, as far as the host lets that be. */
void hostfs_own(const struct inode *dir, struct dentry *dentry, umode_t mode);

/* dir.c, readdir.c */
extern const struct inode_operations hostfs_dir_iops;
extern const struct file_operations hostfs_dir_fops;

/*
 * open.c. hostfs_open_path() opens what has the dentry's name now; the caller closes it. May sleep.
 */
int hostfs_open_path(struct dentry *dentry, unsigned int flags, unsigned int mode);
/*
 * Which of a file's descriptors is open for this now, with a user more, or an error; the
 * dentry is how the file is found. EOPENSTALE: another file has its name.
 */
int hostfs_get(struct dentry *dentry, enum hostfs_access access);
void hostfs_put(struct inode *inode, int which);
/* One user more of one that is open. */
void hostfs_hold(struct inode *inode, int which);
/*
 * The file has just been made, and this is its descriptor to write: it is kept for who opens it
 * next.
 */
void hostfs_keep_fd(struct inode *inode, int fd);
/* One that is open, or -1; the other: to read with. */
int hostfs_any_fd(const struct inode *inode);
int hostfs_fd_to_read(const struct inode *inode);
/* One that is open, or one that is opened by the name for the moment; or an error. May sleep. */
int hostfs_borrow_fd(struct dentry *dentry, bool *opened);
void hostfs_return_fd(int fd, bool opened);
void hostfs_close_all(struct inode *inode);
/* A descriptor that has just been opened by name is of this file: 0, -ESTALE or -EOPENSTALE. */
int hostfs_check(struct inode *inode, int fd);
int hostfs_open(struct inode *inode, struct file *file);
int hostfs_release(struct inode *inode, struct file *file);

/* The host's descriptor of an open file. */
static inline int hostfs_fd(const struct file *file)
{
	return hostfs_i(file_inode(file))->open[(long)file->private_data].fd;
}

/*
 * owner.c. hostfs_find_owner() completes what the host has said, by fd or, if that is -1, by the
 * dentry. hostfs_set_owner() keeps what the attributes that are valid in attr become.
 * hostfs_make_special() has an empty file be a FIFO, a socket or a device. hostfs_host_mode() is
 * the mode that a file with this one (and type) has on the host.
 */
#define HOSTFS_OWN_ATTRIBUTE	"kbox.owner"	/* below "user." */
int hostfs_find_owner(const struct super_block *sb, struct dentry *dentry, int fd, struct hostfs_stat *st);
int hostfs_set_owner(struct dentry *dentry, const struct iattr *attr);
int hostfs_make_special(struct dentry *dentry, umode_t mode, dev_t dev);
umode_t hostfs_host_mode(const struct super_block *sb, umode_t mode);

/*
 * lock.c. hostfs_flock_fd() is for an open file that has a descriptor of the host's for itself.
 */
int hostfs_lock(struct file *file, int cmd, struct file_lock *fl);
int hostfs_flock(struct file *file, int cmd, struct file_lock *fl);
int hostfs_flock_fd(struct file *file, int fd, struct file_lock *fl);

/* For what the host does not tell of: after a while it is to be asked again. Or ERESTARTSYS. */
static inline int hostfs_wait(void)
{
	schedule_timeout_interruptible(HZ / 50 ?: 1);
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/* fifo.c */
extern const struct file_operations hostfs_fifo_fops;

/* file.c, map.c, xattr.c */
extern const struct file_operations hostfs_file_fops;
extern const struct address_space_operations hostfs_aops;
int hostfs_mmap(struct file *file, struct vm_area_struct *vma);
/* What has been written to the file is not in pages that were read before. */
void hostfs_drop_pages(struct inode *inode, loff_t start, loff_t end);
extern const struct xattr_handler *const hostfs_xattr_handlers[];
ssize_t hostfs_listxattr(struct dentry *dentry, char *names, size_t size);
#endif
