// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances of a proxy: each has a mode, evidence, parameters and agents of its own; they
 * share models and readers; what is ordered of the proxy is ordered of all.
 *
 * guest-test: timeout=600
 */
#include "util_mode.h"

#define GOOD	1
#define HOUR_NS	3600000000000
#define HOUR_MS	3600000

static int all, a, b;	/* sessions */
static uint32_t nr_a, nr_b;

static struct mlproxy_bind bound(int fd, const char *name, uint32_t instance)
{
	struct mlproxy_bind cmd = { .size = sizeof(cmd), .instance = instance };

	snprintf(cmd.name, sizeof(cmd.name), "%s", name);
	ASSERT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), 0);
	return cmd;
}

/* Running, in a world where action 1 is the best; emergencies end when the test says so. */
static void begin(void)
{
	synth_reload_with("instances=a,b");
	all = dev_open(O_RDWR);
	a = dev_open(O_RDWR);
	b = dev_open(O_RDWR);
	EXPECT_EQ(bound(all, "synth", 0).instance, 0);
	nr_a = bound(a, "synth:a", 0).instance;
	nr_b = bound(b, "synth:b", 0).instance;
	synth_calm();
	synth_set("shift", 1);
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_HOLD_NS, 0, HOUR_NS), 0);
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_LATENCY_NS, 0, 0), 0);
	ASSERT_RET(dev_control(all, MLPROXY_CTL_START), 0);
}

static struct mlproxy_list list(struct mlproxy_list_entry *entries, uint32_t room)
{
	struct mlproxy_list cmd = {
		.size = sizeof(cmd), .entries = (uintptr_t)entries, .count = room,
		.entry_size = sizeof(*entries),
	};

	ASSERT_RET(xioctl(all, MLPROXY_IOC_LIST, &cmd), 0);
	return cmd;
}

/* The index of an entry, which ASSERTs that it is there. */
static unsigned int entry_of(const struct mlproxy_list_entry *entries, unsigned int nr,
			     const char *name)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(entries[i].name, name))
			return i;
	ktap_fail("no entry %s", name);
	_exit(ktap_status());
}

static void listed_and_bound(void)
{
	struct mlproxy_list_entry e[64], *whole;
	struct mlproxy_bind cmd = { .size = sizeof(cmd), .name = "synth:a", .instance = 1 };
	struct mlproxy_list l;
	int fd;

	begin();
	EXPECT(nr_a > 0 && nr_b > nr_a);
	l = list(e, ARRAY_SIZE(e));
	whole = &e[entry_of(e, l.count, "synth")];
	EXPECT_EQ(whole->class_id, 0);
	EXPECT_EQ(whole->instance, 0);
	EXPECT_EQ(whole->nr_instances, 2);
	ASSERT_EQ(whole + 1 - e, entry_of(e, l.count, "synth:a"));
	ASSERT_EQ(whole + 2 - e, entry_of(e, l.count, "synth:b"));
	EXPECT_EQ(whole[1].class_id, whole->id);
	EXPECT_EQ(whole[1].instance, nr_a);
	EXPECT_EQ(whole[2].instance, nr_b);
	EXPECT_EQ(whole[2].nr_instances, 0);
	EXPECT(whole[1].id != whole->id && whole[2].id != whole->id);
	EXPECT_EQ(whole[2].state, MLPROXY_STATE_RUNNING);

	fd = dev_open(O_RDWR);
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), -EINVAL);
	cmd.instance = 0;
	strcpy(cmd.name, "synth:c");
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), -ENOENT);
	strcpy(cmd.name, "synth");
	cmd.instance = nr_b + 1;
	EXPECT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), -ENOENT);
	EXPECT_EQ(bound(fd, "synth", nr_b).id, whole[2].id);
}

static void names_are_checked(void)
{
	begin();
	EXPECT_RET(synth_order("add", "a"), -EEXIST);
	EXPECT_RET(synth_order("add", "no:colon"), -EINVAL);
	EXPECT_RET(synth_order("add", "\n"), -EINVAL);
	/* "synth:" takes 6 of 31. */
	EXPECT_RET(synth_order("add", "abcdefghijklmnopqrstuvwxyz"), -EINVAL);
	EXPECT_RET(synth_order("add", "abcdefghijklmnopqrstuvwxy"), 0);
	EXPECT_EQ(dev_state(all, "synth:abcdefghijklmnopqrstuvwxy"), MLPROXY_STATE_RUNNING);
}

