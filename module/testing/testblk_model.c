// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a request completes: see testblk_model.h.
 */
#include "testblk_model.h"

#define NS_PER_US	1000ULL
#define NS_PER_S	1000000000ULL
#define SECTOR_BITS	9
/* of the share of the capacity that a seek goes over, and half as many of its root */
#define DISTANCE_BITS	24
#define ROOT_BITS	(DISTANCE_BITS / 2)

static u64 later(u64 a, u64 b)
{
	return a > b ? a : b;
}

static u64 transfer_ns(u64 bytes, u32 mbps)
{
	return mbps ? bytes * NS_PER_US / mbps : 0;
}

static u64 root(u64 x)
{
	u64 bit = 1ULL << 62, result = 0;

	for (; bit; bit >>= 2) {
		u64 with = result + bit;

		result >>= 1;
		if (x >= with) {
			x -= with;
			result += bit;
		}
	}
	return result;
}

void testblk_model_init(struct testblk_model *model, u64 sectors)
{
	*model = (struct testblk_model) { .sectors = sectors };
}

u64 testblk_model_seek_ns(const struct testblk_model *model, const struct testblk_spec *spec,
			  u64 start)
{
	u64 half_ns = spec->seek_us * NS_PER_US / 2, distance, ns;

	if (!spec->seek_us || start == model->head)
		return 0;
	distance = start > model->head ? start - model->head : model->head - start;
	/* The mean of the root is 8/15, where both ends are drawn at random. */
	ns = half_ns + (half_ns * 15 / 8 *
			root((distance << DISTANCE_BITS) / model->sectors) >> ROOT_BITS);
	if (start > model->head && spec->channel_mbps) {
		u64 pass_ns = transfer_ns(distance << SECTOR_BITS, spec->channel_mbps);

		ns = pass_ns < ns ? pass_ns : ns;
	}
	return ns;
}

/* Tokens come one by one; those of the burst have come before. */
static u64 wait_for_tokens(struct testblk_model *model, const struct testblk_spec *spec,
			   u32 bytes, u64 now_ns)
{
	u64 each_ns, saved_ns, start_ns = now_ns;

	if (!spec->iops)
		return now_ns;
	each_ns = NS_PER_S / spec->iops;
	saved_ns = each_ns * (spec->iops_burst ? spec->iops_burst - 1 : 0);
	model->tokens_ns = later(model->tokens_ns, now_ns);
	if (model->tokens_ns > now_ns + saved_ns)
		start_ns = model->tokens_ns - saved_ns;
	model->tokens_ns += each_ns * ((bytes + TESTBLK_IO_BYTES - 1) / TESTBLK_IO_BYTES);
	model->cap_wait_ns += start_ns - now_ns;
	return start_ns;
}

/* A device that changed has all of its channels free. */
static void resize(struct testblk_model *model, u32 channels)
{
	u32 i;

	if (channels > TESTBLK_MAX_CHANNELS)
		channels = TESTBLK_MAX_CHANNELS;
	if (channels == model->channels)
		return;
	for (i = 0; i < channels; i++)
		model->free_ns[i] = 0;
	model->channels = channels;
}

/* Take the channel that is free first until a time: it sinks to its place in the heap. */
static void occupy(struct testblk_model *model, u64 until_ns)
{
	u64 *free_ns = model->free_ns;
	u32 at = 0, child;

	while ((child = 2 * at + 1) < model->channels) {
		if (child + 1 < model->channels && free_ns[child + 1] < free_ns[child])
			child++;
		if (free_ns[child] >= until_ns)
			break;
		free_ns[at] = free_ns[child];
		at = child;
	}
	free_ns[at] = until_ns;
}

/**
 * struct pieces - when a request comes out of the channels
 * @first_ns: when its first byte does
 * @last_ns: when its last byte does
 */
struct pieces {
	u64 first_ns;
	u64 last_ns;
};

static struct pieces pass_channels(struct testblk_model *model, const struct testblk_spec *spec,
				   u64 start, u32 bytes, u64 now_ns)
{
	u64 seek_ns = testblk_model_seek_ns(model, spec, start);
	u64 pos = start << SECTOR_BITS, chunk = (u64)spec->chunk_kb << 10;
	struct pieces out = { .first_ns = U64_MAX };

	while (bytes) {
		u32 piece = bytes;
		u64 data_ns = now_ns, done_ns;

		if (chunk && piece > chunk - pos % chunk)
			piece = chunk - pos % chunk;
		if (model->channels)
			data_ns = later(now_ns, model->free_ns[0]);
		data_ns += spec->base_us * NS_PER_US + seek_ns;
		seek_ns = 0;
		done_ns = data_ns + transfer_ns(piece, spec->channel_mbps);
		if (model->channels)
			occupy(model, done_ns);
		if (data_ns < out.first_ns)
			out.first_ns = data_ns;
		out.last_ns = later(out.last_ns, done_ns);
		pos += piece;
		bytes -= piece;
	}
	return out;
}

u64 testblk_model_submit(struct testblk_model *model, const struct testblk_spec *spec,
			 u64 start, u32 bytes, u64 now_ns)
{
	u64 link_ns = transfer_ns(bytes, spec->mbps);
	struct pieces out;

	resize(model, spec->channels);
	now_ns = wait_for_tokens(model, spec, bytes, now_ns);
	out = pass_channels(model, spec, start, bytes, now_ns);
	if (start != model->head)
		model->seeks++;
	model->head = start + (bytes >> SECTOR_BITS);
	model->link_free_ns = later(out.first_ns, model->link_free_ns) + link_ns;
	model->link_busy_ns += link_ns;
	return later(out.last_ns, model->link_free_ns);
}
