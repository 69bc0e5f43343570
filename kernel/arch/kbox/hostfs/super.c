// SPDX-License-Identifier: GPL-2.0-only
/* The file system "hostfs", whose source is volume:N, and its superblocks. */
#include <linux/backing-dev.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include "hostfs.h"

#define HOSTFS_MAGIC	0x6b626673

static struct kmem_cache *inodes;

static struct inode *alloc_inode(struct super_block *sb)
{
	struct hostfs_inode *hi = alloc_inode_sb(sb, inodes, GFP_KERNEL);

	if (!hi)
		return NULL;
	mutex_init(&hi->opening);
	mutex_init(&hi->locking);
	hi->holder[HOSTFS_POSIX] = hi->holder[HOSTFS_FLOCK] = -1;
	for (int i = 0; i < 2; i++) {
		hi->open[i] = (struct hostfs_open) { .fd = -1 };
		INIT_LIST_HEAD(&hi->open[i].idle);
	}
	hi->asked = 0;
	hi->cached_size = -1;
	hi->owner.is = hi->mapped_to_write = hi->no_nowait = false;
	hi->execution = UNTRIED;
	hi->owner_ctime = (struct timespec64) { };
	return &hi->vfs;
}

static void free_inode(struct inode *inode)
{
	kmem_cache_free(inodes, hostfs_i(inode));
}

static void evict_inode(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	hostfs_close_all(inode);
}

static int statfs(struct dentry *dentry, struct kstatfs *to)
{
	struct statfs st;
	int ret = host_fstatfs(hostfs_root(dentry), &st);

	if (ret)
		return ret;
	*to = (struct kstatfs) {
		.f_type = HOSTFS_MAGIC, .f_bsize = st.f_bsize, .f_frsize = st.f_frsize,
		.f_blocks = st.f_blocks, .f_bfree = st.f_bfree, .f_bavail = st.f_bavail,
		.f_files = st.f_files, .f_ffree = st.f_ffree, .f_namelen = NAME_MAX,
	};
	return 0;
}

static void show_ids(struct seq_file *m, const char *name, const struct hostfs_ids *ids)
{
	for (unsigned int i = 0; i < ids->n; i++)
		seq_printf(m, ",%s=%u:%u:%u", name, ids->range[i].host, ids->range[i].guest, ids->range[i].count);
}

static int show_options(struct seq_file *m, struct dentry *root)
{
	const struct hostfs_sb *sb = hostfs_sb(root->d_sb);

	show_ids(m, "uid", &sb->uids);
	show_ids(m, "gid", &sb->gids);
	if (sb->by_path)
		seq_puts(m, ",by_path");
	return 0;
}

static const struct super_operations ops = {
	.alloc_inode = alloc_inode, .free_inode = free_inode, .evict_inode = evict_inode,
	.drop_inode = generic_drop_inode, .statfs = statfs, .show_options = show_options,
};

u32 hostfs_to_guest(const struct hostfs_ids *ids, u32 host)
{
	for (unsigned int i = 0; i < ids->n; i++)
		if (host - ids->range[i].host < ids->range[i].count)
			return ids->range[i].guest + (host - ids->range[i].host);
	return host;
}

u32 hostfs_to_host(const struct hostfs_ids *ids, u32 guest)
{
	for (unsigned int i = 0; i < ids->n; i++)
		if (guest - ids->range[i].guest < ids->range[i].count)
			return ids->range[i].host + (guest - ids->range[i].guest);
	return guest;
}

enum { OPT_UID, OPT_GID, OPT_BY_PATH };

static const struct fs_parameter_spec parameters[] = {
	fsparam_string("uid", OPT_UID), fsparam_string("gid", OPT_GID), fsparam_flag("by_path", OPT_BY_PATH), { }
};

/* HOST:GUEST[:COUNT] */
static int add_id(struct fs_context *fc, struct hostfs_ids *ids, const char *arg)
{
	u32 host, guest, count = 1;
	char end;

	if (sscanf(arg, "%u:%u%c", &host, &guest, &end) != 2 &&
	    sscanf(arg, "%u:%u:%u%c", &host, &guest, &count, &end) != 3)
		return invalf(fc, "hostfs: %s: not of the form HOST:GUEST[:COUNT]", arg);
	if (ids->n == HOSTFS_IDS_MAX)
		return invalf(fc, "hostfs: more than %d ranges", HOSTFS_IDS_MAX);
	ids->range[ids->n].host = host;
	ids->range[ids->n].guest = guest;
	ids->range[ids->n++].count = count;
	return 0;
}