/* One model, good for one device and bad for the other. */
static void opposite_truths(void)
{
	uint32_t version;

	begin();
	ASSERT_RET(synth_order("affected", "b"), 0);
	synth_set("penalty", 400);
	/* that much may be taken for a drop, once in many stretches */
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_DROP_Q16, 0, 4 << 16), 0);
	version = synth_model(all, GOOD);
	run_until(a, RECOMMENDATION, 400000);
	EXPECT_EQ(transitions[0].to, RECOMMENDATION);
	EXPECT_EQ(transitions[0].instance, nr_a);
	EXPECT(transitions[0].evidence.low_q16 > 0);
	EXPECT_EQ(evidence_version(a), version);
	EXPECT_EQ(efficiency(b).mode, LEARNING);
	EXPECT_EQ(evidence_version(b), version);
	EXPECT(efficiency(b).evidence.high_q16 < 0);
	/* What is told of all is of the one that has come least far. */
	EXPECT_EQ(mode_get(all).mode, LEARNING);
	EXPECT_EQ(mode_get(all).instance, nr_b);
	EXPECT_EQ(efficiency(all).instance, nr_b);
	EXPECT_EQ(mode_get(a).instance, nr_a);
}

/* Another model has to earn its mode in each. */
static void model_is_of_all(void)
{
	struct mlproxy_rec_change rec[4];
	struct mlproxy_ring_setup setup;
	uint32_t version;

	begin();
	synth_model(a, GOOD);
	run_until(a, RECOMMENDATION, 400000);
	run_until(b, RECOMMENDATION, 400000);
	ASSERT_RET(ring_setup(b, 4096, 0, 0, MLPROXY_REC_MASK(MLPROXY_REC_MODEL), &setup), 0);
	version = synth_model(a, GOOD);
	EXPECT_EQ(mode_get(a).mode, LEARNING);
	EXPECT_EQ(mode_get(b).mode, LEARNING);
	EXPECT_EQ(mode_get(b).reason, MLPROXY_REASON_NEW_MODEL);
	ASSERT_EQ(read(b, rec, sizeof(rec)), sizeof(rec[0]));
	EXPECT_EQ(rec[0].to, version);
	EXPECT_EQ(rec[0].instance, 0);
	run_until(b, RECOMMENDATION, 400000);
	EXPECT_EQ(evidence_version(b), version);
	/* One that comes later begins at the bottom, with this model. */
	ASSERT_RET(synth_order("add", "c"), 0);
	close(a);
	a = dev_bound("synth:c");
	EXPECT_EQ(mode_get(a).mode, LEARNING);
	run_until(a, RECOMMENDATION, 400000);
	EXPECT_EQ(evidence_version(a), version);
}

static void recommendations_are_of_all(void)
{
	struct mlproxy_stats stats;
	struct recs recs;
	unsigned int key;

	begin();
	synth_set("keys", 4);
	ASSERT_RET(recs_map(a, 8, &recs), 0);
	for (key = 0; key < 4; key++)
		ASSERT_RET(recommend(a, &recs, key, GOOD, HOUR_MS), 0);
	run_until(b, COLLABORATION, 400000);
	dev_stats(b, &stats);
	EXPECT(stats.rec_hits > 0);
	EXPECT_EQ(stats.rec_accepted, 4);
	EXPECT_EQ(evidence_version(b), 7);
}

/* ------------------------------------------------------------------ */
/* Readers                                                             */

/* What an instance does not hear any more is missed, though others go on deciding. */
static void recommendations_run_out(void)
{
	struct recs recs;
	unsigned int key;

	begin();
	synth_set("keys", 16);
	ASSERT_RET(synth_order("on", "a"), 0);
	ASSERT_RET(recs_map(all, 64, &recs), 0);
	for (key = 0; key < 16; key++)
		ASSERT_RET(recommend(all, &recs, key, 1, 3600000), 0);
	run_until(a, COLLABORATION, 20000);
	for (key = 0; key < 16; key++)
		ASSERT_RET(recommend(all, &recs, key, 1, 1), 0);
	sleep_ms(5);
	run_until(a, LEARNING, 2048);
	expect_transition(a, COLLABORATION, LEARNING, NO_MODEL);
}

