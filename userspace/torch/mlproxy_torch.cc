// SPDX-License-Identifier: GPL-2.0-only
/*
 * The C wrapper over libtorch. The only C++ file of the project, and one file on
 * purpose: torch's headers take most of a minute to compile. Every entry goes
 * through guarded(), which turns exceptions into error codes.
 */
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/script.h>
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

/* One linear layer of a TorchScript module. */
struct linear {
	torch::Tensor w, b;
};

using torch::jit::Value;

/* The constants of a frozen graph, and the value that runs through the layers. */
struct chain_reader {
	std::unordered_map<const Value *, torch::jit::IValue> constant;
	const Value *current;
	std::vector<linear> layers;
	bool relu = false;

	torch::Tensor tensor(const Value *v, int64_t dim)
	{
		auto it = constant.find(v);

		if (it == constant.end() || !it->second.isTensor())
			refuse(-EBADMSG, "the module computes a weight: only stored ones are understood");
		auto t = it->second.toTensor();
		if (t.dim() != dim || t.scalar_type() != torch::kFloat32)
			refuse(-EBADMSG, "a weight is not a float32 %s",
			       dim == 2 ? "matrix" : "vector");
		return t.detach().contiguous().cpu();
	}

	void add(const Value *in, torch::Tensor w, const Value *bias, const Value *out)
	{
		bool none = constant.count(bias) && constant.at(bias).isNone();

		follow(in, out);
		if (!layers.empty() && !relu)
			refuse(-EBADMSG, "two linear layers without a ReLU between them");
		layers.push_back({w, none ? torch::zeros({w.size(0)}) : tensor(bias, 1)});
		relu = false;
	}

	/* The chain has no branches: each operation takes what the last one gave. */
	void follow(const Value *in, const Value *out)
	{
		if (in != current)
			refuse(-EBADMSG, "the module is not a plain chain of layers");
		current = out;
	}

	void read(const torch::jit::Node *n);
};

void chain_reader::read(const torch::jit::Node *n)
{
	std::string op = n->kind().toQualString();

	if (op == "prim::Constant") {
		constant[n->output()] = torch::jit::toIValue(n->output()).value_or(
			torch::jit::IValue());
	} else if (op == "aten::linear") {
		add(n->input(0), tensor(n->input(1), 2), n->input(2), n->output());
	} else if (op == "aten::addmm") {
		/* bias, input, the transposed weight */
		add(n->input(1), tensor(n->input(2), 2).t().contiguous(), n->input(0),
		    n->output());
	} else if (op == "aten::t" && constant.count(n->input(0))) {
		constant[n->output()] = tensor(n->input(0), 2).t();
	} else if (op == "aten::relu" || op == "aten::relu_") {
		follow(n->input(0), n->output());
		if (layers.empty())
			refuse(-EBADMSG, "a ReLU before the first linear layer");
		relu = true;
	} else if (op == "aten::dropout" || op == "aten::dropout_" || op == "aten::detach") {
		follow(n->input(0), n->output());
	} else {
		refuse(-EBADMSG, "operation %s is not understood: a chain of Linear and ReLU is",
		       op.c_str());
	}
}

/* What was read must do what the module does. */
void check_chain(torch::jit::Module &m, const std::vector<linear> &layers)
{
	torch::NoGradGuard no_grad;
	auto gen = at::make_generator<at::CPUGeneratorImpl>(1);
	auto x = torch::randn({64, layers[0].w.size(1)}, gen) * 10;
	auto want = m.forward({x}).toTensor(), y = x;

	for (size_t i = 0; i < layers.size(); i++) {
		if (i)
			y = torch::relu(y);
		y = torch::linear(y, layers[i].w, layers[i].b);
	}
	if (want.sizes() != y.sizes() || !torch::allclose(want, y, 1e-4, 1e-4))
		refuse(-EBADMSG, "the layers that were read don't compute what the module does");
}

std::vector<linear> read_chain(torch::jit::Module m)
{
	chain_reader r;

	m.eval();
	auto frozen = torch::jit::freeze_module(m);
	auto graph = frozen.get_method("forward").graph();

	if (graph->inputs().size() != 2 || graph->outputs().size() != 1)
		refuse(-EBADMSG, "forward() must take one tensor and give one");
	r.current = graph->inputs()[1];
	for (auto n : graph->nodes())
		r.read(n);
	if (graph->outputs()[0] != r.current || r.layers.empty())
		refuse(-EBADMSG, "the module is not a plain chain of layers");
	if (r.relu)
		refuse(-EBADMSG, "the last layer ends in a ReLU: scores may be negative");
	if (r.layers.size() > MLTORCH_MAX_LAYERS)
		refuse(-EBADMSG, "%zu linear layers: at most %d", r.layers.size(),
		       MLTORCH_MAX_LAYERS);
	for (size_t i = 0; i < r.layers.size(); i++)
		if (r.layers[i].w.size(0) != r.layers[i].b.size(0) || r.layers[i].w.numel() == 0 ||
		    (i && r.layers[i].w.size(1) != r.layers[i - 1].w.size(0)))
			refuse(-EBADMSG, "layer %zu does not fit the one before", i);
	check_chain(m, r.layers);
	return r.layers;
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

int mltorch_import(const char *path, struct mltorch_chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	return guarded([&] {
		FILE *f = fopen(path, "re");
		size_t room = 0;

		if (!f)
			refuse(-errno, "can't read %s: %s", path, strerror(errno));
		fclose(f);
		auto layers = read_chain(torch::jit::load(path, torch::kCPU));

		for (auto &l : layers)
			room += l.w.numel() + l.b.numel();
		float *at = (float *)malloc(room * sizeof(float));

		if (!at)
			throw std::bad_alloc();
		chain->nr_layers = layers.size();
		chain->sizes[0] = layers[0].w.size(1);
		for (size_t i = 0; i < layers.size(); i++) {
			size_t nr_w = layers[i].w.numel(), nr_b = layers[i].b.numel();

			chain->sizes[i + 1] = nr_b;
			chain->weight[i] = at;
			chain->bias[i] = at + nr_w;
			memcpy(at, layers[i].w.data_ptr<float>(), nr_w * sizeof(float));
			memcpy(at + nr_w, layers[i].b.data_ptr<float>(), nr_b * sizeof(float));
			at += nr_w + nr_b;
		}
	});
}

void mltorch_chain_free(struct mltorch_chain *chain)
{
	free(chain->weight[0]);
	memset(chain, 0, sizeof(*chain));
}

int mltorch_export(const struct mltorch_net *net, const char *path)
{
	return guarded([&] {
		torch::jit::Module m("mlproxy");
		std::string body = "def forward(self, x):\n";

		for (size_t i = 0; i < net->layers.size(); i++) {
			std::string n = std::to_string(i);

			m.register_parameter("w" + n, net->layers[i]->weight.detach().clone(), false);
			m.register_parameter("b" + n, net->layers[i]->bias.detach().clone(), false);
			body += "    x = torch.linear(" + std::string(i ? "torch.relu(x)" : "x") +
				", self.w" + n + ", self.b" + n + ")\n";
		}
		m.define(body + "    return x\n");
		m.save(path);
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
