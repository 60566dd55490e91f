// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quantisation: int8 weights with one scale a layer, int32 biases, requantisation
 * by a multiplier and a shift between the layers (Jacob et al., "Quantization and
 * Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
 * CVPR 2018). The inputs are int8 in training already, so they cost nothing.
 *
 * With one scale a layer, a unit of large weights takes the resolution of the
 * others. A ReLU unit can be scaled down before it and up behind it without a
 * change of the function; that evens the ranges out (Nagel et al., "Data-Free
 * Quantization Through Weight Equalization and Bias Correction", ICCV 2019). Each
 * variant, with a few clips of the activations, is tried on the calibration rows,
 * and the one with the least error of the scores is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mlp_build.h"
#include "train_priv.h"

#define CALIBRATION_ROWS	4000
#define MAX_W			MLPROXY_MODEL_MAX_WIDTH

/* A network in float, to be changed. */
struct fnet {
	uint32_t nr;
	struct mltrain_layer layer[MLTORCH_MAX_LAYERS];
};

/* One layer in fixed point. */
struct qlayer {
	int8_t *w;
	int32_t *b;
	int32_t mul;
	uint32_t shift;
};

static int copy_net(struct fnet *n, const struct mltrain_model *m)
{
	uint32_t sizes[MLTORCH_MAX_LAYERS + 1], l;

	n->nr = m->nr_layers;
	sizes[0] = m->layers[0].in;
	for (l = 0; l < n->nr; l++)
		sizes[l + 1] = m->layers[l].out;
	if (mltrain_layers_alloc(n->layer, n->nr, sizes))
		return -ENOMEM;
	for (l = 0; l < n->nr; l++) {
		memcpy(n->layer[l].w, m->layers[l].w,
		       sizeof(float) * sizes[l] * sizes[l + 1]);
		memcpy(n->layer[l].b, m->layers[l].b, sizeof(float) * sizes[l + 1]);
	}
	return 0;
}

static float largest_in(const struct mltrain_layer *f, uint32_t o)
{
	float m = 0;
	uint32_t i;

	for (i = 0; i < f->in; i++)
		m = fmaxf(m, fabsf(f->w[(size_t)o * f->in + i]));
	return m;
}

static float largest_out(const struct mltrain_layer *f, uint32_t i)
{
	float m = 0;
	uint32_t o;

	for (o = 0; o < f->out; o++)
		m = fmaxf(m, fabsf(f->w[(size_t)o * f->in + i]));
	return m;
}

/* Scale the units between two layers so that their weights have like ranges. */
static void equalise(struct fnet *n)
{
	uint32_t l, u, i;

	for (l = 0; l + 1 < n->nr; l++) {
		struct mltrain_layer *f = &n->layer[l], *g = &n->layer[l + 1];

		for (u = 0; u < f->out; u++) {
			float r1 = largest_in(f, u), r2 = largest_out(g, u), s;

			if (r1 < 1e-9F || r2 < 1e-9F)
				continue;
			s = sqrtf(r1 / r2);
			for (i = 0; i < f->in; i++)
				f->w[(size_t)u * f->in + i] /= s;
			f->b[u] /= s;
			for (i = 0; i < g->out; i++)
				g->w[(size_t)i * g->in + u] *= s;
		}
	}
}

static int by_float(const void *pa, const void *pb)
{
	float a = *(const float *)pa, b = *(const float *)pb;

	return a < b ? -1 : a > b;
}

/*
 * Ranges of the hidden activations: range[l] is the quantile @q of what layer @l
 * gives that is not 0, over the calibration rows.
 */
static int activation_ranges(const struct fnet *n, const float *x, size_t rows, double q,
			     float *range)
{
	float *act[MLTORCH_MAX_LAYERS] = { NULL };
	size_t nr[MLTORCH_MAX_LAYERS] = { 0 }, i;
	float buf[2][MAX_W];
	uint32_t l, o;
	int err = 0;

	for (l = 0; l + 1 < n->nr; l++) {
		act[l] = malloc(rows * n->layer[l].out * sizeof(float));
		if (!act[l])
			err = mltrain_fail(-ENOMEM, "no memory to calibrate on %zu rows", rows);
	}
	for (i = 0; !err && i < rows; i++) {
		memcpy(buf[0], x + i * n->layer[0].in, n->layer[0].in * sizeof(float));
		for (l = 0; l + 1 < n->nr; l++) {
			mltrain_layer_run(&n->layer[l], buf[l % 2], buf[!(l % 2)], true);
			for (o = 0; o < n->layer[l].out; o++)
				if (buf[!(l % 2)][o] > 0)
					act[l][nr[l]++] = buf[!(l % 2)][o];
		}
	}
	for (l = 0; !err && l + 1 < n->nr; l++) {
		qsort(act[l], nr[l], sizeof(float), by_float);
		range[l] = nr[l] ? act[l][(size_t)(q * (nr[l] - 1))] : 1;
		if (!(range[l] > 1e-9F))
			range[l] = 1;
	}
	for (l = 0; l + 1 < n->nr; l++)
		free(act[l]);
	return err;
}

/* @ratio as mul / 2^shift with 31 bits of mul, or fewer at the largest shift. */
int mltrain_scale_of(double ratio, int32_t *mul, uint32_t *shift)
{
	double v = fabs(ratio);

	*shift = 0;
	if (!(v < 2147483647.0))
		return mltrain_fail(-ERANGE, "a scale of %g can't be expressed", ratio);
	while (*shift < MLPROXY_MODEL_MAX_SHIFT && v * 2 < 2147483647.0) {
		v *= 2;
		(*shift)++;
	}
	*mul = lround(v) * (ratio < 0 ? -1 : 1);
	return 0;
}

static int32_t to_s32(double v)
{
	/* Half of the range is left to the products; see the verifier. */
	return v > 1073741824.0 ? 1073741824 : v < -1073741824.0 ? -1073741824 : lround(v);
}

/* Return: scale of an accumulator: the value of 1. */
static double quantise_layer(const struct mltrain_layer *f, double in_scale, struct qlayer *q)
{
	double largest = 0, scale;
	uint32_t i;

	for (i = 0; i < f->in * f->out; i++)
		largest = fmax(largest, fabsf(f->w[i]));
	scale = largest > 0 ? largest / 127 : 1.0 / 127;
	for (i = 0; i < f->in * f->out; i++)
		q->w[i] = lround(f->w[i] / scale);
	for (i = 0; i < f->out; i++)
		q->b[i] = to_s32(f->b[i] / (scale * in_scale));
	return scale * in_scale;
}

/* Everything that one variant is built from. */
struct job {
	const struct mltrain_model *m;
	const struct mlds_data *data;
	struct mltrain_rows rows;	/* of the calibration */
	float *x;			/* their inputs */
	float *scores;			/* float scores */
	struct mlp_limits limits;
};

/* A finished variant. */
struct variant {
	void *file;
	size_t len;
	double rmse;		/* in score units */
	double agreement;
	double score_scale;	/* of an accumulator of the last layer */
};

static double float_score(const struct job *j, size_t i, uint32_t a)
{
	return j->scores[i * j->data->nr_actions + a];
}

static const int64_t *row_features(const struct job *j, size_t i)
{
	return j->data->features + (size_t)j->rows.row[i] * j->data->nr_features;
}

void mltrain_compare(const struct mltrain_model *m, const struct mlds_data *data,
		     const struct mltrain_rows *rows, const float *scores,
		     const struct model *fixed, double score_scale, double *rmse,
		     double *agreement)
{
	int32_t out[MLPROXY_MAX_ACTIONS];
	size_t i, nr = 0, same = 0;
	double sum2 = 0;
	uint32_t a;

	for (i = 0; i < rows->n; i++, scores += data->nr_actions) {
		uint32_t row = rows->row[i];
		uint32_t base = data->baseline[row], allowed = data->allowed[row];

		model_eval(fixed, data->features + (size_t)row * data->nr_features, out);
		for (a = 0; a < data->nr_actions; a++) {
			double d = out[a] * score_scale - scores[a];

			if (!(m->active >> a & 1))
				continue;
			sum2 += d * d;
			nr++;
		}
		same += model_choose(fixed, out, base, allowed) ==
			mltrain_choose(m, scores, m->margin, base, allowed);
	}
	*rmse = nr ? sqrt(sum2 / nr) : 0;
	*agreement = rows->n ? (double)same / rows->n : 1;
}

static void measure(const struct job *j, const struct model *fixed, struct variant *v)
{
	mltrain_compare(j->m, j->data, &j->rows, j->scores, fixed, v->score_scale, &v->rmse,
			&v->agreement);
}

/* Take the mean error of each score off its bias. */
static void correct_bias(const struct job *j, const struct model *fixed, double scale,
			 int32_t *bias)
{
	double sum[MLPROXY_MAX_ACTIONS] = { 0 };
	int32_t out[MLPROXY_MAX_ACTIONS];
	uint32_t a;
	size_t i;

	for (i = 0; i < j->rows.n; i++) {
		model_eval(fixed, row_features(j, i), out);
		for (a = 0; a < j->data->nr_actions; a++)
			sum[a] += float_score(j, i, a) / scale - out[a];
	}
	for (a = 0; j->rows.n && a < j->data->nr_actions; a++)
		if (j->m->active >> a & 1)
			bias[a] = to_s32(bias[a] + sum[a] / j->rows.n);
}

static int verify(const struct job *j, const struct variant *v, struct model *fixed)
{
	struct mlp_report report;

	if (model_verify(v->file, v->len, &j->limits, fixed, &report))
		return mltrain_fail(-EBADMSG, "the quantised model is refused: %s", report.text);
	return 0;
}

static int build(const struct job *j, const struct fnet *n, const struct qlayer *q,
		 struct variant *v)
{
	const struct mltrain_model *m = j->m;
	struct mlp_spec_layer layers[MLTORCH_MAX_LAYERS] = { 0 };
	struct mlp_spec spec = {
		.schema_hash = m->schema.schema.schema_hash,
		.trained_ns = m->trained_ns,
		.name = m->name,
		.nr_inputs = m->nr_inputs,
		.inputs = m->inputs,
		.nr_layers = n->nr,
		.layers = layers,
	};
	double sign = mltrain_sign(&m->schema);
	uint32_t l;
	int err;

	spec.margin = fmin(m->margin / v->score_scale, 1 << 30);
	spec.out_offset = llround(m->reward_mean);
	err = mltrain_scale_of(sign * v->score_scale * m->reward_scale, &spec.out_mul, &spec.out_shift);
	if (err)
		return err;
	for (l = 0; l < n->nr; l++) {
		layers[l] = (struct mlp_spec_layer){
			.nr_in = n->layer[l].in,
			.nr_out = n->layer[l].out,
			.flags = l + 1 < n->nr ? MLPROXY_LAYER_RELU : 0,
			.mul = q[l].mul,
			.shift = q[l].shift,
			.bias = q[l].b,
			.weights = q[l].w,
		};
	}
	free(v->file);
	v->file = NULL;
	err = mlp_build(&spec, &v->file, &v->len);
	return err ? mltrain_fail(err, "can't build the model file: %s", strerror(-err)) : 0;
}

static int quantise_net(const struct job *j, const struct fnet *n, const float *range,
			struct qlayer *q, struct variant *v)
{
	double in_scale = 1.0 / 127, acc_scale = 1;
	struct model fixed;
	uint32_t l;
	int err;

	for (l = 0; l < n->nr; l++) {
		acc_scale = quantise_layer(&n->layer[l], in_scale, &q[l]);
		if (l + 1 == n->nr)
			break;
		in_scale = range[l] / 127;
		err = mltrain_scale_of(acc_scale / in_scale, &q[l].mul, &q[l].shift);
		if (err)
			return err;
	}
	v->score_scale = acc_scale;
	err = build(j, n, q, v);
	err = err ?: verify(j, v, &fixed);
	if (err)
		return err;
	correct_bias(j, &fixed, acc_scale, q[l].b);
	err = build(j, n, q, v);
	err = err ?: verify(j, v, &fixed);
	if (!err)
		measure(j, &fixed, v);
	return err;
}

static int try_variant(const struct job *j, const struct fnet *n, double clip,
		       struct variant *best)
{
	struct qlayer q[MLTORCH_MAX_LAYERS] = { 0 };
	float range[MLTORCH_MAX_LAYERS];
	struct variant v = { 0 };
	uint32_t l;
	int err = 0;

	for (l = 0; l < n->nr; l++) {
		q[l].w = malloc((size_t)n->layer[l].in * n->layer[l].out);
		q[l].b = malloc(n->layer[l].out * sizeof(int32_t));
		if (!q[l].w || !q[l].b)
			err = mltrain_fail(-ENOMEM, "no memory for the weights");
	}
	err = err ?: activation_ranges(n, j->x, j->rows.n, clip, range);
	err = err ?: quantise_net(j, n, range, q, &v);
	if (!err && (!best->file || v.rmse < best->rmse)) {
		free(best->file);
		*best = v;
	} else {
		free(v.file);
	}
	for (l = 0; l < n->nr; l++) {
		free(q[l].w);
		free(q[l].b);
	}
	return err;
}

int mltrain_thin(const struct mltrain_rows *from, struct mltrain_rows *rows)
{
	size_t n = from->n < CALIBRATION_ROWS ? from->n : CALIBRATION_ROWS, i;

	if (!n)
		return mltrain_fail(-ENODATA, "no rows to calibrate the quantisation on");
	rows->row = malloc(n * sizeof(*rows->row));
	if (!rows->row)
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", n);
	for (i = 0; i < n; i++)
		rows->row[i] = from->row[i * from->n / n];
	rows->n = n;
	return 0;
}

static int prepare(struct job *j, const struct mltrain_model *m, const struct mlds_data *data,
		   const struct mltrain_rows *rows)
{
	const struct mlproxy_schema *s = &m->schema.schema;
	int err;

	memset(j, 0, sizeof(*j));
	j->m = m;
	j->data = data;
	j->limits = (struct mlp_limits){ s->schema_hash, s->nr_features, s->nr_actions,
					 s->max_macs };
	err = mltrain_thin(rows, &j->rows);
	if (err)
		return err;
	j->x = mltrain_inputs(m->inputs, m->nr_inputs, data, &j->rows);
	j->scores = malloc(j->rows.n * data->nr_actions * sizeof(*j->scores));
	if (!j->x || !j->scores)
		return mltrain_fail(-ENOMEM, "no memory for %zu rows", j->rows.n);
	return mltrain_predict(m, data, &j->rows, j->scores);
}

static int try_all(const struct job *j, struct variant *best)
{
	static const double clips[] = { 1, 0.9995, 0.995 };
	struct fnet n;
	uint32_t eq, i;
	int err;

	err = copy_net(&n, j->m);
	if (err)
		return err;
	for (eq = 0; !err && eq < 2; eq++) {
		if (eq)
			equalise(&n);
		for (i = 0; !err && i < sizeof(clips) / sizeof(clips[0]); i++)
			err = try_variant(j, &n, clips[i], best);
	}
	mltrain_layers_free(n.layer, n.nr);
	return err;
}

static int quantise_network(const struct mltrain_model *model, const struct mlds_data *data,
			    const struct mltrain_rows *rows, void **file, size_t *len,
			    struct mltrain_quant_report *report)
{
	struct variant best = { 0 };
	struct model fixed;
	struct job j;
	int err;

	err = prepare(&j, model, data, rows);
	err = err ?: try_all(&j, &best);
	err = err ?: verify(&j, &best, &fixed);
	if (!err) {
		report->rows = j.rows.n;
		report->rmse = best.rmse;
		report->rmse_reward = best.rmse * model->reward_scale;
		report->agreement = best.agreement;
		report->macs = model_cost(&fixed);
		report->bytes = best.len;
		report->margin = fixed.hdr->margin;
		*file = best.file;
		*len = best.len;
	} else {
		free(best.file);
	}
	mltrain_rows_free(&j.rows);
	free(j.x);
	free(j.scores);
	return err;
}

int mltrain_quantise(const struct mltrain_model *m, const struct mlds_data *data,
		     const struct mltrain_rows *rows, void **file, size_t *len,
		     struct mltrain_quant_report *report)
{
	uint64_t hash = m->schema.schema.schema_hash;

	*file = NULL;
	memset(report, 0, sizeof(*report));
	if (data->schema.schema.schema_hash != hash)
		return mltrain_fail(-EBADMSG,
				    "the model is of proxy %s, schema %016llx; the data set is of %s, %016llx",
				    m->schema.proxy, (unsigned long long)hash, data->schema.proxy,
				    (unsigned long long)data->schema.schema.schema_hash);
	if (m->kind == MLPROXY_MODEL_KIND_TREES)
		return mltrain_quantise_trees(m, data, rows, file, len, report);
	return quantise_network(m, data, rows, file, len, report);
}

int mltrain_open_fixed(const char *path, const struct mlds_schema *schema, void **file,
		       struct model *fixed)
{
	const struct mlproxy_schema *s = &schema->schema;
	struct mlp_limits limits = { s->schema_hash, s->nr_features, s->nr_actions,
				     s->max_macs };
	struct mlp_report report;
	FILE *f = fopen(path, "re");
	size_t len;
	int err = 0;

	*file = NULL;
	if (!f)
		return mltrain_fail(-errno, "can't read %s: %s", path, strerror(errno));
	*file = malloc(MLPROXY_MODEL_MAX_BYTES + 1);
	if (!*file) {
		fclose(f);
		return mltrain_fail(-ENOMEM, "no memory for %s", path);
	}
	len = fread(*file, 1, MLPROXY_MODEL_MAX_BYTES + 1, f);
	if (ferror(f))
		err = mltrain_fail(-EIO, "can't read %s", path);
	else if (model_verify(*file, len, &limits, fixed, &report))
		err = mltrain_fail(-EBADMSG, "%s is refused: %s", path, report.text);
	fclose(f);
	if (err) {
		free(*file);
		*file = NULL;
	}
	return err;
}