struct seen {
	unsigned int decisions[8];	/* by instance */
	unsigned int feedbacks[8];
	unsigned int snapshots[8];
	uint64_t ids[256];
	unsigned int nr_ids;
};

static void see(const struct mlproxy_rec_hdr *hdr, struct seen *seen)
{
	const void *rec = hdr;
	const struct mlproxy_rec_decision *d = rec;
	const struct mlproxy_rec_feedback *f = rec;
	const struct mlproxy_rec_event *e = rec;
	unsigned int i;

	switch (hdr->type) {
	case MLPROXY_REC_DECISION:
		ASSERT(d->instance < 8 && seen->nr_ids < ARRAY_SIZE(seen->ids));
		seen->decisions[d->instance]++;
		for (i = 0; i < seen->nr_ids; i++)
			EXPECT(seen->ids[i] != d->id);
		seen->ids[seen->nr_ids++] = d->id;
		break;
	case MLPROXY_REC_FEEDBACK:
		ASSERT(f->instance < 8);
		seen->feedbacks[f->instance]++;
		break;
	case MLPROXY_REC_EVENT:
		ASSERT(e->instance < 8);
		seen->snapshots[e->instance]++;
		break;
	}
}

static struct seen read_all(int fd)
{
	static uint64_t buf[8192];
	struct seen seen = {};
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		char *at = (char *)buf;

		for (; at < (char *)buf + n; at += ((struct mlproxy_rec_hdr *)at)->len)
			see((struct mlproxy_rec_hdr *)at, &seen);
	}
	return seen;
}

