// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verification of what all kinds of models have in common: that it is a model
 * file, whole, undamaged, for this proxy, with a sound header.
 */
#include "header.h"
#include "mlp_arith.h"

int model_refuse(struct mlp_report *report, u32 reason, u64 arg, const char *fmt, ...)
{
	va_list ap;

	report->reason = reason;
	report->arg = arg;
	va_start(ap, fmt);
	vsnprintf(report->text, sizeof(report->text), fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

static bool all_zero(const u32 *words, u32 nr)
{
	while (nr--) {
		if (*words++)
			return false;
	}
	return true;
}

/* Length, identity and integrity: is it a model file, whole and of a known kind */
static int verify_envelope(const void *data, size_t len, u16 kind, struct mlp_report *report)
{
	const struct mlproxy_model_hdr *hdr = data;
	u32 crc;

	if (len < sizeof(*hdr))
		return model_refuse(report, MLPROXY_REFUSED_LENGTH, len,
				    "%zu bytes are no model file: the header alone has %zu",
				    len, sizeof(*hdr));
	if (hdr->magic != MLPROXY_MODEL_MAGIC)
		return model_refuse(report, MLPROXY_REFUSED_MAGIC, hdr->magic,
				    "not a model file: it starts with 0x%08x, not 0x%08x",
				    hdr->magic, MLPROXY_MODEL_MAGIC);
	if (hdr->format != MLPROXY_MODEL_FORMAT)
		return model_refuse(report, MLPROXY_REFUSED_FORMAT, hdr->format,
				    "format %u is unknown: this kernel reads format %u",
				    hdr->format, MLPROXY_MODEL_FORMAT);
	if (hdr->kind != MLPROXY_MODEL_KIND_MLP && hdr->kind != MLPROXY_MODEL_KIND_TREES)
		return model_refuse(report, MLPROXY_REFUSED_KIND, hdr->kind,
				    "model kind %u is unknown: this kernel runs kinds %u (MLP) and %u (trees)",
				    hdr->kind, MLPROXY_MODEL_KIND_MLP,
				    MLPROXY_MODEL_KIND_TREES);
	if (hdr->kind != kind)
		return model_refuse(report, MLPROXY_REFUSED_KIND, hdr->kind,
				    "model kind %u, but kind %u is asked for", hdr->kind, kind);
	if (len > MLPROXY_MODEL_MAX_BYTES)
		return model_refuse(report, MLPROXY_REFUSED_LENGTH, len,
				    "%zu bytes are too long for a model: at most %u",
				    len, MLPROXY_MODEL_MAX_BYTES);
	if (hdr->total_len != len)
		return model_refuse(report, MLPROXY_REFUSED_LENGTH, hdr->total_len,
				    "%zu bytes, but the header says %u: cut off or appended to",
				    len, hdr->total_len);
	if (len % 8)
		return model_refuse(report, MLPROXY_REFUSED_LENGTH, len,
				    "a length of %zu bytes is not a multiple of 8", len);

	crc = mlp_crc32(&hdr->schema_hash,
			len - offsetof(struct mlproxy_model_hdr, schema_hash));
	if (hdr->crc32 != crc)
		return model_refuse(report, MLPROXY_REFUSED_CHECKSUM, hdr->crc32,
				    "damaged: checksum 0x%08x, but the header says 0x%08x",
				    crc, hdr->crc32);
	return 0;
}

static int verify_fields(const struct mlproxy_model_hdr *hdr, const struct mlp_limits *limits,
			 struct mlp_report *report)
{
	if (!all_zero(hdr->reserved, 4))
		return model_refuse(report, MLPROXY_REFUSED_RESERVED, 0,
				    "the header's reserved fields are not 0");
	if (!memchr(hdr->name, 0, sizeof(hdr->name)))
		return model_refuse(report, MLPROXY_REFUSED_NAME, 0,
				    "the model's name does not end within %zu bytes",
				    sizeof(hdr->name));
	if (hdr->schema_hash != limits->schema_hash)
		return model_refuse(report, MLPROXY_REFUSED_SCHEMA, hdr->schema_hash,
				    "made for schema 0x%016llx, the proxy has 0x%016llx: train it anew",
				    (unsigned long long)hdr->schema_hash,
				    (unsigned long long)limits->schema_hash);
	if (hdr->nr_outputs != limits->nr_actions || !hdr->nr_outputs ||
	    hdr->nr_outputs > MLPROXY_MAX_ACTIONS)
		return model_refuse(report, MLPROXY_REFUSED_SHAPE, hdr->nr_outputs,
				    "%u outputs, but the proxy has %u actions",
				    hdr->nr_outputs, limits->nr_actions);
	if (hdr->margin < 0)
		return model_refuse(report, MLPROXY_REFUSED_SCALE, (u32)hdr->margin,
				    "margin %d: must not be negative", hdr->margin);
	if (hdr->out_shift > MLPROXY_MODEL_MAX_SHIFT)
		return model_refuse(report, MLPROXY_REFUSED_SCALE, hdr->out_shift,
				    "output shift %u: must be at most %u",
				    hdr->out_shift, MLPROXY_MODEL_MAX_SHIFT);
	if (hdr->out_offset < -MLP_MAX_MAGNITUDE || hdr->out_offset > MLP_MAX_MAGNITUDE)
		return model_refuse(report, MLPROXY_REFUSED_SCALE, (u64)hdr->out_offset,
				    "output offset %lld: must be within -2^46 to 2^46",
				    (long long)hdr->out_offset);
	return 0;
}

int model_verify_header(const void *data, size_t len, u16 kind, const struct mlp_limits *limits,
			struct mlp_report *report)
{
	int err = verify_envelope(data, len, kind, report);

	return err ? err : verify_fields(data, limits, report);
}
