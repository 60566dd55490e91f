// SPDX-License-Identifier: GPL-2.0-only
/*
 * The C wrapper over libtorch. The only C++ file of the project, and one file on
 * purpose: torch's headers take most of a minute to compile. Every entry goes
 * through guarded(), which turns exceptions into error codes.
 */
#include <torch/torch.h>

#include <cerrno>
#include <cstdarg>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "mlproxy_torch.h"

struct mltorch_net {
	struct mltorch_options opt;
	int64_t epochs;
	torch::nn::Sequential seq{nullptr};
	std::vector<torch::nn::Linear> layers;
	std::unique_ptr<torch::optim::Adam> adam;
};

namespace {

thread_local char last_error[512];

struct refused {
	int err;
};

[[noreturn]] void refuse(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	throw refused{err};
}

template <typename F> int guarded(F f) noexcept
{
	try {
		f();
		return 0;
	} catch (const refused &r) {
		return r.err;
	} catch (const std::bad_alloc &) {
		snprintf(last_error, sizeof(last_error), "out of memory");
		return -ENOMEM;
	} catch (const c10::Error &e) {
		snprintf(last_error, sizeof(last_error), "libtorch: %s",
			 e.what_without_backtrace());
	} catch (const std::exception &e) {
		snprintf(last_error, sizeof(last_error), "libtorch: %s", e.what());
	} catch (...) {
		snprintf(last_error, sizeof(last_error), "libtorch: unknown exception");
	}
	return -EIO;
}

void check_options(const struct mltorch_options &o)
{
	if (o.nr_sizes < 2 || o.nr_sizes > MLTORCH_MAX_LAYERS + 1)
		refuse(-EINVAL, "a network of %u sizes: it takes 2 to %d", o.nr_sizes,
		       MLTORCH_MAX_LAYERS + 1);
	for (uint32_t i = 0; i < o.nr_sizes; i++)
		if (!o.sizes[i] || o.sizes[i] > 65536)
			refuse(-EINVAL, "a layer of width %u: it takes 1 to 65536", o.sizes[i]);
	if (!(o.lr > 0) || !std::isfinite(o.lr))
		refuse(-EINVAL, "a learning rate of %g: it takes a number above 0", o.lr);
	if (!(o.weight_decay >= 0) || !(o.huber_delta >= 0))
		refuse(-EINVAL, "weight decay and Huber delta can't be negative");
}

struct mltorch_net *build(const struct mltorch_options &o)
{
	auto net = std::make_unique<mltorch_net>();