static void setup_readers(void)
{
	struct mlproxy_ring_setup setup;

	ASSERT_RET(ring_setup(all, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_setup(a, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(ring_setup(b, 1 << 16, 0, 0, 0, &setup), 0);
}

static void records_carry_theirs(void)
{
	struct mlproxy_snapshot snapshot = { .size = sizeof(snapshot) };
	struct mlproxy_stats stats;
	struct seen s;

	begin();
	setup_readers();
	ASSERT_RET(synth_run(40), 0);
	ASSERT_RET(synth_order("on", "b"), 0);
	ASSERT_RET(synth_run(10), 0);
	ASSERT_RET(xioctl(b, MLPROXY_IOC_SNAPSHOT, &snapshot), 0);

	s = read_all(all);
	EXPECT_EQ(s.decisions[nr_a], 20);
	EXPECT_EQ(s.decisions[nr_b], 30);
	EXPECT_EQ(s.decisions[0], 0);
	EXPECT_EQ(s.feedbacks[nr_a], 20);
	EXPECT_EQ(s.feedbacks[nr_b], 30);
	EXPECT_EQ(s.snapshots[nr_b], 1);
	s = read_all(a);
	EXPECT_EQ(s.decisions[nr_a], 20);
	EXPECT_EQ(s.feedbacks[nr_a], 20);
	EXPECT_EQ(s.nr_ids, 20);
	EXPECT_EQ(s.snapshots[nr_b], 0);
	s = read_all(b);
	EXPECT_EQ(s.decisions[nr_b], 30);
	EXPECT_EQ(s.nr_ids, 30);
	EXPECT_EQ(s.snapshots[nr_b], 1);

	dev_stats(a, &stats);
	EXPECT_EQ(stats.decisions, 20);
	dev_stats(all, &stats);
	EXPECT_EQ(stats.decisions, 50);
	EXPECT_EQ(stats.feedbacks, 50);
}

/* Explored is for readers of the instance, and of all. */
static void explores_for_its_readers(void)
{
	struct mlproxy_ring_setup setup;
	struct mlproxy_stats stats;

	begin();
	ASSERT_RET(ring_setup(a, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(synth_run(4000), 0);
	dev_stats(a, &stats);
	EXPECT(stats.by_source[MLPROXY_SRC_EXPLORE] > 0);
	dev_stats(b, &stats);
	EXPECT_EQ(stats.by_source[MLPROXY_SRC_EXPLORE], 0);
	ASSERT_RET(ring_setup(all, 1 << 16, 0, 0, 0, &setup), 0);
	ASSERT_RET(synth_run(4000), 0);
	dev_stats(b, &stats);
	EXPECT(stats.by_source[MLPROXY_SRC_EXPLORE] > 0);
}

/* ------------------------------------------------------------------ */
/* Orders                                                              */

static uint64_t share_of(int fd)
{
	struct mlproxy_param cmd = {
		.size = sizeof(cmd), .param = MLPROXY_PARAM_SHARE, .index = LEARNING,
	};

	ASSERT_RET(xioctl(fd, MLPROXY_IOC_PARAM, &cmd), 0);
	return cmd.value;
}

static void parameters(void)
{
	int c;

	begin();
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_SHARE, LEARNING, 1111), 0);
	EXPECT_EQ(share_of(a), 1111);
	EXPECT_EQ(share_of(b), 1111);
	ASSERT_RET(dev_set_param(a, MLPROXY_PARAM_SHARE, LEARNING, 2222), 0);
	EXPECT_EQ(share_of(a), 2222);
	EXPECT_EQ(share_of(b), 1111);
	EXPECT_EQ(share_of(all), 1111);
	/* Each depends on the other. */
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_WINDOW_NS, 0, 2000000), 0);
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_WASHOUT_NS, 0, 1000000), 0);
	ASSERT_RET(synth_order("add", "c"), 0);
	c = dev_bound("synth:c");
	EXPECT_EQ(share_of(c), 1111);
	EXPECT_EQ(param_get(c, MLPROXY_PARAM_WINDOW_NS), 2000000);
	EXPECT_EQ(param_get(c, MLPROXY_PARAM_WASHOUT_NS), 1000000);

	/* All or none. */
	ASSERT_RET(dev_set_param(b, MLPROXY_PARAM_WINDOW_NS, 0, 9000000), 0);
	ASSERT_RET(dev_set_param(b, MLPROXY_PARAM_WASHOUT_NS, 0, 8000000), 0);
	EXPECT_RET(dev_set_param(all, MLPROXY_PARAM_WINDOW_NS, 0, 7000000), -EINVAL);
	EXPECT_EQ(param_get(all, MLPROXY_PARAM_WINDOW_NS), 2000000);
	EXPECT_EQ(param_get(a, MLPROXY_PARAM_WINDOW_NS), 2000000);
	EXPECT_EQ(param_get(b, MLPROXY_PARAM_WINDOW_NS), 9000000);
	EXPECT_EQ(param_get(c, MLPROXY_PARAM_WINDOW_NS), 2000000);
	ASSERT_RET(dev_set_param(all, MLPROXY_PARAM_WINDOW_NS, 0, 10000000), 0);
	EXPECT_EQ(param_get(b, MLPROXY_PARAM_WINDOW_NS), 10000000);
}

static void modes(void)
{
	int c;

	begin();
	ASSERT_RET(dev_set_mode(a, EMERGENCY), 0);
	EXPECT_EQ(mode_get(b).mode, LEARNING);
	EXPECT_EQ(mode_get(all).mode, EMERGENCY);
	EXPECT_EQ(mode_get(all).instance, nr_a);
	EXPECT_EQ(mode_get(all).automatic, 0);
	ASSERT_RET(dev_set_mode(all, COLLABORATION), 0);
	EXPECT_EQ(mode_get(a).mode, COLLABORATION);
	EXPECT_EQ(mode_get(b).mode, COLLABORATION);
	ASSERT_RET(synth_order("add", "c"), 0);
	c = dev_bound("synth:c");
	EXPECT_EQ(mode_get(c).mode, COLLABORATION);
	EXPECT_EQ(mode_get(c).automatic, 0);
	ASSERT_RET(mode_auto(all), 0);
	EXPECT_EQ(mode_get(a).automatic, 1);
	EXPECT_EQ(mode_get(c).automatic, 1);
	/* What is wrong with one is so for it alone. */
	ASSERT_RET(synth_order("affected", "b"), 0);
	synth_set("critical", 1);
	ASSERT_RET(synth_run(30), 0);
	expect_transition(b, COLLABORATION, EMERGENCY, CRITICAL);
	EXPECT(mode_get(a).mode != EMERGENCY);
	EXPECT(mode_get(c).mode != EMERGENCY);
}

