// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlproxy_seqbuf: how large a buffer a file of /proc begins with. The example of
 * docs/proxy-howto.md, small but real.
 *
 * The kernel begins with a page. Where an entry does not fit, it doubles the buffer and has
 * all of it written again; so for a long file a large buffer saves time, and for a short one
 * it costs some. What is known beforehand is what the reader asks for, and what buffer the
 * last file of the kind ended with.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "common/hook.h"
#include "common/params.h"
#include "common/schema.h"

#define KIND_BITS 6

static struct mlproxy *seqbuf;
/* Last size by kind of file; two kinds may share one, which costs time only. */
static unsigned long last_size[1 << KIND_BITS];
static DEFINE_PER_CPU(s64, larger);
PROXY_COUNTER(nr_larger, larger, "files that began with more than a page");

enum { ACTION_KERNEL, ACTION_16K, ACTION_64K, NR_ACTIONS };

static const struct mlproxy_feature features[] = {
	PROXY_LOG2("request", "log2 bytes", 32),
	PROXY_LOG2("last_size", "log2 bytes", 32),
};

static const struct mlproxy_action actions[] = {
	[ACTION_KERNEL] = { .name = "kernel", .value = PAGE_SIZE },
	[ACTION_16K] = { .name = "16K", .value = 16 << 10 },
	[ACTION_64K] = { .name = "64K", .value = 64 << 10 },
};

static u32 decide(size_t request, unsigned long *last, struct mlproxy_decision *decision)
{
	s64 x[] = { log2_q8(request), log2_q8(READ_ONCE(*last)) };
	struct mlproxy_request req = { .key = last - last_size, .features = x };

	req.baseline = ACTION_KERNEL;
	return mlproxy_decide(seqbuf, &req, decision);
}

/* A first read: the buffer is there before the kernel looks for it. */
static void prepare(struct seq_file *m, u32 action)
{
	if (action == ACTION_KERNEL)
		return;
	mutex_lock(&m->lock);
	if (!m->buf) {
		/* as seq_buf_alloc(); without memory the kernel tries with a page */
		m->buf = kvmalloc(actions[action].value, GFP_KERNEL_ACCOUNT);
		m->size = m->buf ? actions[action].value : 0;
		this_cpu_inc(larger);
	}
	mutex_unlock(&m->lock);
}

static ssize_t read_first(struct kiocb *iocb, struct iov_iter *iter, struct seq_file *m)
{
	unsigned long *last = &last_size[hash_ptr(m->op->show, KIND_BITS)];
	struct mlproxy_decision decision;
	u64 start_ns = local_clock();
	ssize_t ret;

	prepare(m, decide(iov_iter_count(iter), last, &decision));
	ret = seq_read_iter(iocb, iter);
	WRITE_ONCE(*last, READ_ONCE(m->size));
	if (ret >= 0)
		mlproxy_feedback(seqbuf, &decision, -(s64)log2_q8(local_clock() - start_ns));
	return ret;
}

static ssize_t replace_seq_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	struct seq_file *m = iocb->ki_filp->private_data;
	ssize_t ret;

	proxy_hook_enter();
	if (READ_ONCE(m->buf) || !iov_iter_count(iter))
		ret = seq_read_iter(iocb, iter);
	else
		ret = read_first(iocb, iter, m);
	proxy_hook_leave();
	return ret;
}

static struct proxy_hook hooks[] = { PROXY_HOOK(seq_read_iter, replace_seq_read_iter) };

static int start(struct mlproxy *proxy, void *priv)
{
	seqbuf = proxy;
	return proxy_hooks_attach();
}

static void stop(struct mlproxy *proxy, void *priv)
{
	proxy_hooks_detach();
}

static const struct mlproxy_ops ops = { .start = start, .stop = stop };

static const struct mlproxy_desc desc = {
	.owner = THIS_MODULE,
	.name = "seqbuf",
	.schema_version = 1,
	.nr_features = ARRAY_SIZE(features),
	.features = features,
	.nr_actions = ARRAY_SIZE(actions),
	.actions = actions,
	.reward_name = "time",
	.reward_unit = "-log2 ns",
	.reward_direction = MLPROXY_REWARD_HIGHER,
	.reward_min = -(40 << 8),
	.reward_max = 0,
	.unit = MLPROXY_UNIT_DECISION,
	.ops = &ops,
};

static int __init seqbuf_init(void)
{
	int err = proxy_hooks_init(hooks, ARRAY_SIZE(hooks));

	if (err)
		return err;
	seqbuf = mlproxy_register(&desc, NULL);
	if (IS_ERR(seqbuf))
		proxy_hooks_exit();
	return PTR_ERR_OR_ZERO(seqbuf);
}

/* No call may be under way when the proxy is freed. */
static void __exit seqbuf_exit(void)
{
	proxy_hooks_exit();
	mlproxy_destroy(seqbuf);
}

module_init(seqbuf_init);
module_exit(seqbuf_exit);

MODULE_DESCRIPTION("Model proxy for the buffers of seq files: the example of how to write one");
MODULE_LICENSE("GPL");