	check_options(o);
	net->opt = o;
	net->epochs = 0;
	net->seq = torch::nn::Sequential();
	torch::manual_seed(o.seed);
	for (uint32_t i = 0; i + 1 < o.nr_sizes; i++) {
		auto linear = torch::nn::Linear(o.sizes[i], o.sizes[i + 1]);

		if (i)
			net->seq->push_back(torch::nn::ReLU());
		net->seq->push_back(linear);
		net->layers.push_back(linear);
	}
	net->adam = std::make_unique<torch::optim::Adam>(
		net->seq->parameters(),
		torch::optim::AdamOptions(o.lr).weight_decay(o.weight_decay));
	return net.release();
}

torch::Tensor floats(const float *data, std::initializer_list<int64_t> shape)
{
	/* from_blob() takes no const, and nothing here writes to it. */
	return torch::from_blob(const_cast<float *>(data), shape, torch::kFloat32);
}

struct tensors {
	torch::Tensor x, action, target, weight;
};

tensors wrap_rows(const mltorch_net *net, const struct mltorch_rows *r)
{
	uint32_t nr_out = net->opt.sizes[net->opt.nr_sizes - 1];
	int64_t n = r->n;
	tensors t;

	if (!r->n)
		refuse(-EINVAL, "no rows to learn from");
	for (size_t i = 0; i < r->n; i++)
		if (r->action[i] < 0 || (uint32_t)r->action[i] >= nr_out)
			refuse(-EINVAL, "row %zu has action %d of a network of %u outputs", i,
			       r->action[i], nr_out);
	t.x = floats(r->x, {n, net->opt.sizes[0]});
	t.action = torch::from_blob(const_cast<int32_t *>(r->action), {n}, torch::kInt32)
			   .to(torch::kInt64);
	t.target = floats(r->target, {n});
	t.weight = r->weight ? floats(r->weight, {n}) : torch::ones({n});
	return t;
}

/* Sum of the weighted losses of the actions taken. */
torch::Tensor loss_sum(mltorch_net *net, const tensors &t)
{
	auto out = net->seq->forward(t.x).gather(1, t.action.unsqueeze(1)).squeeze(1);
	auto err = out - t.target;
	double delta = net->opt.huber_delta;
	torch::Tensor loss;

	if (delta > 0) {
		auto abs = err.abs();
		auto quad = abs.clamp_max(delta);

		loss = 0.5 * quad * quad + delta * (abs - quad);
	} else {
		loss = 0.5 * err * err;
	}
	return (loss * t.weight).sum();
}

/* Return: sum of the losses; @wsum: sum of the weights. */
double step(mltorch_net *net, const tensors &t, double *wsum)
{
	double w = t.weight.sum().item<double>();
	double sum;

	if (!(w > 0))
		refuse(-EINVAL, "the weights of the rows add up to %g", w);
	net->adam->zero_grad();
	auto loss = loss_sum(net, t);

	sum = loss.item<double>();
	if (!std::isfinite(sum))
		refuse(-ERANGE,
		       "the loss is not finite: lower the learning rate, or look for a reward out of range");
	(loss / w).backward();
	net->adam->step();
	*wsum = w;
	return sum;
}

torch::Tensor shuffled(const mltorch_net *net, int64_t n)
{
	std::mt19937_64 rng(net->opt.seed * 0x9e3779b97f4a7c15ULL + net->epochs);
	auto perm = torch::empty({n}, torch::kInt64);
	auto p = perm.data_ptr<int64_t>();

	for (int64_t i = 0; i < n; i++)
		p[i] = i;
	for (int64_t i = n - 1; i > 0; i--)
		std::swap(p[i], p[rng() % (uint64_t)(i + 1)]);
	return perm;
}

void check_layer(const mltorch_net *net, uint32_t layer)
{
	if (layer >= net->layers.size())
		refuse(-EINVAL, "layer %u of a network of %zu", layer, net->layers.size());
}

} /* namespace */

int mltorch_create(struct mltorch_net **net, const struct mltorch_options *options)
{
	*net = nullptr;
	return guarded([&] { *net = build(*options); });
}

void mltorch_free(struct mltorch_net *net)
{
	guarded([&] { delete net; });
}

int mltorch_options(const struct mltorch_net *net, struct mltorch_options *options)
{
	*options = net->opt;
	return 0;
}

int mltorch_step(struct mltorch_net *net, const struct mltorch_rows *rows, double *loss)
{
	return guarded([&] {
		double w, sum = step(net, wrap_rows(net, rows), &w);

		if (loss)
			*loss = sum / w;
	});
}

int mltorch_epoch(struct mltorch_net *net, const struct mltorch_rows *rows, size_t batch,
		  double *loss)
{
	return guarded([&] {
		tensors all = wrap_rows(net, rows);
		int64_t n = rows->n, size = batch && batch < rows->n ? batch : rows->n;
		auto perm = shuffled(net, n);
		double sum = 0, wsum = 0, w;

		for (int64_t at = 0; at < n; at += size) {
			auto idx = perm.slice(0, at, std::min(at + size, n));
			tensors t{all.x.index_select(0, idx), all.action.index_select(0, idx),
				  all.target.index_select(0, idx),
				  all.weight.index_select(0, idx)};

			sum += step(net, t, &w);
			wsum += w;
		}
		net->epochs++;
		if (loss)
			*loss = sum / wsum;
	});
}

int mltorch_loss(struct mltorch_net *net, const struct mltorch_rows *rows, double *loss)
{
	return guarded([&] {
		torch::NoGradGuard no_grad;
		tensors t = wrap_rows(net, rows);

		*loss = loss_sum(net, t).item<double>() / t.weight.sum().item<double>();
	});
}

int mltorch_predict(struct mltorch_net *net, const float *x, size_t n, float *out)
{
	return guarded([&] {
		torch::NoGradGuard no_grad;
		const int64_t block = 65536;
		int64_t nr_in = net->opt.sizes[0], nr_out = net->opt.sizes[net->opt.nr_sizes - 1];

		for (int64_t at = 0; at < (int64_t)n; at += block) {
			int64_t rows = std::min(block, (int64_t)n - at);
			auto y = net->seq->forward(floats(x + at * nr_in, {rows, nr_in}))
					 .contiguous();

			memcpy(out + at * nr_out, y.data_ptr<float>(),
			       rows * nr_out * sizeof(float));
		}
	});
}