static void lifecycle(void)
{
	struct mlproxy_stats stats;
	uint32_t version;

	begin();
	version = synth_model(all, GOOD);
	EXPECT_RET(dev_control(all, MLPROXY_CTL_START), -EINVAL);
	EXPECT_RET(dev_control(all, MLPROXY_CTL_REINIT), -EINVAL);
	ASSERT_RET(dev_control(a, MLPROXY_CTL_STOP), 0);
	EXPECT_EQ(dev_state(all, "synth:a"), MLPROXY_STATE_STOPPED);
	EXPECT_EQ(dev_state(all, "synth:b"), MLPROXY_STATE_RUNNING);
	/* That of one leaves the model to all. */
	ASSERT_RET(dev_set_param(a, MLPROXY_PARAM_SHARE, LEARNING, 2222), 0);
	ASSERT_RET(dev_control(a, MLPROXY_CTL_REINIT), 0);
	EXPECT_EQ(share_of(a), share_of(all));
	/* One more may run: the rest does. */
	ASSERT_RET(dev_control(all, MLPROXY_CTL_START), 0);
	EXPECT_EQ(dev_state(all, "synth:a"), MLPROXY_STATE_RUNNING);
	run_until(a, RECOMMENDATION, 400000);
	EXPECT_EQ(evidence_version(a), version);
	ASSERT_RET(dev_control(all, MLPROXY_CTL_STOP), 0);
	EXPECT_EQ(dev_state(all, "synth"), MLPROXY_STATE_STOPPED);
	EXPECT_EQ(dev_state(all, "synth:a"), MLPROXY_STATE_STOPPED);
	EXPECT_EQ(dev_state(all, "synth:b"), MLPROXY_STATE_STOPPED);
	ASSERT_RET(dev_control(b, MLPROXY_CTL_START), 0);
	EXPECT_RET(dev_control(all, MLPROXY_CTL_REINIT), -EINVAL);
	ASSERT_RET(dev_control(b, MLPROXY_CTL_STOP), 0);
	ASSERT_RET(dev_control(all, MLPROXY_CTL_REINIT), 0);
	EXPECT_RET(dev_model_ctl(a, MLPROXY_MODEL_OP_ACTIVATE, 0), -ENOENT);
	dev_stats(all, &stats);
	EXPECT_EQ(stats.decisions, 0);
	EXPECT_EQ(mode_get(a).mode, LEARNING);
	EXPECT_EQ(mode_get(a).changes, 0);
}

/* ------------------------------------------------------------------ */
/* Agents                                                              */

static struct mlproxy_heartbeat beat;