static int parse(struct fs_context *fc, struct fs_parameter *param)
{
	struct hostfs_sb *sb = fc->s_fs_info;
	struct fs_parse_result result;

	switch (fs_parse(fc, parameters, param, &result)) {
	case OPT_UID:
		return add_id(fc, &sb->uids, param->string);
	case OPT_GID:
		return add_id(fc, &sb->gids, param->string);
	case OPT_BY_PATH:
		sb->by_path = true;
		return 0;
	case -ENOPARAM:
		return vfs_parse_fs_param_source(fc, param);
	}
	return -EINVAL;
}

/* The volume that the source names. */
static int find_volume(struct fs_context *fc)
{
	struct hostfs_sb *sb = fc->s_fs_info;
	const struct kbox_volume *v;
	unsigned int n;
	char end;

	if (!fc->source || sscanf(fc->source, "volume:%u%c", &n, &end) != 1)
		return invalf(fc, "hostfs: the source is volume:N");
	if (n >= kbox_boot->volumes || n >= KBOX_MAX_VOLUMES)
		return invalf(fc, "hostfs: there are %u volumes", kbox_boot->volumes);
	v = &kbox_boot->volume[n];
	sb->root = v->fd;
	sb->read_only = v->flags & KBOX_VOLUME_READ_ONLY;
	sb->steady = v->flags & KBOX_VOLUME_STEADY;
	sb->owners = v->flags & KBOX_VOLUME_OWNERS;
	sb->special = v->flags & KBOX_VOLUME_SPECIAL;
	sb->devices = v->flags & (KBOX_VOLUME_OWNERS | KBOX_VOLUME_DEVICES);
	return 0;
}

static int fill(struct super_block *s, struct fs_context *fc)
{
	struct hostfs_sb *sb = s->s_fs_info;
	struct hostfs_stat st;
	struct inode *root;
	int ret;

	s->s_magic = HOSTFS_MAGIC;
	s->s_op = &ops;
	s->s_xattr = hostfs_xattr_handlers;
	s->s_maxbytes = MAX_LFS_FILESIZE;
	s->s_time_gran = 1;
	s->s_blocksize = PAGE_SIZE;
	s->s_blocksize_bits = PAGE_SHIFT;
	if (sb->read_only)
		s->s_flags |= SB_RDONLY;
	if (!sb->steady)
		s->s_d_op = &hostfs_dops;
	ret = super_setup_bdi(s) ?: hostfs_stat_fd(s, sb->root, &st);
	if (ret)
		return ret;
	/* Nothing here is dirty: a page that is mapped to be written need not tell that it is. */
	s->s_bdi->capabilities &= ~(BDI_CAP_WRITEBACK | BDI_CAP_WRITEBACK_ACCT);
	sb->dev = st.dev;
	root = hostfs_iget(s, &st);
	if (IS_ERR(root))
		return PTR_ERR(root);
	s->s_root = d_make_root(root);
	return s->s_root ? 0 : -ENOMEM;
}

static int get_tree(struct fs_context *fc)
{
	return find_volume(fc) ?: get_tree_nodev(fc, fill);
}

static int reconfigure(struct fs_context *fc)
{
	const struct hostfs_sb *sb = hostfs_sb(fc->root->d_sb);

	if (sb->read_only && !(fc->sb_flags & SB_RDONLY))
		return -EROFS;
	return 0;
}

/* s_fs_info is the superblock's once there is one. */
static void free_context(struct fs_context *fc)
{
	kfree(fc->s_fs_info);
}

static const struct fs_context_operations context_ops = {
	.parse_param = parse, .get_tree = get_tree, .reconfigure = reconfigure, .free = free_context,
};

static int init_context(struct fs_context *fc)
{
	fc->s_fs_info = kzalloc(sizeof(struct hostfs_sb), GFP_KERNEL);
	if (!fc->s_fs_info)
		return -ENOMEM;
	fc->ops = &context_ops;
	return 0;
}

static void kill(struct super_block *s)
{
	kill_anon_super(s);
	kfree(s->s_fs_info);
}

static struct file_system_type hostfs = {
	.owner = THIS_MODULE, .name = "hostfs", .init_fs_context = init_context, .kill_sb = kill,
};

static void init_once(void *inode)
{
	inode_init_once(&((struct hostfs_inode *)inode)->vfs);
}

static int __init hostfs_init(void)
{
	inodes = kmem_cache_create("hostfs_inode", sizeof(struct hostfs_inode), 0, SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT,
				   init_once);
	return inodes ? register_filesystem(&hostfs) : -ENOMEM;
}
fs_initcall(hostfs_init);
