// SPDX-License-Identifier: GPL-2.0-only
/* Sessions: open, release, mmap, poll, read. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "core.h"
#include "point.h"
#include "reader.h"
#include "recommend.h"
#include "session.h"

/*
 * The rights of a file that is being opened, by the task that opens it. Of root in a
 * container's user namespace nothing is asked that root may here. No audit: the agent
 * lacks the capability each time it opens the device, and that is as it should be.
 */
static u32 rights_of(const struct file *file)
{
	u32 rights = 0;

	if (file->f_mode & FMODE_READ)
		rights |= MLPROXY_RIGHT_READ;
	if (file->f_mode & FMODE_WRITE) {
		rights |= MLPROXY_RIGHT_ADVISE;
		if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
			rights |= MLPROXY_RIGHT_OPERATE;
	}
	return rights;
}

static int session_open(struct inode *inode, struct file *file)
{
	struct mlproxy_session *session;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return -ENOMEM;
	session->file = file;
	mutex_init(&session->lock);
	INIT_LIST_HEAD(&session->agent.node);
	session->rights = rights_of(file);
	file->private_data = session;
	return stream_open(inode, file);
}

static int session_release(struct inode *inode, struct file *file)
{
	struct mlproxy_session *session = file->private_data;

	if (session->reader)
		mlproxy_reader_detach(session->reader);
	mlproxy_reader_free(session->reader);
	mlproxy_rec_ring_free(session->recs);
	if (session->proxy) {
		mlproxy_heartbeat_closed(session->proxy, &session->agent);
		mlproxy_put(session->proxy);
	}
	mlproxy_point_free(session->point);
	mutex_destroy(&session->lock);
	kfree(session);
	return 0;
}

static int session_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mlproxy_session *session = file->private_data;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	struct mlproxy_rec_ring *recs = session_get(session, recs);
	struct mlproxy_reader *reader = session_get(session, reader);

	if (offset >= MLPROXY_REC_USER_OFFSET)
		return recs ? mlproxy_rec_ring_mmap(recs, vma, offset) : -ENXIO;
	return reader ? mlproxy_reader_mmap(reader, vma, offset) : -ENXIO;
}

static __poll_t session_poll(struct file *file, struct poll_table_struct *pt)
{
	struct mlproxy_session *session = file->private_data;
	struct mlproxy_reader *reader = session_get(session, reader);
	struct point_owner *point = session_get(session, point);

	if (point)
		return mlproxy_point_poll(point, file, pt);
	return reader ? mlproxy_reader_poll(reader, file, pt) : EPOLLERR;
}

static ssize_t session_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct mlproxy_session *session = file->private_data;
	struct mlproxy_reader *reader = session_get(session, reader);

	if (!reader)
		return -ENXIO;
	return mlproxy_reader_read(reader, buf, len, file->f_flags & O_NONBLOCK);
}

const struct file_operations mlproxy_fops = {
	.owner = THIS_MODULE,
	.open = session_open,
	.release = session_release,
	.unlocked_ioctl = mlproxy_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = session_mmap,
	.poll = session_poll,
	.read = session_read,
};