int mltorch_set_lr(struct mltorch_net *net, double lr)
{
	return guarded([&] {
		struct mltorch_options o = net->opt;

		o.lr = lr;
		check_options(o);
		net->opt = o;
		for (auto &group : net->adam->param_groups())
			static_cast<torch::optim::AdamOptions &>(group.options()).lr(lr);
	});
}

int mltorch_get_layer(const struct mltorch_net *net, uint32_t layer, float *weight, float *bias)
{
	return guarded([&] {
		check_layer(net, layer);
		auto w = net->layers[layer]->weight.detach().contiguous();
		auto b = net->layers[layer]->bias.detach().contiguous();

		memcpy(weight, w.data_ptr<float>(), w.numel() * sizeof(float));
		memcpy(bias, b.data_ptr<float>(), b.numel() * sizeof(float));
	});
}

int mltorch_set_layer(struct mltorch_net *net, uint32_t layer, const float *weight,
		      const float *bias)
{
	return guarded([&] {
		torch::NoGradGuard no_grad;

		check_layer(net, layer);
		int64_t in = net->opt.sizes[layer], out = net->opt.sizes[layer + 1];

		net->layers[layer]->weight.copy_(floats(weight, {out, in}));
		net->layers[layer]->bias.copy_(floats(bias, {out}));
	});
}

int mltorch_save(const struct mltorch_net *net, void **data, size_t *len)
{
	*data = nullptr;
	return guarded([&] {
		torch::serialize::OutputArchive archive, seq, adam;
		const struct mltorch_options &o = net->opt;
		auto sizes = torch::empty({(int64_t)o.nr_sizes}, torch::kInt64);
		std::ostringstream stream;

		for (uint32_t i = 0; i < o.nr_sizes; i++)
			sizes[i] = (int64_t)o.sizes[i];
		archive.write("sizes", sizes);
		archive.write("seed", torch::tensor((int64_t)o.seed, torch::kInt64));
		archive.write("epochs", torch::tensor(net->epochs, torch::kInt64));
		archive.write("rates", torch::tensor({o.lr, o.weight_decay, o.huber_delta},
						     torch::kFloat64));
		net->seq->save(seq);
		archive.write("net", seq);
		net->adam->save(adam);
		archive.write("adam", adam);
		archive.save_to(stream);
		std::string s = stream.str();

		*data = malloc(s.size());
		if (!*data)
			throw std::bad_alloc();
		memcpy(*data, s.data(), s.size());
		*len = s.size();
	});
}

int mltorch_load(struct mltorch_net **net, const void *data, size_t len)
{
	*net = nullptr;
	return guarded([&] {
		torch::serialize::InputArchive archive, seq, adam;
		torch::Tensor sizes, seed, epochs, rates;
		struct mltorch_options o = {};

		archive.load_from((const char *)data, len);
		archive.read("sizes", sizes);
		archive.read("seed", seed);
		archive.read("epochs", epochs);
		archive.read("rates", rates);
		if (sizes.numel() < 2 || sizes.numel() > MLTORCH_MAX_LAYERS + 1 ||
		    rates.numel() != 3)
			refuse(-EBADMSG, "the network's state is damaged");
		o.nr_sizes = sizes.numel();
		for (uint32_t i = 0; i < o.nr_sizes; i++)
			o.sizes[i] = sizes[i].item<int64_t>();
		o.seed = seed.item<int64_t>();
		o.lr = rates[0].item<double>();
		o.weight_decay = rates[1].item<double>();
		o.huber_delta = rates[2].item<double>();
		std::unique_ptr<mltorch_net> n(build(o));

		n->epochs = epochs.item<int64_t>();
		archive.read("net", seq);
		n->seq->load(seq);
		archive.read("adam", adam);
		n->adam->load(adam);
		*net = n.release();
	});
}

int mltorch_set_threads(int nr)
{
	return guarded([&] {
		if (nr < 1)
			refuse(-EINVAL, "%d threads", nr);
		at::set_num_threads(nr);
	});
}

const char *mltorch_last_error(void)
{
	return last_error;
}