static void agent_of_one(void)
{
	begin();
	ASSERT_RET(heartbeat(a, 0, 1, &beat), 0);
	sleep_ms(5);
	ASSERT_RET(synth_run(100), 0);
	expect_transition(a, LEARNING, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(mode_get(b).mode, LEARNING);
	ASSERT_RET(heartbeat(a, MLPROXY_HEARTBEAT_F_LEAVE, 0, &beat), 0);
	expect_transition(a, EMERGENCY, LEARNING, RECOVERED);
}

static void agent_of_all(void)
{
	int agent, c;

	begin();
	agent = dev_bound("synth");
	ASSERT_RET(heartbeat(agent, 0, 1, &beat), 0);
	ASSERT_RET(heartbeat(a, 0, HOUR_MS, &beat), 0);
	sleep_ms(5);
	ASSERT_RET(synth_run(100), 0);
	expect_transition(a, LEARNING, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(transitions[0].evidence.limit, 1000000);
	expect_transition(b, LEARNING, EMERGENCY, AGENT_LOST);
	/* nor is one that comes now better off */
	ASSERT_RET(synth_order("add", "c"), 0);
	c = dev_bound("synth:c");
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(c).mode, EMERGENCY);
	ASSERT_RET(heartbeat(agent, 0, HOUR_MS, &beat), 0);
	EXPECT_EQ(beat.mode, LEARNING);
	EXPECT_EQ(mode_get(a).mode, LEARNING);
	EXPECT_EQ(mode_get(b).mode, LEARNING);
	EXPECT_EQ(mode_get(c).mode, LEARNING);
	/* closed without having left */
	close(agent);
	expect_transition(a, LEARNING, EMERGENCY, AGENT_LOST);
	expect_transition(b, LEARNING, EMERGENCY, AGENT_LOST);
	EXPECT_EQ(transitions[0].evidence.limit, 0);
	ASSERT_RET(mode_auto(all), 0);
	ASSERT_RET(synth_run(100), 0);
	EXPECT_EQ(mode_get(a).mode, LEARNING);
	EXPECT_EQ(mode_get(b).mode, LEARNING);
}

/* ------------------------------------------------------------------ */
/* Going away                                                          */

static int events_of(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n = poll(&pfd, 1, timeout_ms);

	return n < 0 ? -errno : pfd.revents;
}

/* Read on until the instance @nr is said to be gone; whatever else is there, too. */
static bool saw_destroyed(int fd, uint32_t nr)
{
	static uint64_t buf[8192];
	bool saw = false;
	ssize_t n;

	while (!saw && (n = read(fd, buf, sizeof(buf))) > 0) {
		char *at = (char *)buf;

		for (; at < (char *)buf + n; at += ((struct mlproxy_rec_hdr *)at)->len) {
			struct mlproxy_rec_change *rec = (void *)at;

			saw |= rec->hdr.type == MLPROXY_REC_STATE && rec->instance == nr &&
			       rec->to == MLPROXY_STATE_DESTROYED;
		}
	}
	return saw;
}

/* Decisions, in turn, until told to end. */
static struct load {
	volatile bool ends;
	volatile uint64_t decisions;
	pid_t pid;
} *load;

static void load_begin(void)
{
	load = mmap(NULL, sizeof(*load), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT(load != MAP_FAILED);
	load->pid = ktap_fork();
	if (load->pid)
		return;
	while (!load->ends) {
		ASSERT_RET(synth_run(100), 0);
		load->decisions += 100;
	}
	_exit(ktap_status());
}

static void load_end(void)
{
	load->ends = true;
	ktap_join(load->pid);
}

static void removed_under_load(void)
{
	struct mlproxy_dataset ds = { .size = sizeof(ds) };
	uint32_t state_only = MLPROXY_REC_MASK(MLPROXY_REC_STATE);
	struct mlproxy_stats before, after;
	struct mlproxy_ring_setup setup;
	struct mlproxy_list_entry e[64];
	int late, states;
	char buf[4096];

	begin();
	synth_model(all, GOOD);
	setup_readers();
	late = dev_bound("synth:a");
	states = dev_bound("synth");
	ASSERT_RET(ring_setup(states, 1 << 16, 0, 0, state_only, &setup), 0);
	load_begin();
	while (dev_stats(a, &before), before.decisions < 1000)
		sleep_ms(1);
	dev_stats(all, &before);
	ASSERT_RET(synth_order("remove", "a"), 0);

	alarm(60);
	while (read(a, buf, sizeof(buf)) > 0)
		;
	EXPECT_EQ(events_of(a, 0), POLLHUP);
	EXPECT_EQ(read(a, buf, sizeof(buf)), 0);
	alarm(0);
	EXPECT(saw_destroyed(states, nr_a));
	EXPECT_EQ(events_of(states, 0), 0);
	EXPECT_RET(dev_control(a, MLPROXY_CTL_STOP), -ENODEV);
	EXPECT_RET(dev_set_param(a, MLPROXY_PARAM_SHARE, LEARNING, 1), -ENODEV);
	EXPECT_RET(dev_set_mode(a, LEARNING), -ENODEV);
	EXPECT_RET(heartbeat(a, 0, 1, &beat), -ENODEV);
	EXPECT_RET(dev_model_ctl(a, MLPROXY_MODEL_OP_UNLOAD, 0), -ENODEV);
	EXPECT_RET(ring_setup(late, 4096, 0, 0, 0, &setup), -ENODEV);
	EXPECT_RET(xioctl(a, MLPROXY_IOC_DATASET, &ds), 0);

	/* The others go on. */
	dev_stats(all, &after);
	EXPECT(after.decisions >= before.decisions);
	dev_stats(b, &before);
	while (dev_stats(b, &after), after.decisions < before.decisions + 1000)
		sleep_ms(1);
	EXPECT(!(events_of(b, 0) & POLLHUP));
	EXPECT(!(events_of(all, 0) & POLLHUP));
	EXPECT_EQ(e[entry_of(e, list(e, ARRAY_SIZE(e)).count, "synth")].nr_instances, 1);
	EXPECT_EQ(dev_state(all, "synth:a"), 0);

	/* One of the same name is another one. */
	ASSERT_RET(synth_order("add", "a"), 0);
	EXPECT_EQ(events_of(a, 0), POLLHUP);
	close(late);
	late = dev_open(O_RDWR);
	EXPECT(bound(late, "synth:a", 0).instance > nr_b);
	load_end();
	dev_stats(all, &after);
	EXPECT_EQ(after.decisions, load->decisions);
	EXPECT_EQ(after.feedbacks, load->decisions);
}

/* Each of them, and then the rest, however they are held. */
static void all_removed(void)
{
	struct mlproxy_stats stats;

	begin();
	setup_readers();
	ASSERT_RET(synth_run(100), 0);
	ASSERT_RET(synth_order("remove", "a"), 0);
	ASSERT_RET(synth_order("remove", "b"), 0);
	EXPECT_RET(synth_run(1), -ENODEV);
	EXPECT_EQ(events_of(a, 0), POLLIN | POLLHUP);
	EXPECT_EQ(events_of(b, 0), POLLIN | POLLHUP);
	EXPECT_EQ(events_of(all, 0), POLLIN);
	dev_stats(all, &stats);
	EXPECT_EQ(stats.decisions, 100);
	EXPECT_EQ(mode_get(all).instance, 0);
	close(all);
	all = -1;
	/* What is bound to those that are gone holds no module. */
	synth_reload_with("");
	EXPECT_EQ(events_of(a, 0), POLLIN | POLLHUP);
}

/* Orders, looks and lists while instances come and go. */
static void comes_and_goes(void)
{
	unsigned int i, n = scaled(200);
	struct mlproxy_list_entry e[64];
	struct mlproxy_stats stats;
	pid_t pids[2];

	begin();
	synth_model(all, GOOD);
	load_begin();
	pids[0] = ktap_fork();
	if (!pids[0]) {
		for (i = 0; i < n; i++) {
			EXPECT_RET(dev_set_param(all, MLPROXY_PARAM_SHARE, LEARNING, 1000 + i), 0);
			dev_stats(all, &stats);
			list(e, ARRAY_SIZE(e));
			mode_get(all);
			dev_set_mode(all, LEARNING);
			mode_auto(all);
		}
		_exit(ktap_status());
	}
	pids[1] = ktap_fork();
	if (!pids[1]) {
		for (i = 0; i < n / 4; i++)
			synth_model(all, GOOD);
		_exit(ktap_status());
	}
	for (i = 0; i < n / 4; i++) {
		struct mlproxy_bind cmd = { .size = sizeof(cmd), .name = "synth:c" };
		struct mlproxy_ring_setup setup;
		int fd = dev_open(O_RDWR);

		ASSERT_RET(synth_order("add", "c"), 0);
		ASSERT_RET(xioctl(fd, MLPROXY_IOC_BIND, &cmd), 0);
		if (i % 2)
			ASSERT_RET(ring_setup(fd, 4096, 0, 0, 0, &setup), 0);
		if (i % 3)
			ASSERT_RET(heartbeat(fd, 0, HOUR_MS, &beat), 0);
		ASSERT_RET(synth_order("remove", "c"), 0);
		close(fd);
	}
	ktap_join(pids[0]);
	ktap_join(pids[1]);
	load_end();
}

static const struct ktap_test tests[] = {
	KTAP_TEST(listed_and_bound),
	KTAP_TEST(names_are_checked),
	KTAP_TEST(opposite_truths),
	KTAP_TEST(model_is_of_all),
	KTAP_TEST(recommendations_are_of_all),
	KTAP_TEST(recommendations_run_out),
	KTAP_TEST(records_carry_theirs),
	KTAP_TEST(explores_for_its_readers),
	KTAP_TEST(parameters),
	KTAP_TEST(modes),
	KTAP_TEST(lifecycle),
	KTAP_TEST(agent_of_one),
	KTAP_TEST(agent_of_all),
	KTAP_TEST(removed_under_load),
	KTAP_TEST(all_removed),
	KTAP_TEST(comes_and_goes),
};

KTAP_MAIN(tests)
