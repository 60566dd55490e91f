/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * mlproxy: the user/kernel ABI of /dev/mlproxy.
 *
 * One open file is one session; MLPROXY_IOC_BIND ties it to one proxy.
 */
#ifndef _UAPI_LINUX_MLPROXY_H
#define _UAPI_LINUX_MLPROXY_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: How this ABI grows
 *
 * docs/abi.md has the rules and their reasons. In short: an array that user space gives
 * room for comes with the size of one of its entries (a stride), which is user space's;
 * a record tells where its values begin; an array that is counted by an enum has room
 * for more (MLPROXY_ROOM_*) and a number that tells how many are filled in; everything
 * else grows at its end. What a program does not know of it never sees moved.
 */

/**
 * DOC: General ioctl format
 *
 * Every ioctl takes one structure that starts with ``__u32 size`` and
 * ``__u32 flags``. user space sets @size to sizeof() of the structure it was
 * compiled with; the kernel accepts shorter (older) structures down to the
 * first published size, treats absent fields as zero, and accepts longer
 * (newer) ones if the part it does not know is zero.
 *
 * The errno contract, the same for every ioctl:
 *
 *  - ENOTTY: the ioctl number is not known
 *  - E2BIG: @size is larger than the kernel's and the tail is not zero
 *  - EINVAL: @size or a stride is below the minimum, an unknown flag is set, a
 *    reserved field is not zero, or a value is outside its documented range
 *  - EFAULT: a pointer is not readable or not writable
 *  - ENXIO: the session is not bound to a proxy and the ioctl needs one; it has no
 *    decision point and the ioctl needs one
 *  - EBUSY: the thing exists already, or is in use (bind twice, set up a ring
 *    twice, use read() beside mmap, rings for more than MLPROXY_MAX_READERS
 *    sessions of one proxy)
 *  - ENOENT: no such proxy, no such model, no such instance, no such decision
 *  - EPERM: the file lacks the right that the ioctl, or one of its flags, needs: see
 *    MLPROXY_RIGHT_*
 *  - ENOBUFS: an output array is too short; the needed count is returned
 *  - EBADMSG: a model, or the description of a decision point, was refused; the reason is
 *    in the structure
 *  - EEXIST: the name of a decision point is in use
 *  - EDQUOT: the user has as many decision points and instances as a user may have
 *  - ENOSPC: there are as many as there may be
 *  - EAGAIN: there is no notice
 *  - EPROTO: a user-written ring position is impossible
 *  - ENOMEM: no memory, or more in rings than RLIMIT_MEMLOCK lets the user have
 *  - ENODEV: the proxy went away (its module failed to load, or took it away)
 *
 * A structure is copied back also when the ioctl fails with ENOBUFS, EBADMSG
 * or EPROTO.
 *
 * read() gives whole records, in order for each CPU. It returns 0 once the proxy
 * went away and the last record was read; else, without a record, it waits or
 * fails with EAGAIN. ENXIO: no rings are set up. EBUSY: they are mapped. EMSGSIZE:
 * the next record does not fit. EIO: a ring makes no sense, the rest of it is
 * skipped.
 *
 * poll() says EPOLLIN when a ring is ready (see struct mlproxy_ring_setup), EPOLLPRI
 * while the data set that was asked for is complete, and EPOLLHUP once the proxy
 * went away: then whatever is unread is ready, and no record comes after it.
 * EPOLLERR: no rings are set up. A file with a decision point has EPOLLPRI while there is
 * a notice, and nothing else.
 */

/* Changes only with what breaks programs; what grows by the rules does not change it. */
#define MLPROXY_ABI_VERSION	3

/** Bits of struct mlproxy_info.features. */
#define MLPROXY_FEAT_RING		(1ULL << 0)	/* mmap dataset rings */
#define MLPROXY_FEAT_READ		(1ULL << 1)	/* read() of records */
#define MLPROXY_FEAT_RECOMMEND		(1ULL << 2)	/* recommendation ring */
#define MLPROXY_FEAT_MODEL_MLP		(1ULL << 3)	/* fixed-point MLP models */
#define MLPROXY_FEAT_MODEL_TREES	(1ULL << 4)	/* trees and forests */
#define MLPROXY_FEAT_BPF		(1ULL << 5)	/* eBPF logic at the decision */
#define MLPROXY_FEAT_AUTO		(1ULL << 6)	/* the mode machine */
#define MLPROXY_FEAT_DATASET		(1ULL << 7)	/* MLPROXY_IOC_DATASET */
#define MLPROXY_FEAT_CONSUME		(1ULL << 8)	/* MLPROXY_IOC_RING_CONSUME */
#define MLPROXY_FEAT_OUTER		(1ULL << 9)	/* ledgers, strata, outer experiments */
#define MLPROXY_FEAT_INSTANCES		(1ULL << 10)	/* instances of a proxy */
#define MLPROXY_FEAT_POINTS		(1ULL << 11)	/* decision points of user space */

/*
 * Rights of a file. They are found out when it is opened, and go with it: who passes on a
 * file descriptor passes on its rights. docs/security.md has the reasons.
 *
 *  READ: opened for reading. To read data sets: RING_SETUP, RING_STATS, DATASET,
 *	MODEL_EVAL; and read(), poll(), mmap().
 *  ADVISE: opened for writing. What an agent does: RECOMMEND_SETUP, RECOMMEND_DRAIN,
 *	MODEL_LOAD, MODEL_CTL, HEARTBEAT; a SNAPSHOT is published. And to have a decision
 *	point: POINT_*. Decisions are explored only for
 *	readers with this right, and the consumer page can be mapped for writing only
 *	with it; others use read().
 *  OPERATE: opened for writing by a task with CAP_SYS_ADMIN in the initial user
 *	namespace: CONTROL, MODE and PARAM that set something.
 *
 * What is not named, and to look at a mode or a parameter, needs none of them.
 */
#define MLPROXY_RIGHT_READ	(1U << 0)
#define MLPROXY_RIGHT_ADVISE	(1U << 1)
#define MLPROXY_RIGHT_OPERATE	(1U << 2)

/* Limits. A proxy may declare less, never more. */
#define MLPROXY_NAME_LEN	32	/* with the terminating NUL */
#define MLPROXY_UNIT_LEN	16
#define MLPROXY_MAX_FEATURES	32
#define MLPROXY_MAX_ACTIONS	32
#define MLPROXY_MAX_PROXIES	64
#define MLPROXY_TEXT_LEN	128
#define MLPROXY_MAX_STATES	16	/* values of a snapshot */
#define MLPROXY_MAX_EVENTS	16	/* described kinds of raw events */
#define MLPROXY_MAX_READERS	32	/* sessions with rings of one proxy */
#define MLPROXY_RESERVED_READERS 8	/* of these, at least, for who may advise */
#define MLPROXY_MAX_INSTANCES	256	/* of one proxy */
#define MLPROXY_MAX_STRATA	8

/* Room in arrays whose number is that of an enum; never changes. */
#define MLPROXY_ROOM_MODES	8
#define MLPROXY_ROOM_SOURCES	16
#define MLPROXY_ROOM_ARMS	8
#define MLPROXY_ROOM_VERDICTS	8

/* Probabilities are fixed point: 2^31 means 1. */
#define MLPROXY_PROB_ONE	0x80000000U
/* Shares (of operations) are fixed point: 65536 means all. */
#define MLPROXY_SHARE_ONE	65536U

/* Lifecycle states of a proxy. */
#define MLPROXY_STATE_CREATED		1
#define MLPROXY_STATE_INITIALIZED	2
#define MLPROXY_STATE_RUNNING		3
#define MLPROXY_STATE_STOPPED		4
#define MLPROXY_STATE_DESTROYED		5

/* Modes: which share of the operations may deviate from the baseline. */
#define MLPROXY_MODE_EMERGENCY		0
#define MLPROXY_MODE_LEARNING		1
#define MLPROXY_MODE_COLLABORATION	2
#define MLPROXY_MODE_RECOMMENDATION	3
#define MLPROXY_NR_MODES		4

/* Why the mode is what it is. */
#define MLPROXY_REASON_START		1	/* the mode a proxy starts in */
#define MLPROXY_REASON_OPERATOR		2	/* set by ioctl or sysfs */
#define MLPROXY_REASON_REINIT		3	/* the proxy was re-initialised */
#define MLPROXY_REASON_CRITICAL		4	/* the subsystem said so */
#define MLPROXY_REASON_NOT_WORSE	5	/* up: not worse, with confidence */
#define MLPROXY_REASON_BETTER		6	/* up: better, with confidence */
#define MLPROXY_REASON_WORSE		7	/* down: worse, with confidence */
#define MLPROXY_REASON_NOT_BETTER	8	/* down: no gain any more */
#define MLPROXY_REASON_NO_MODEL		9	/* down: nothing proposes actions */
#define MLPROXY_REASON_NEW_MODEL	10	/* down: another model, not tested yet */
#define MLPROXY_REASON_DROP		11	/* emergency: the reward fell too far */
#define MLPROXY_REASON_ERRORS		12	/* emergency: too many refused or failed */
#define MLPROXY_REASON_LATENCY		13	/* emergency: decisions take too long */
#define MLPROXY_REASON_AGENT_LOST	14	/* emergency: no heartbeat in time */
#define MLPROXY_REASON_BAD_STATE	15	/* emergency: the subsystem is in a bad state */
#define MLPROXY_REASON_RECOVERED	16	/* emergency is over */
#define MLPROXY_REASON_AUTO		17	/* the operator handed the mode back */
#define MLPROXY_REASON_LEDGER		18	/* down: the ledger contradicts, with confidence */
#define MLPROXY_REASON_OUTER		19	/* down: it costs the system, with confidence */
#define MLPROXY_REASON_RAMP		20	/* tested again, with a larger share */
#define MLPROXY_REASON_RAMP_ENDED	21	/* no gain with the larger share */
#define MLPROXY_REASON_LOSSES		22	/* down: outcomes of one arm get lost */
#define MLPROXY_NR_REASONS		23

/* Stages within a mode. */
#define MLPROXY_STAGE_NONE		0
#define MLPROXY_STAGE_RAMP		1	/* of collaboration: with RAMP_SHARE */

/* Arms of the running experiment. */
#define MLPROXY_ARM_BASELINE		0
#define MLPROXY_ARM_MODEL		1
#define MLPROXY_NR_ARMS			2
#define MLPROXY_ARM_NONE		0xff	/* explored, no candidate, washout … */

#define MLPROXY_CLUSTER_NONE		0xff	/* of no group of dependent decisions */

/* Who chose an action. */
#define MLPROXY_SRC_BASELINE		0	/* the kernel's own algorithm */
#define MLPROXY_SRC_RECOMMENDATION	1	/* fresh, from user space */
#define MLPROXY_SRC_MODEL		2	/* the in-kernel fixed-point model */
#define MLPROXY_SRC_BPF			3	/* an attached eBPF program */
#define MLPROXY_SRC_EXPLORE		4	/* drawn at random among the legal */
#define MLPROXY_NR_SOURCES		5

/* Unit of randomisation between the baseline and the model. */
#define MLPROXY_UNIT_DECISION		0
#define MLPROXY_UNIT_ENTITY		1	/* a stable hash of the key */
#define MLPROXY_UNIT_WINDOW		2	/* switchback by time window */

/* Unit of the outer experiment: what an arm is drawn for, and held by for OUTER_HOLD_NS. */
#define MLPROXY_OUTER_NONE		0	/* the proxy measures no cost of the system */
#define MLPROXY_OUTER_ENTITY		1	/* the entity, by the key of its cost */
#define MLPROXY_OUTER_WINDOW		2	/* a window of time, for all alike */

/* Types of a feature. The value travels as __s64 in every case. */
#define MLPROXY_TYPE_INT		0	/* signed number */
#define MLPROXY_TYPE_COUNT		1	/* number that is never negative */
#define MLPROXY_TYPE_BOOL		2	/* 0 or 1 */
#define MLPROXY_TYPE_ENUM		3	/* category: no order between values */
#define MLPROXY_TYPE_Q8			4	/* fixed point, 256 means 1 */
#define MLPROXY_TYPE_Q16		5	/* fixed point, 65536 means 1 */
#define MLPROXY_NR_TYPES		6

/* Preprocessing in the kernel, before a value is published or a model sees it. */
#define MLPROXY_PRE_NONE		0
#define MLPROXY_PRE_LOG2		1	/* log2_q8() of linux/mlproxy_model.h */
#define MLPROXY_PRE_DELTA		2	/* states only: less the snapshot before */
#define MLPROXY_NR_PRE			3

/* Health of a subsystem, as its proxy estimates it from its state. */
#define MLPROXY_HEALTH_UNKNOWN		0
#define MLPROXY_HEALTH_GOOD		1
#define MLPROXY_HEALTH_STRAINED		2	/* worth watching */
#define MLPROXY_HEALTH_BAD		3	/* needs the baseline, and correction */
#define MLPROXY_NR_HEALTH		4

/* Direction of the reward. */
#define MLPROXY_REWARD_HIGHER		0	/* higher is better */
#define MLPROXY_REWARD_LOWER		1	/* a cost: lower is better */

/* ------------------------------------------------------------------ */
/* Records in the dataset rings                                        */

/* Record types. */
#define MLPROXY_REC_DECISION		1
#define MLPROXY_REC_FEEDBACK		2
#define MLPROXY_REC_EVENT		3
#define MLPROXY_REC_MODE		4
#define MLPROXY_REC_STATE		5	/* lifecycle change or snapshot */
#define MLPROXY_REC_MODEL		6	/* model activated, rolled back … */
#define MLPROXY_REC_PAD			7	/* never delivered: reserved */
#define MLPROXY_NR_REC_TYPES		8
#define MLPROXY_REC_MASK(type)		(1U << (type))

#define MLPROXY_REC_MAX_BYTES		1024U

/**
 * struct mlproxy_rec_hdr - start of every record
 * @len: length in bytes with this header, a multiple of 8, at most
 *	MLPROXY_REC_MAX_BYTES
 * @type: MLPROXY_REC_*
 * @flags: depends on the type; 0 where none is documented
 * @seq: number of this record on its ring. Every published record takes one,
 *	also a lost one: a step of more than 1 is a gap of lost records
 * @time_ns: CLOCK_MONOTONIC of the publication; of a decision, when it began (fast clock, per
 *	CPU ordered)
 */
struct mlproxy_rec_hdr {
	__u32 len;
	__u16 type;
	__u16 flags;
	__u64 seq;
	__u64 time_ns;
};

/**
 * struct mlproxy_rec_decision - MLPROXY_REC_DECISION
 * @hdr: header
 * @id: decision id, unique since the module was loaded; never 0
 * @key: entity the decision is about (an inode, a flow), proxy specific
 * @predicted: reward predicted for @candidate, in reward units; 0 if no model
 * @prob_q31: probability with which the logged policy chooses @action here
 * @model_version: version of the model or of the recommendation batch that was
 *	asked; 0 where none was
 * @allowed: bit mask of the actions that were legal for this decision
 * @instance: instance of the proxy (a device, a filesystem), 0 where there is but one
 * @experiment: number of the experiment that ran
 * @cluster: group of decisions that depend on one another, MLPROXY_CLUSTER_NONE where
 *	each stands alone
 * @arm: MLPROXY_ARM_* that the outcome counts for
 * @baseline: action of the kernel's own algorithm
 * @action: action taken
 * @source: MLPROXY_SRC_* of @action
 * @mode: MLPROXY_MODE_* at the decision
 * @candidate: action that the model (or recommendation) proposed, taken or not;
 *	0xff where there was none
 * @candidate_source: MLPROXY_SRC_* of @candidate
 * @stratum: context that outcomes are compared in, as the schema names them
 * @outer_arm: MLPROXY_ARM_* of the outer experiment, MLPROXY_ARM_NONE for none. Decisions
 *	of the baseline's are held to it; those of the model's are held to the policy in
 *	learning and collaboration mode, and drawn as others in the ramp and above
 * @reserved: 0
 * @features_offset: where the context begins, in bytes from the start of the record, a
 *	multiple of 8
 * @nr_features: values of the context, each __s64, in schema order
 * @candidates_offset: where candidates with features of their own begin; 0: none
 * @nr_candidates: how many; 0
 *
 * The context is behind the structure: mlproxy_rec_features(). Fields are added between
 * the two.
 */
struct mlproxy_rec_decision {
	struct mlproxy_rec_hdr hdr;
	__u64 id;
	__u64 key;
	__s64 predicted;
	__u32 prob_q31;
	__u32 model_version;
	__u32 allowed;
	__u32 instance;
	__u32 experiment;
	__u16 cluster;
	__u8 arm;
	__u8 baseline;
	__u8 action;
	__u8 source;
	__u8 mode;
	__u8 candidate;
	__u8 candidate_source;
	__u8 stratum;
	__u8 outer_arm;
	__u8 reserved[1];
	__u16 features_offset;
	__u16 nr_features;
	__u16 candidates_offset;
	__u16 nr_candidates;
};

/* Bits of hdr.flags of a feedback. */
#define MLPROXY_FEEDBACK_PREDICTED	(1U << 0)	/* @predicted and @error count */
#define MLPROXY_FEEDBACK_DEFERRED	(1U << 1)	/* out of the table of pending ones */
#define MLPROXY_FEEDBACK_EXPIRED	(1U << 2)	/* no truth came: @reward is none */
#define MLPROXY_FEEDBACK_LEDGER		(1U << 3)	/* @ledger counts */
#define MLPROXY_FEEDBACK_AUDITED	(1U << 4)	/* asked for at the deadline, or evicted */

/**
 * struct mlproxy_rec_feedback - MLPROXY_REC_FEEDBACK
 * @hdr: header; MLPROXY_FEEDBACK_* in @hdr.flags
 * @id: id of the decision that this is the outcome of
 * @reward: measured reward, in the schema's unit
 * @predicted: reward that the model predicted for @action, where it was the
 *	candidate of a model; see MLPROXY_FEEDBACK_PREDICTED
 * @error: @reward - @predicted
 * @model_version: as in the decision
 * @instance: as in the decision
 * @action: as in the decision
 * @source: as in the decision
 * @arm: as in the decision
 * @reserved: 0
 * @ledger: what the decision brought in the schema's ledger; see MLPROXY_FEEDBACK_LEDGER
 */
struct mlproxy_rec_feedback {
	struct mlproxy_rec_hdr hdr;
	__u64 id;
	__s64 reward;
	__s64 predicted;
	__s64 error;
	__u32 model_version;
	__u32 instance;
	__u8 action;
	__u8 source;
	__u8 arm;
	__u8 reserved[5];
	__s64 ledger;
};

#define MLPROXY_EVENT_SNAPSHOT	0xffff
#define MLPROXY_SNAPSHOT_MAX	MLPROXY_MAX_STATES

/**
 * struct mlproxy_rec_event - MLPROXY_REC_EVENT, raw event of a proxy
 * @hdr: header; @hdr.flags is the proxy's event number, or
 *	MLPROXY_EVENT_SNAPSHOT for the state of the subsystem, published when the
 *	proxy starts, when the mode changes, by MLPROXY_IOC_SNAPSHOT and
 *	periodically (MLPROXY_PARAM_STATE_PERIOD_NS)
 * @key: entity the event is about; MLPROXY_HEALTH_* for a snapshot; 0 where
 *	events are aggregated
 * @instance: instance of the proxy, 0 where there is but one
 * @values_offset: where the values begin, in bytes from the start of the record, a
 *	multiple of 8
 * @nr_values: proxy specific values, each __s64
 *
 * The values are behind the structure: mlproxy_rec_values().
 */
struct mlproxy_rec_event {
	struct mlproxy_rec_hdr hdr;
	__u64 key;
	__u32 instance;
	__u16 values_offset;
	__u16 nr_values;
};

/** mlproxy_rec_features() - the context of a decision record that was found valid */
static inline const __s64 *mlproxy_rec_features(const struct mlproxy_rec_decision *d)
{
	return (const __s64 *)((const char *)d + d->features_offset);
}

/** mlproxy_rec_values() - the values of an event record that was found valid */
static inline const __s64 *mlproxy_rec_values(const struct mlproxy_rec_event *e)
{
	return (const __s64 *)((const char *)e + e->values_offset);
}

/**
 * struct mlproxy_rec_change - MLPROXY_REC_STATE and _MODEL, start of _MODE
 * @hdr: header
 * @from: old mode, state, or active model version
 * @to: new one
 * @reason: MLPROXY_REASON_* for a mode; MLPROXY_MODEL_OP_* for a model; else 0
 * @instance: instance of the proxy, 0 where there is but one
 */
struct mlproxy_rec_change {
	struct mlproxy_rec_hdr hdr;
	__u32 from;
	__u32 to;
	__u32 reason;
	__u32 instance;
};

/*
 * What an evidence is about. The inner experiment compares decisions, by their reward
 * and by the proxy's ledger; the outer one what the system pays in each arm.
 */
#define MLPROXY_VERDICT_REWARD	0	/* the reward of single decisions */
#define MLPROXY_VERDICT_LEDGER	1	/* what they bring, in units that add up */
#define MLPROXY_VERDICT_OUTER	2	/* the system's cost for its work */
#define MLPROXY_NR_VERDICTS	3

/* What an evidence says of the next step up. */
#define MLPROXY_STANCE_NONE		0	/* not measured by this proxy */
#define MLPROXY_STANCE_WAITS		1	/* can't tell yet */
#define MLPROXY_STANCE_SUPPORTS		2	/* all that the step needs of it */
#define MLPROXY_STANCE_CONTRADICTS	3	/* worse, with confidence */

/**
 * struct mlproxy_evidence - the numbers that a mode is judged by
 * @gain_q16: difference of the means, in 1/65536 of the reward's unit; positive if the
 *	model is better, whatever the reward's direction
 * @low_q16: lower end of the confidence sequence of the gain; S64_MIN if the
 *	samples are too few
 * @high_q16: its upper end; S64_MAX if the samples are too few
 * @value: what a limit was exceeded by: for a drop the recent gain (Q16), for
 *	errors their share (of 65536), for latency the share of slow decisions, for
 *	a lost agent its silence (ns); else 0
 * @limit: the limit that @value was compared with; 0 for an agent whose file was
 *	closed before it left
 * @model_version: of the logic that is tested: a model's, a recommendation's, or an
 *	eBPF program's
 * @clusters: independent units in the smaller arm; by decision that is its n
 * @verdict: MLPROXY_VERDICT_*
 * @nr_arms: valid entries in the arrays
 * @stance: MLPROXY_STANCE_*
 * @strata: contexts that it was compared in, and then averaged over; 0 or 1: in one
 * @source: MLPROXY_SRC_* of the logic that is tested, MLPROXY_SRC_BASELINE for none
 * @reserved0: 0
 * @reserved: 0
 * @n: outcomes by MLPROXY_ARM_*, in the experiment that is judged
 * @mean_q16: mean reward by arm
 * @sd_q16: standard deviation of the reward by arm
 *
 * For MLPROXY_VERDICT_LEDGER read ledger for reward. For MLPROXY_VERDICT_OUTER @n is work,
 * in the schema's unit, @mean_q16 the cost for one of it, @sd_q16 0; and @gain_q16,
 * @low_q16 and @high_q16 are in 1/65536 of the baseline's cost: 6554 is a cost 10 % lower.
 *
 * Its size never changes, since other structures hold it.
 */
struct mlproxy_evidence {
	__s64 gain_q16 __attribute__((aligned(8)));
	__s64 low_q16 __attribute__((aligned(8)));
	__s64 high_q16 __attribute__((aligned(8)));
	__s64 value __attribute__((aligned(8)));
	__s64 limit __attribute__((aligned(8)));
	__u32 model_version;
	__u32 clusters;
	__u32 verdict;
	__u32 nr_arms;
	__u32 stance;
	__u32 strata;
	__u32 source;
	__u32 reserved0;
	__aligned_u64 reserved[4];
	__aligned_u64 n[MLPROXY_ROOM_ARMS];
	__s64 mean_q16[MLPROXY_ROOM_ARMS] __attribute__((aligned(8)));
	__aligned_u64 sd_q16[MLPROXY_ROOM_ARMS];
};

/**
 * struct mlproxy_rec_mode - MLPROXY_REC_MODE
 * @hdr: header
 * @from: old mode
 * @to: new one
 * @reason: MLPROXY_REASON_*
 * @instance: instance of the proxy, 0 where there is but one
 * @evidence: what it was taken on
 */
struct mlproxy_rec_mode {
	struct mlproxy_rec_hdr hdr;
	__u32 from;
	__u32 to;
	__u32 reason;
	__u32 instance;
	struct mlproxy_evidence evidence;
};

/* ------------------------------------------------------------------ */
/* ioctls                                                              */

/* In no table of the kernel's Documentation/userspace-api/ioctl/ioctl-number.rst. */
#define MLPROXY_IOC_MAGIC	0xE8

/**
 * struct mlproxy_info - ioctl(MLPROXY_IOC_INFO)
 * @size: sizeof(struct mlproxy_info)
 * @flags: must be 0
 * @abi_version: MLPROXY_ABI_VERSION of the kernel
 * @nr_proxies: registered proxies
 * @features: MLPROXY_FEAT_* bits
 * @nr_cpus: possible CPUs, that is, the number of dataset rings of a session
 * @bound_id: id of the bound proxy, 0 if not bound
 * @rights: MLPROXY_RIGHT_* bits of this file
 * @reserved: 0
 */
struct mlproxy_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 nr_proxies;
	__aligned_u64 features;
	__u32 nr_cpus;
	__u32 bound_id;
	__u32 rights;
	__u32 reserved;
};

/**
 * struct mlproxy_list_entry - one proxy in MLPROXY_IOC_LIST
 * @name: name, NUL terminated
 * @id: id, > 0, not used again while the module is loaded
 * @state: MLPROXY_STATE_*
 * @mode: MLPROXY_MODE_*
 * @schema_version: version of the schema
 * @nr_features: features of the context
 * @nr_actions: legal actions
 * @class_id: for an instance, the id of the proxy that it is one of; else 0
 * @instance: for an instance its number, > 0, as records carry it; else 0
 * @nr_instances: instances of the proxy
 * @reserved: 0
 *
 * An instance has an entry of its own, after its proxy's, with the name PROXY:INSTANCE.
 */
struct mlproxy_list_entry {
	char name[MLPROXY_NAME_LEN];
	__u32 id;
	__u32 state;
	__u32 mode;
	__u32 schema_version;
	__u32 nr_features;
	__u32 nr_actions;
	__u32 class_id;
	__u32 instance;
	__u32 nr_instances;
	__u32 reserved;
};

/**
 * struct mlproxy_list - ioctl(MLPROXY_IOC_LIST)
 * @size: sizeof(struct mlproxy_list)
 * @flags: must be 0
 * @entries: user pointer to struct mlproxy_list_entry[@count]
 * @count: in: room in @entries; out: registered proxies, and instances
 * @entry_size: in: sizeof(struct mlproxy_list_entry) of the caller, a stride
 *
 * ENOBUFS if @count is too small; as many as fit are written.
 */
struct mlproxy_list {
	__u32 size;
	__u32 flags;
	__aligned_u64 entries;
	__u32 count;
	__u32 entry_size;
};

/**
 * struct mlproxy_bind - ioctl(MLPROXY_IOC_BIND)
 * @size: sizeof(struct mlproxy_bind)
 * @flags: must be 0
 * @name: name of the proxy, or PROXY:INSTANCE
 * @id: out: its id
 * @schema_version: out: version of its schema
 * @instance: in: number of the instance, 0 for the proxy as a whole, or if @name has one;
 *	out: number of the instance
 * @reserved: must be 0
 *
 * A session with a proxy that has instances reads the records of all of them; what it
 * sets and orders is for all, and statistics are sums, those of former instances
 * included. Mode and evidence are of the instance in the lowest mode: experiments in
 * several modes can't be pooled. A session with an instance reads, sets and asks of this
 * one alone. Models and recommendations are the proxy's in either case: records of models
 * go to all, what is drained is counted for all.
 *
 * A session is bound once, until it is closed; EBUSY for a second bind. While
 * it is bound the module that owns the proxy can't be unloaded.
 */
struct mlproxy_bind {
	__u32 size;
	__u32 flags;
	char name[MLPROXY_NAME_LEN];
	__u32 id;
	__u32 schema_version;
	__u32 instance;
	__u32 reserved;
};

/**
 * struct mlproxy_feature - one feature of a schema
 * @name: name, NUL terminated
 * @unit: unit, NUL terminated; empty for a pure number
 * @min: smallest value
 * @max: largest value
 * @type: MLPROXY_TYPE_*
 * @preprocess: MLPROXY_PRE_* that the kernel applied; @min and @max are of the
 *	result
 */
struct mlproxy_feature {
	char name[MLPROXY_NAME_LEN];
	char unit[MLPROXY_UNIT_LEN];
	__s64 min;
	__s64 max;
	__u32 type;
	__u32 preprocess;
};

/**
 * struct mlproxy_action - one legal action of a schema
 * @name: name, NUL terminated
 * @value: what it stands for in the subsystem's unit (bytes, a log number)
 */
struct mlproxy_action {
	char name[MLPROXY_NAME_LEN];
	__s64 value;
};

/**
 * struct mlproxy_event_desc - one kind of raw event
 * @name: name, NUL terminated
 * @nr_values: values of an event
 * @period_ms: 0: each event is a record. Else events are aggregated, for each
 *	CPU, so long: the record's values are the count, then the sums of all
 *	values, then the minima, then the maxima; at most 4 values then. A record
 *	comes with the first event after its period, with a snapshot, or when the
 *	proxy stops; the counts add up to all events
 */
struct mlproxy_event_desc {
	char name[MLPROXY_NAME_LEN];
	__u32 nr_values;
	__u32 period_ms;
};

/**
 * struct mlproxy_stratum - one of the contexts that outcomes are compared in
 * @name: name, NUL terminated
 */
struct mlproxy_stratum {
	char name[MLPROXY_NAME_LEN];
};

/**
 * struct mlproxy_schema - ioctl(MLPROXY_IOC_SCHEMA)
 * @size: sizeof(struct mlproxy_schema)
 * @flags: must be 0
 * @features: user pointer to struct mlproxy_feature[@nr_features]
 * @actions: user pointer to struct mlproxy_action[@nr_actions]
 * @nr_features: in: room; out: number
 * @nr_actions: in: room; out: number
 * @schema_version: out: version, changes whenever anything here changes
 * @reward_direction: out: MLPROXY_REWARD_*
 * @reward_min: out: smallest reward
 * @reward_max: out: largest reward
 * @reward_name: out: name of the reward
 * @reward_unit: out: its unit
 * @unit: out: unit of randomisation, MLPROXY_UNIT_*
 * @max_macs: out: multiply-accumulates a model may cost
 * @schema_hash: out: FNV-1a of version, direction, reward, features and actions,
 *	as a model file carries it; @unit, @max_macs, @states and @events may change
 *	without it
 * @states: user pointer to struct mlproxy_feature[@nr_states], or 0
 * @events: user pointer to struct mlproxy_event_desc[@nr_events], or 0; their
 *	index is the number in an event record
 * @nr_states: in: room; out: values of a snapshot
 * @nr_events: in: room; out: described kinds of events
 * @feature_size: in: sizeof(struct mlproxy_feature) of the caller, a stride
 * @action_size: in: sizeof(struct mlproxy_action) of the caller, a stride
 * @state_size: in: as @feature_size, for @states
 * @event_size: in: sizeof(struct mlproxy_event_desc) of the caller, a stride
 * @reward_type: out: MLPROXY_TYPE_* of all rewards, and so of predictions and errors: how
 *	the number is to be read in @reward_unit. No part of the hash
 * @ledger_direction: out: MLPROXY_REWARD_*
 * @ledger_name: out: what decisions bring beside the reward, in units that add up (time
 *	saved, blocks moved); empty if the proxy has no ledger
 * @ledger_unit: out: its unit
 * @cost_name: out: what the system pays (time stalled, blocks migrated)
 * @cost_unit: out: its unit
 * @work_name: out: what it pays for (time, blocks written)
 * @work_unit: out: its unit
 * @outer_unit: out: MLPROXY_OUTER_*, for the experiment with that cost
 * @nr_strata: in: room; out: contexts that outcomes are compared in, 0 for one
 * @strata: user pointer to struct mlproxy_stratum[@nr_strata], or 0
 * @stratum_size: in: sizeof(struct mlproxy_stratum) of the caller, a stride
 * @reserved: 0
 *
 * ENOBUFS if an array is too short: all numbers are then returned. Pass 0 and 0
 * to ask for the numbers. @states and @events that are 0 are not asked for. A stride
 * counts only where there is room.
 */
struct mlproxy_schema {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__aligned_u64 actions;
	__u32 nr_features;
	__u32 nr_actions;
	__u32 schema_version;
	__u32 reward_direction;
	__s64 reward_min;
	__s64 reward_max;
	char reward_name[MLPROXY_NAME_LEN];
	char reward_unit[MLPROXY_UNIT_LEN];
	__u32 unit;
	__u32 max_macs;
	__aligned_u64 schema_hash;
	__aligned_u64 states;
	__aligned_u64 events;
	__u32 nr_states;
	__u32 nr_events;
	__u32 feature_size;
	__u32 action_size;
	__u32 state_size;
	__u32 event_size;
	__u32 reward_type;
	__u32 ledger_direction;
	char ledger_name[MLPROXY_NAME_LEN];
	char ledger_unit[MLPROXY_UNIT_LEN];
	char cost_name[MLPROXY_NAME_LEN];
	char cost_unit[MLPROXY_UNIT_LEN];
	char work_name[MLPROXY_NAME_LEN];
	char work_unit[MLPROXY_UNIT_LEN];
	__u32 outer_unit;
	__u32 nr_strata;
	__aligned_u64 strata;
	__u32 stratum_size;
	__u32 reserved;
};

/* Operations of MLPROXY_IOC_CONTROL. */
#define MLPROXY_CTL_START	1	/* initialized or stopped -> running */
#define MLPROXY_CTL_STOP	2	/* running -> stopped */
#define MLPROXY_CTL_REINIT	3	/* initialized or stopped -> initialized */

/**
 * struct mlproxy_control - ioctl(MLPROXY_IOC_CONTROL)
 * @size: sizeof(struct mlproxy_control)
 * @flags: must be 0
 * @op: MLPROXY_CTL_*
 * @state: out: the state after it
 *
 * EINVAL for an operation that the current state does not allow. REINIT drops
 * models, recommendations and statistics; that of an instance leaves models and
 * recommendations alone, and gives it the parameters of its proxy.
 *
 * For a proxy with instances it is for all of them and for the proxy itself, as far as
 * their state allows it: EINVAL if it allows it for none, and for REINIT unless it does
 * for all. If one can't be started the others are, and the error is that one's.
 */
struct mlproxy_control {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 state;
};

#define MLPROXY_MODE_F_SET	(1U << 0)
#define MLPROXY_MODE_F_AUTO	(1U << 1)

/**
 * struct mlproxy_mode - ioctl(MLPROXY_IOC_MODE)
 * @size: sizeof(struct mlproxy_mode)
 * @flags: MLPROXY_MODE_F_SET to fix the mode, MLPROXY_MODE_F_AUTO to hand it back
 *	to the mode machine (one of the two), 0 to ask
 * @mode: MLPROXY_MODE_*; in with F_SET, always out
 * @reason: out: MLPROXY_REASON_*
 * @since_ns: out: CLOCK_MONOTONIC of the last change
 * @changes: out: number of changes
 * @automatic: out: 1 if the mode machine governs, 0 if the operator fixed the mode
 * @instance: in: 0; out: number of the instance that this is of, 0 for the proxy itself
 * @evidence: out: what the last change was taken on
 *
 * A mode that the operator fixed stays until he changes it or hands it back;
 * single decisions are still left to the baseline while the subsystem is critical.
 * Handed back, an emergency ends in learning, any other mode goes on from there.
 *
 * For a proxy with instances a mode is fixed or handed back for all of them; one that is
 * fixed is that of later instances, too, which else begin in learning. What is told is
 * of the instance in the lowest mode, of these the oldest.
 */
struct mlproxy_mode {
	__u32 size;
	__u32 flags;
	__u32 mode;
	__u32 reason;
	__aligned_u64 since_ns;
	__aligned_u64 changes;
	__u32 automatic;
	__u32 instance;
	struct mlproxy_evidence evidence;
};

/* Parameters of MLPROXY_IOC_PARAM. */
#define MLPROXY_PARAM_SHARE	1	/* per mode: model's share, of 65536 */
#define MLPROXY_PARAM_EXPLORE	2	/* per mode: exploration, of 65536 */
#define MLPROXY_PARAM_WINDOW_NS	3	/* length of a switchback window */
#define MLPROXY_PARAM_SEED	4	/* of the randomisation; write only */
#define MLPROXY_PARAM_WASHOUT_NS	5	/* start of a window, not counted; < WINDOW_NS */
#define MLPROXY_PARAM_MIN_SAMPLES	6	/* outcomes of each arm before a test: 2 to 2^24 */
#define MLPROXY_PARAM_ALPHA_PPM		7	/* error probability of promotion: 1 to 500000 */
#define MLPROXY_PARAM_MARGIN_Q16	8	/* "not worse": by so many sd, 0 to 16 << 16 */
#define MLPROXY_PARAM_BLOCK		9	/* model outcomes of one test: 64 to 2^28 */
#define MLPROXY_PARAM_DROP_Q16		10	/* emergency: gain < minus so many sd, 1 to 2^26 */
#define MLPROXY_PARAM_DROP_SAMPLES	11	/* model outcomes it is judged by: 16 to 2^24 */
#define MLPROXY_PARAM_ERROR_SHARE	12	/* emergency: errors, 1 to 65536 of 65536 */
#define MLPROXY_PARAM_LATENCY_NS	13	/* budget, up to 1 s; 0: not measured */
#define MLPROXY_PARAM_HOLD_NS		14	/* shortest emergency: 1 ms to 1 h; then doubled */
#define MLPROXY_PARAM_STATE_PERIOD_NS	15	/* of snapshots while running; 0: none */
#define MLPROXY_PARAM_PENDING_NS	16	/* a pending decision expires: 1 ms to 1 day */
#define MLPROXY_PARAM_RAMP_NS		17	/* the test with RAMP_SHARE: 0 (none) to 1 h */
#define MLPROXY_PARAM_RAMP_SHARE	18	/* model's share in it, of 65536 */
#define MLPROXY_PARAM_OUTER_SHARE	19	/* per mode: units in the outer test, of 65536 */
#define MLPROXY_PARAM_OUTER_HOLD_NS	20	/* a unit keeps its arm: 1 ms to 1 h */
#define MLPROXY_PARAM_OUTER_WASHOUT_NS	21	/* start of that, not counted; < OUTER_HOLD_NS */
#define MLPROXY_PARAM_OUTER_MARGIN_Q16	22	/* "costs no more": by so much of it, 0 to 65536 */
#define MLPROXY_PARAM_LEDGER_MARGIN_Q16	23	/* as MARGIN_Q16, for the ledger */
#define MLPROXY_NR_PARAMS		24

#define MLPROXY_PARAM_F_SET	(1U << 0)

/**
 * struct mlproxy_param - ioctl(MLPROXY_IOC_PARAM)
 * @size: sizeof(struct mlproxy_param)
 * @flags: MLPROXY_PARAM_F_SET to change, 0 to ask
 * @param: MLPROXY_PARAM_*
 * @index: mode for the per-mode parameters, else 0
 * @value: in with F_SET, always out (0 for SEED)
 *
 * In emergency mode all shares are 0 and can't be changed. A mode's share and exploration
 * may not add up to more than MLPROXY_SHARE_ONE, nor to that where both are above 0: then
 * no decision would be the baseline's, and nothing could be compared. Nothing is explored
 * while no dataset reader that may advise takes decisions: a session whose data set waits
 * for its trigger, is complete or was cancelled takes none.
 *
 * A parameter of a proxy with instances is set in all of them, and is what later ones
 * begin with; EINVAL, and no change in any, if one of them can't take it. To ask gives
 * what was set last for the proxy as a whole.
 */
struct mlproxy_param {
	__u32 size;
	__u32 flags;
	__u32 param;
	__u32 index;
	__aligned_u64 value;
};

/* mmap regions of a session: offset of ring @cpu's pages, and of the
 * recommendation ring. All are in bytes, multiples of the page size.
 *
 *   ring_offset + cpu * ring_stride		consumer page, read-write
 *   the same + page				producer page, then the data
 *						twice, read-only
 *   rec_user_offset				producer page and entries,
 *						read-write
 *   rec_kern_offset				consumer page and results,
 *						read-only
 */

/**
 * struct mlproxy_ring_page - first bytes of a consumer or producer page
 * @pos: bytes (dataset rings) or entries (recommendation ring) since set-up,
 *	never wraps; position in the data is pos modulo the size
 */
struct mlproxy_ring_page {
	__aligned_u64 pos;
};

#define MLPROXY_RING_MIN_BYTES	4096U
#define MLPROXY_RING_MAX_BYTES	(64U << 20)

#define MLPROXY_RING_F_QUIET	(1U << 0)

/**
 * struct mlproxy_ring_setup - ioctl(MLPROXY_IOC_RING_SETUP)
 * @size: sizeof(struct mlproxy_ring_setup)
 * @flags: MLPROXY_RING_F_QUIET: begin as if a data set had been cancelled, so that there
 *	are no decisions but those that MLPROXY_IOC_DATASET asks for
 * @data_bytes: in: data of one ring, rounded up to a power of two of pages;
 *	out: what it became
 * @watermark_bytes: in: wake poll() when so much is unread in one ring; 0
 *	means any record
 * @timeout_us: in: wake poll() at the latest so long after the first unread
 *	record; 0 means only by watermark
 * @type_mask: in: MLPROXY_REC_MASK() of the wanted types; 0 means all
 * @nr_rings: out: number of rings (possible CPUs)
 * @reserved: must be 0
 * @ring_offset: out: mmap offset of the first ring
 * @ring_stride: out: distance of the rings' offsets
 *
 * Once per session. Records published from then on are delivered to it. Each session
 * costs every decision, so that there are at most MLPROXY_MAX_READERS of one proxy.
 *
 * The rings can't be reclaimed. They are charged to the memory cgroup, and count
 * against RLIMIT_MEMLOCK with all other rings of the user who opened the file: for
 * each possible CPU the data and two pages. A file that was opened with CAP_IPC_LOCK
 * is not limited.
 */
struct mlproxy_ring_setup {
	__u32 size;
	__u32 flags;
	__u32 data_bytes;
	__u32 watermark_bytes;
	__u32 timeout_us;
	__u32 type_mask;
	__u32 nr_rings;
	__u32 reserved;
	__aligned_u64 ring_offset;
	__aligned_u64 ring_stride;
};

/**
 * struct mlproxy_ring_stats - ioctl(MLPROXY_IOC_RING_STATS)
 * @size: sizeof(struct mlproxy_ring_stats)
 * @flags: must be 0
 * @cpu: in: ring to ask about
 * @reserved: must be 0
 * @published: records offered to this ring, delivered and lost
 * @written: records written into the ring
 * @lost_full: lost: no room
 * @lost_badpos: lost: the consumer position was impossible
 * @lost_nmi: lost: published from NMI context
 * @lost_big: lost: longer than MLPROXY_REC_MAX_BYTES or than the ring
 * @wakeups: wake-ups sent to poll()
 *
 * published = written + the sum of lost_*.
 */
struct mlproxy_ring_stats {
	__u32 size;
	__u32 flags;
	__u32 cpu;
	__u32 reserved;
	__aligned_u64 published;
	__aligned_u64 written;
	__aligned_u64 lost_full;
	__aligned_u64 lost_badpos;
	__aligned_u64 lost_nmi;
	__aligned_u64 lost_big;
	__aligned_u64 wakeups;
};

/**
 * struct mlproxy_ring_consume - ioctl(MLPROXY_IOC_RING_CONSUME)
 * @size: sizeof(struct mlproxy_ring_consume)
 * @flags: must be 0
 * @cpu: ring
 * @reserved: must be 0
 * @pos: the reader is done with all records below it
 *
 * Gives room back where the file was opened for reading only, so that the consumer page
 * can't be mapped: only the producer page and the data are. EBUSY if they are not, or if
 * the consumer page is. EPROTO for a position that goes back, or beyond the producer's.
 */
struct mlproxy_ring_consume {
	__u32 size;
	__u32 flags;
	__u32 cpu;
	__u32 reserved;
	__aligned_u64 pos;
};

/**
 * struct mlproxy_recommendation - one entry of the recommendation ring
 * @key: entity that it is for
 * @ttl_ms: applies so long after it was drained, 1 to MLPROXY_REC_MAX_TTL_MS
 * @version: of the policy that recommends: the same for all its batches, another one for
 *	another policy. Trust is earned by a version, see MLPROXY_IOC_EFFICIENCY
 * @action: index of a legal action
 * @confidence: 0 to 65535, where 65535 is certain
 * @flags: must be 0
 * @instance: must be 0
 * @reserved: must be 0
 */
struct mlproxy_recommendation {
	__aligned_u64 key;
	__u32 ttl_ms;
	__u32 version;
	__u16 action;
	__u16 confidence;
	__u32 flags;
	__u32 instance;
	__u32 reserved;
};

#define MLPROXY_REC_MAX_TTL_MS		3600000U
#define MLPROXY_REC_MAX_ENTRIES		65536U

/**
 * struct mlproxy_recommend_setup - ioctl(MLPROXY_IOC_RECOMMEND_SETUP)
 * @size: sizeof(struct mlproxy_recommend_setup)
 * @flags: must be 0
 * @entries: in: entries of the ring, rounded up to a power of two; out: number
 * @entry_size: in: sizeof(struct mlproxy_recommendation), which is a ring's own: EINVAL
 *	for another
 * @user_offset: out: mmap offset of the producer page, followed by the entries
 * @kern_offset: out: mmap offset of the consumer page, followed by one __s32
 *	result an entry: 0 accepted, else a negative errno
 * @user_bytes: out: length to map at @user_offset
 * @kern_bytes: out: length to map at @kern_offset
 *
 * Charged as the rings of MLPROXY_IOC_RING_SETUP are.
 */
struct mlproxy_recommend_setup {
	__u32 size;
	__u32 flags;
	__u32 entries;
	__u32 entry_size;
	__aligned_u64 user_offset;
	__aligned_u64 kern_offset;
	__aligned_u64 user_bytes;
	__aligned_u64 kern_bytes;
};

/**
 * struct mlproxy_recommend_drain - ioctl(MLPROXY_IOC_RECOMMEND_DRAIN)
 * @size: sizeof(struct mlproxy_recommend_drain)
 * @flags: must be 0
 * @max: in: take at most so many; 0 means as many as the ring has entries
 * @drained: out: entries taken
 * @accepted: out: entries put into the table
 * @rejected: out: entries refused
 *
 * EPROTO if the producer position is impossible; nothing is taken then.
 */
struct mlproxy_recommend_drain {
	__u32 size;
	__u32 flags;
	__u32 max;
	__u32 drained;
	__u32 accepted;
	__u32 rejected;
};

/**
 * struct mlproxy_model_load - ioctl(MLPROXY_IOC_MODEL_LOAD)
 * @size: sizeof(struct mlproxy_model_load)
 * @flags: must be 0
 * @data: user pointer to the model file (see linux/mlproxy_model.h)
 * @data_len: its length in bytes
 * @version: out: version that the kernel gave the model, > 0
 * @macs: out: multiply-accumulates of one evaluation
 * @reason: out: MLPROXY_REFUSED_*, with EBADMSG
 * @arg: out: what the reason is about (layer << 32 | row, a size …)
 * @text: out: the reason in words
 *
 * The model is verified and put into the standby slot; one that was there is
 * dropped.
 */
struct mlproxy_model_load {
	__u32 size;
	__u32 flags;
	__aligned_u64 data;
	__u32 data_len;
	__u32 version;
	__u32 macs;
	__u32 reason;
	__aligned_u64 arg;
	char text[MLPROXY_TEXT_LEN];
};

/* Operations of MLPROXY_IOC_MODEL_CTL. */
#define MLPROXY_MODEL_OP_ACTIVATE	1	/* standby becomes active */
#define MLPROXY_MODEL_OP_ROLLBACK	2	/* back to the one before */
#define MLPROXY_MODEL_OP_UNLOAD		3	/* drop both */

/**
 * struct mlproxy_model_ctl - ioctl(MLPROXY_IOC_MODEL_CTL)
 * @size: sizeof(struct mlproxy_model_ctl)
 * @flags: must be 0
 * @op: MLPROXY_MODEL_OP_*
 * @version: in: refuse (ENOENT) unless the model to become active has this
 *	version, 0 for any; out: active version, 0 for none
 *
 * ACTIVATE: the active model goes to the standby slot. ROLLBACK: the model that
 * was active before the last ACTIVATE becomes active again, or none where none
 * was; ENOENT where nothing was activated, or its slot was taken by a load.
 */
struct mlproxy_model_ctl {
	__u32 size;
	__u32 flags;
	__u32 op;
	__u32 version;
};

/**
 * struct mlproxy_model_info - ioctl(MLPROXY_IOC_MODEL_INFO)
 * @size: sizeof(struct mlproxy_model_info)
 * @flags: must be 0
 * @active_version: 0 for none
 * @standby_version: 0 for none
 * @active_macs: multiply-accumulates
 * @standby_macs: multiply-accumulates
 * @active_bytes: kernel memory
 * @standby_bytes: kernel memory
 * @active_name: name out of the model file
 * @standby_name: name out of the model file
 * @active_kind: MLPROXY_MODEL_KIND_*
 * @standby_kind: MLPROXY_MODEL_KIND_*
 */
struct mlproxy_model_info {
	__u32 size;
	__u32 flags;
	__u32 active_version;
	__u32 standby_version;
	__u32 active_macs;
	__u32 standby_macs;
	__u32 active_bytes;
	__u32 standby_bytes;
	char active_name[MLPROXY_NAME_LEN];
	char standby_name[MLPROXY_NAME_LEN];
	__u32 active_kind;
	__u32 standby_kind;
};

#define MLPROXY_EVAL_F_STANDBY	(1U << 0)

/**
 * struct mlproxy_model_eval - ioctl(MLPROXY_IOC_MODEL_EVAL)
 * @size: sizeof(struct mlproxy_model_eval)
 * @flags: MLPROXY_EVAL_F_STANDBY for the standby model, else the active one
 * @features: user pointer to __s64[@nr_features]
 * @nr_features: must be the schema's number
 * @baseline: index of a legal action
 * @allowed: bit mask of legal actions, with @baseline
 * @action: out: action that the model chooses
 * @predicted: out: predicted reward of @action, in reward units
 * @version: out: version of the model that ran
 * @nr_outputs: out: valid entries in @outputs
 * @outputs: out: accumulators of the last layer
 *
 * Runs the model outside of any decision, for tests and for comparison with the
 * same code in user space. ENOENT if there is no such model.
 */
struct mlproxy_model_eval {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__u32 nr_features;
	__u32 baseline;
	__u32 allowed;
	__u32 action;
	__s64 predicted;
	__u32 version;
	__u32 nr_outputs;
	__s32 outputs[MLPROXY_MAX_ACTIONS];
};

/**
 * struct mlproxy_stats - ioctl(MLPROXY_IOC_STATS)
 * @size: sizeof(struct mlproxy_stats)
 * @flags: must be 0
 * @decisions: decisions asked for while running
 * @critical: decisions left to the baseline since the subsystem was critical
 * @feedbacks: outcomes reported
 * @feedback_stale: outcomes of decisions made before a re-init, dropped
 * @rec_drained: recommendations taken from rings
 * @rec_accepted: of these, accepted
 * @rec_rejected: of these, refused
 * @rec_hits: decisions that found a fresh recommendation
 * @rec_expired: decisions that found only a stale one
 * @rec_evicted: recommendations that gave way to others
 * @events: raw events, each one also where they are aggregated
 * @bad_calls: calls with an illegal baseline or action, answered by the baseline, and
 *	events with another number of values than the schema says, dropped
 * @refused: illegal actions proposed by a recommendation or an eBPF program
 * @errors: actions that the subsystem reported as failed
 * @bpf_calls: decisions that an eBPF program was asked about
 * @latency_samples: decisions whose duration was measured (every 16th)
 * @latency_over: of these, longer than the budget
 * @pending_deferred: decisions put into the table of pending ones
 * @pending_resolved: of these, given their outcome
 * @pending_expired: of these, given up after PENDING_NS
 * @pending_evicted: of these, gave way to others
 * @pending_missed: outcomes whose decision was not in the table (any more)
 * @nr_sources: valid entries of what is by source
 * @nr_modes: valid entries of what is by mode
 * @nr_actions: valid entries of what is by action
 * @nr_arms: valid entries of what is by arm
 * @by_source: decisions by MLPROXY_SRC_*
 * @by_mode: decisions by MLPROXY_MODE_*
 * @by_action: decisions by action
 * @by_arm: decisions by the MLPROXY_ARM_* that their outcome counts for
 * @lost_by_arm: of these, those whose outcome expired or was evicted, but for what a stop
 *	gave up
 * @reward_count: outcomes by MLPROXY_SRC_*
 * @reward_sum: sum of the rewards by MLPROXY_SRC_*
 */
struct mlproxy_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 decisions;
	__aligned_u64 critical;
	__aligned_u64 feedbacks;
	__aligned_u64 feedback_stale;
	__aligned_u64 rec_drained;
	__aligned_u64 rec_accepted;
	__aligned_u64 rec_rejected;
	__aligned_u64 rec_hits;
	__aligned_u64 rec_expired;
	__aligned_u64 rec_evicted;
	__aligned_u64 events;
	__aligned_u64 bad_calls;
	__aligned_u64 refused;
	__aligned_u64 errors;
	__aligned_u64 bpf_calls;
	__aligned_u64 latency_samples;
	__aligned_u64 latency_over;
	__aligned_u64 pending_deferred;
	__aligned_u64 pending_resolved;
	__aligned_u64 pending_expired;
	__aligned_u64 pending_evicted;
	__aligned_u64 pending_missed;
	__u32 nr_sources;
	__u32 nr_modes;
	__u32 nr_actions;
	__u32 nr_arms;
	__aligned_u64 by_source[MLPROXY_ROOM_SOURCES];
	__aligned_u64 by_mode[MLPROXY_ROOM_MODES];
	__aligned_u64 by_action[MLPROXY_MAX_ACTIONS];
	__aligned_u64 by_arm[MLPROXY_ROOM_ARMS];
	__aligned_u64 lost_by_arm[MLPROXY_ROOM_ARMS];
	__aligned_u64 reward_count[MLPROXY_ROOM_SOURCES];
	__s64 reward_sum[MLPROXY_ROOM_SOURCES] __attribute__((aligned(8)));
};

/**
 * struct mlproxy_snapshot - ioctl(MLPROXY_IOC_SNAPSHOT)
 * @size: sizeof(struct mlproxy_snapshot)
 * @flags: must be 0
 * @nr: out: valid entries in @values; 0 if the proxy has no such callback
 * @health: out: MLPROXY_HEALTH_*
 * @reserved: must be 0
 * @values: out: state of the subsystem, as the schema's states say; a difference
 *	(MLPROXY_PRE_DELTA) is to the published snapshot before, whoever asked for it
 *
 * The same is published as an event record. If the file was not opened for writing,
 * nothing is: the values are for the asker alone, and change nothing.
 */
struct mlproxy_snapshot {
	__u32 size;
	__u32 flags;
	__u32 nr;
	__u32 health;
	__aligned_u64 reserved;
	__s64 values[MLPROXY_SNAPSHOT_MAX] __attribute__((aligned(8)));
};

/**
 * struct mlproxy_transition - one change of mode
 * @time_ns: CLOCK_MONOTONIC
 * @from: old mode
 * @to: new one
 * @reason: MLPROXY_REASON_*
 * @instance: instance of the proxy, 0 where there is but one
 * @evidence: what it was taken on
 */
struct mlproxy_transition {
	__aligned_u64 time_ns;
	__u32 from;
	__u32 to;
	__u32 reason;
	__u32 instance;
	struct mlproxy_evidence evidence;
};

#define MLPROXY_MAX_TRANSITIONS	32	/* kept by the kernel */

/* What is missing until the next step up. None of them in recommendation mode. */
#define MLPROXY_NEEDS_POLICY	(1U << 0)	/* something that proposes actions */
#define MLPROXY_NEEDS_SAMPLES	(1U << 1)	/* outcomes in both arms */
#define MLPROXY_NEEDS_REWARD	(1U << 2)	/* a reward that is high enough, with confidence */
#define MLPROXY_NEEDS_LEDGER	(1U << 3)	/* a ledger that does not contradict */
#define MLPROXY_NEEDS_OUTER	(1U << 4)	/* a cost that is no higher, with confidence */
#define MLPROXY_NEEDS_LOSSES	(1U << 5)	/* outcomes that get lost alike in both arms */
#define MLPROXY_NEEDS_TIME	(1U << 6)	/* the ramp, or an emergency's hold, to be over */

/**
 * struct mlproxy_efficiency - ioctl(MLPROXY_IOC_EFFICIENCY)
 * @size: sizeof(struct mlproxy_efficiency)
 * @flags: must be 0
 * @transitions: user pointer to struct mlproxy_transition[@count], newest first
 * @count: in: room; out: transitions written
 * @mode: out: MLPROXY_MODE_*
 * @automatic: out: 1 if the mode machine governs
 * @trial: out: number of the test of this model, which divides its error
 *	probability
 * @hold_ns: out: how long the present emergency lasts at least, else 0
 * @evaluations: out: times the mode was judged
 * @transition_size: in: sizeof(struct mlproxy_transition) of the caller, a stride
 * @instance: in: 0; out: number of the instance that all this is of, as for
 *	MLPROXY_IOC_MODE
 * @evidence: out: the running experiment
 * @stage: out: MLPROXY_STAGE_*
 * @needs: out: MLPROXY_NEEDS_* that the next step up waits for
 * @stage_since_ns: out: CLOCK_MONOTONIC of the stage's begin, 0 for none
 * @look_ns_max: out: longest look of the mode machine, all of which are made with
 *	interrupts off
 * @verdicts: user pointer to struct mlproxy_evidence[@nr_verdicts], by MLPROXY_VERDICT_*,
 *	or 0
 * @nr_verdicts: in: room; out: entries written
 * @verdict_size: in: sizeof(struct mlproxy_evidence) of the caller, a stride
 */
struct mlproxy_efficiency {
	__u32 size;
	__u32 flags;
	__aligned_u64 transitions;
	__u32 count;
	__u32 mode;
	__u32 automatic;
	__u32 trial;
	__aligned_u64 hold_ns;
	__aligned_u64 evaluations;
	__u32 transition_size;
	__u32 instance;
	struct mlproxy_evidence evidence;
	__u32 stage;
	__u32 needs;
	__aligned_u64 stage_since_ns;
	__aligned_u64 look_ns_max;
	__aligned_u64 verdicts;
	__u32 nr_verdicts;
	__u32 verdict_size;
};

#define MLPROXY_HEARTBEAT_F_LEAVE	(1U << 0)
#define MLPROXY_HEARTBEAT_MAX_MS	3600000U

/**
 * struct mlproxy_heartbeat - ioctl(MLPROXY_IOC_HEARTBEAT)
 * @size: sizeof(struct mlproxy_heartbeat)
 * @flags: MLPROXY_HEARTBEAT_F_LEAVE: no heartbeat is to be expected any more
 * @timeout_ms: in: the next one comes within it, 1 to MLPROXY_HEARTBEAT_MAX_MS; 0
 *	with F_LEAVE
 * @mode: out: MLPROXY_MODE_*
 * @age_ms: out: time since the heartbeat before, 0 for the first
 * @reserved: must be 0
 *
 * A heartbeat belongs to its session: nobody else's takes its place, and F_LEAVE ends
 * the session's own. A proxy any of whose agents is late goes to emergency
 * (MLPROXY_REASON_AGENT_LOST) at its next decision, and back to learning once that one
 * is heard again or leaves. A file that is closed without having left is a lost agent at
 * once; that is over with the first heartbeat of another session, or when the operator
 * sets the mode. A proxy that heard none since its initialisation, or whose agents left,
 * needs none. EBUSY while 64 other sessions of the proxy send heartbeats.
 *
 * The agents of a proxy are those of each of its instances; an agent of an instance is
 * of that one alone.
 */
struct mlproxy_heartbeat {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 mode;
	__aligned_u64 age_ms;
	__aligned_u64 reserved;
};

/* What a requested data set waits for. With the event that it waited for it begins;
 * of an aggregated event that is any single one.
 */
#define MLPROXY_TRIGGER_NOW	0
#define MLPROXY_TRIGGER_EVENT	1	/* a raw event of the given number */
#define MLPROXY_TRIGGER_MODE	2	/* a change of mode */
#define MLPROXY_NR_TRIGGERS	3

/* States of a session's data set. */
#define MLPROXY_DATASET_CONTINUOUS	0	/* nothing asked: all is published */
#define MLPROXY_DATASET_WAITING		1	/* for its trigger */
#define MLPROXY_DATASET_ACTIVE		2
#define MLPROXY_DATASET_COMPLETE	3	/* all that was asked for was published */
#define MLPROXY_DATASET_CANCELLED	4

#define MLPROXY_DATASET_F_REQUEST	(1U << 0)
#define MLPROXY_DATASET_F_CANCEL	(1U << 1)
#define MLPROXY_MAX_FILTERS		4

/**
 * struct mlproxy_filter - a range of a feature
 * @feature: index in the schema
 * @reserved: must be 0
 * @min: smallest value that passes
 * @max: largest value that passes
 */
struct mlproxy_filter {
	__u32 feature;
	__u32 reserved;
	__s64 min;
	__s64 max;
};

/**
 * struct mlproxy_dataset - ioctl(MLPROXY_IOC_DATASET)
 * @size: sizeof(struct mlproxy_dataset)
 * @flags: MLPROXY_DATASET_F_REQUEST to ask for one, MLPROXY_DATASET_F_CANCEL to
 *	end it, 0 to look at it
 * @trigger: in: MLPROXY_TRIGGER_*
 * @event: in: number of the event for MLPROXY_TRIGGER_EVENT, below
 *	MLPROXY_EVENT_SNAPSHOT; else 0
 * @max_decisions: in: complete after so many decisions, 0 for no limit
 * @duration_ns: in: complete so long after it became active, 0 for no limit
 * @sample: in: share of the decisions, of 65536; 0 for all
 * @nr_filters: in: entries in @filters; a decision must pass all
 * @state: out: MLPROXY_DATASET_*
 * @reserved: must be 0
 * @decisions: out: decisions published for it, delivered and lost
 * @filtered: out: decisions that did not pass, or were not drawn, while it was active
 * @filters: in
 *
 * For the session's rings, which must be set up (ENOENT without). A decision and its
 * feedback are published both or neither, and a decision that was lost has none; raw
 * events are published while it is active; snapshots and changes of mode, state and
 * model always are. Ranges are of the values as published, after preprocessing.
 *
 * Once it is COMPLETE poll() says POLLPRI until there is another request, and what is
 * unread is ready whatever the watermark; the last feedback may still come. Decisions
 * are not published any more then, nor once it is CANCELLED. To cancel where nothing
 * waits or is active is no error. EBUSY for a request while another is waiting or
 * active.
 */
struct mlproxy_dataset {
	__u32 size;
	__u32 flags;
	__u32 trigger;
	__u32 event;
	__aligned_u64 max_decisions;
	__aligned_u64 duration_ns;
	__u32 sample;
	__u32 nr_filters;
	__u32 state;
	__u32 reserved;
	__aligned_u64 decisions;
	__aligned_u64 filtered;
	struct mlproxy_filter filters[MLPROXY_MAX_FILTERS];
};

/* ------------------------------------------------------------------ */
/* Decision points of user space                                       */

/*
 * A daemon that registers a decision point is to the rest what a kernel module with a
 * proxy is: the point is listed, bound, recorded, trained for, started and stopped as any
 * proxy. It belongs to the open file that registered it, whoever uses that file, and goes
 * when the last descriptor of it does: sessions that are bound to it are hung up then.
 *
 * A file has one point, and is bound to no proxy: to read its own data set, or to order
 * something of its point, a daemon opens another file. Calls may be made by several threads
 * at once. Decisions are named by their ids, and found only in the point that made them.
 */

/* Names of points begin with it, and no other proxy's does. */
#define MLPROXY_POINT_PREFIX		"user-"
#define MLPROXY_MAX_POINTS		32	/* at a time, of all users */
#define MLPROXY_POINT_MAX_INSTANCES	64	/* of one point */
#define MLPROXY_POINT_QUOTA		64	/* points and instances of one user */
#define MLPROXY_POINT_MAX_PENDING	4096U	/* decisions of one that wait for outcomes */

#define MLPROXY_POINT_F_START	(1U << 0)

/**
 * struct mlproxy_point - ioctl(MLPROXY_IOC_POINT_REGISTER)
 * @size: sizeof(struct mlproxy_point)
 * @flags: MLPROXY_POINT_F_START: start at once; else the operator starts it
 * @name: in: 1 to 26 of A-Z, a-z, 0-9, '_' and '-'; out: name of the proxy, that is,
 *	MLPROXY_POINT_PREFIX and this
 * @features: user pointer to struct mlproxy_feature[@nr_features]
 * @actions: user pointer to struct mlproxy_action[@nr_actions]; each must be safe at any
 *	time
 * @nr_features: 1 to MLPROXY_MAX_FEATURES
 * @nr_actions: 2 to MLPROXY_MAX_ACTIONS
 * @feature_size: sizeof(struct mlproxy_feature) of the caller, a stride
 * @action_size: sizeof(struct mlproxy_action) of the caller, a stride
 * @schema_version: to be raised with every change of the rest
 * @unit: unit of randomisation, MLPROXY_UNIT_*
 * @reward_name: name of the reward
 * @reward_unit: its unit
 * @reward_type: MLPROXY_TYPE_*, but no ENUM; 0 is a whole number of @reward_unit
 * @reward_direction: MLPROXY_REWARD_*
 * @reward_min: smallest reward, 32 bits; smaller ones are clamped
 * @reward_max: largest reward, 32 bits; larger ones are clamped
 * @id: out: id of the proxy
 * @pending_entries: decisions that may wait for their outcome at a time, rounded up to a
 *	power of two; 0 for 256, at most MLPROXY_POINT_MAX_PENDING
 * @pending_ns: how long they wait, until the operator says otherwise; 1 ms to 1 day, 0 for
 *	60 s. No longer than outcomes take: each step up waits until what is lost is known
 * @text: out: what is wrong with the description, with EBADMSG
 * @states: user pointer to struct mlproxy_feature[@nr_states]: what the values of a
 *	snapshot are; or 0
 * @events: user pointer to struct mlproxy_event_desc[@nr_events], or 0
 * @strata: user pointer to struct mlproxy_stratum[@nr_strata], or 0 for contexts without
 *	names
 * @nr_states: 0 to MLPROXY_MAX_STATES
 * @nr_events: 0 to MLPROXY_MAX_EVENTS
 * @nr_strata: contexts within which outcomes are compared, 0 to MLPROXY_MAX_STRATA (4 if
 *	@unit is not MLPROXY_UNIT_DECISION)
 * @state_size: as @feature_size, for @states
 * @event_size: sizeof(struct mlproxy_event_desc) of the caller, a stride
 * @stratum_size: sizeof(struct mlproxy_stratum) of the caller, a stride
 * @trial_share: share of the decisions, of 65536, that follow a policy in learning mode
 *	until the operator says otherwise, up to a half; 0 for 1/16
 * @min_samples: outcomes of each arm before a policy is judged, 2 and up; 0 for 200
 * @ramp_ns: how long a policy is tried with a larger share before it is recommended; 0
 *	for 5 s
 * @max_macs: multiply-accumulates a model may cost in one decision, up to 131072; 0 for 8192
 * @table_entries: recommendations held at a time; 0 for 1024
 * @ledger_name: what decisions bring beside the reward, in units that add up; empty for
 *	no ledger
 * @ledger_unit: its unit
 * @ledger_direction: MLPROXY_REWARD_*
 * @outer_unit: MLPROXY_OUTER_*: what the outer experiment draws its arms for
 * @ledger_min: as @reward_min
 * @ledger_max: as @reward_max
 * @outer_hold_ns: how long a unit of the outer experiment keeps its arm; 0 for 5 s
 * @outer_washout_ns: start of that time, which is not counted; 0 for two fifths of it
 * @cost_name: what the system pays; ignored with MLPROXY_OUTER_NONE
 * @cost_unit: its unit
 * @work_name: what it pays for
 * @work_unit: its unit
 *
 * Once per file, which must not be bound. EBADMSG: the description is refused, @text says
 * why. EEXIST: the name is in use. EDQUOT: the user who opened the file has points and
 * instances enough; a file with MLPROXY_RIGHT_OPERATE is not limited. ENOSPC: there are as
 * many points, or proxies, as there may be.
 *
 * Memory is charged to the caller's memory cgroup.
 */
struct mlproxy_point {
	__u32 size;
	__u32 flags;
	char name[MLPROXY_NAME_LEN];
	__aligned_u64 features;
	__aligned_u64 actions;
	__u32 nr_features;
	__u32 nr_actions;
	__u32 feature_size;
	__u32 action_size;
	__u32 schema_version;
	__u32 unit;
	char reward_name[MLPROXY_NAME_LEN];
	char reward_unit[MLPROXY_UNIT_LEN];
	__u32 reward_type;
	__u32 reward_direction;
	__s64 reward_min __attribute__((aligned(8)));
	__s64 reward_max __attribute__((aligned(8)));
	__u32 id;
	__u32 pending_entries;
	__aligned_u64 pending_ns;
	char text[MLPROXY_TEXT_LEN];
	__aligned_u64 states;
	__aligned_u64 events;
	__aligned_u64 strata;
	__u32 nr_states;
	__u32 nr_events;
	__u32 nr_strata;
	__u32 state_size;
	__u32 event_size;
	__u32 stratum_size;
	__u32 trial_share;
	__u32 min_samples;
	__aligned_u64 ramp_ns;
	__u32 max_macs;
	__u32 table_entries;
	char ledger_name[MLPROXY_NAME_LEN];
	char ledger_unit[MLPROXY_UNIT_LEN];
	__u32 ledger_direction;
	__u32 outer_unit;
	__s64 ledger_min __attribute__((aligned(8)));
	__s64 ledger_max __attribute__((aligned(8)));
	__aligned_u64 outer_hold_ns;
	__aligned_u64 outer_washout_ns;
	char cost_name[MLPROXY_NAME_LEN];
	char cost_unit[MLPROXY_UNIT_LEN];
	char work_name[MLPROXY_NAME_LEN];
	char work_unit[MLPROXY_UNIT_LEN];
};

/**
 * struct mlproxy_point_instance - ioctl(MLPROXY_IOC_POINT_ADD, _POINT_DROP)
 * @size: sizeof(struct mlproxy_point_instance)
 * @flags: must be 0
 * @name: to add: name of the instance, as for a point; to drop: ignored
 * @instance: to add: out: its number, > 0; to drop: in
 * @id: to add: out: its id; to drop: ignored
 *
 * An instance (a device, a cgroup) decides, and has a mode, evidence and parameters of its
 * own; schema, models and recommendations are the point's. A point that has, or had,
 * instances decides nothing itself. One that is added while the point runs is started.
 *
 * To add: EINVAL for a bad name, or one too long for POINT:INSTANCE; EEXIST, EDQUOT, ENOSPC
 * as for a point. To drop: ENOENT if there is no such instance.
 */
struct mlproxy_point_instance {
	__u32 size;
	__u32 flags;
	char name[MLPROXY_NAME_LEN];
	__u32 instance;
	__u32 id;
};

/**
 * struct mlproxy_point_decide - ioctl(MLPROXY_IOC_POINT_DECIDE)
 * @size: sizeof(struct mlproxy_point_decide)
 * @flags: must be 0
 * @key: entity, for recommendations and for randomisation by entity. It is in the data set
 *	as it is: hash what others must not know
 * @features: user pointer to __s64[@nr_features], before any preprocessing that the schema
 *	says
 * @nr_features: must be the schema's number
 * @instance: number of the instance, 0 for a point without
 * @baseline: action that the daemon would take by itself
 * @allowed: bit mask of the actions legal here, with @baseline; 0 means all
 * @stratum: context that the outcome is compared in
 * @reserved: must be 0
 * @id: out: names the decision until its outcome is told; 0 if the point does not run: then
 *	@action is @baseline, nothing was recorded, and no outcome is taken
 * @predicted: out: reward predicted for @action, if @has_prediction
 * @prob_q31: out: probability with which @action was chosen
 * @model_version: out: model or recommendation version that was asked, 0 for none
 * @action: out: the action to take, always legal
 * @source: out: MLPROXY_SRC_*
 * @mode: out: MLPROXY_MODE_*
 * @arm: out: MLPROXY_ARM_*
 * @outer_arm: out: MLPROXY_ARM_* of the outer experiment
 * @has_prediction: out: 1 if @predicted counts
 *
 * Waits for nobody. The decision is kept for its outcome, until MLPROXY_PARAM_PENDING_NS
 * is over, or until there are too many: the oldest gives way. ENOENT: no such instance.
 * EINVAL: a number of features, baseline, set of actions or stratum that is not the
 * schema's.
 */
struct mlproxy_point_decide {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__aligned_u64 features;
	__u32 nr_features;
	__u32 instance;
	__u32 baseline;
	__u32 allowed;
	__u32 stratum;
	__u32 reserved;
	__aligned_u64 id;
	__s64 predicted __attribute__((aligned(8)));
	__u32 prob_q31;
	__u32 model_version;
	__u32 action;
	__u32 source;
	__u32 mode;
	__u32 arm;
	__u32 outer_arm;
	__u32 has_prediction;
};

#define MLPROXY_OUTCOME_F_FAILED	(1U << 0)

/**
 * struct mlproxy_point_outcome - ioctl(MLPROXY_IOC_POINT_FEEDBACK)
 * @size: sizeof(struct mlproxy_point_outcome)
 * @flags: MLPROXY_OUTCOME_F_FAILED: the action could not be carried out, which counts
 *	against the policy that chose it; the outcome is that of what happened instead
 * @id: of the decision, as MLPROXY_IOC_POINT_DECIDE gave it
 * @instance: that decided
 * @reserved: must be 0
 * @reward: in the schema's unit, clamped to its range
 * @ledger: what the decision brought in the schema's ledger, clamped; ignored without one
 *
 * Once a decision. ENOENT: no decision of this id waits for its outcome in this point or
 * instance: it was told already, given up, replaced by later ones or by a stop, or never
 * made here.
 */
struct mlproxy_point_outcome {
	__u32 size;
	__u32 flags;
	__aligned_u64 id;
	__u32 instance;
	__u32 reserved;
	__s64 reward __attribute__((aligned(8)));
	__s64 ledger __attribute__((aligned(8)));
};

/**
 * struct mlproxy_point_event - ioctl(MLPROXY_IOC_POINT_EVENT)
 * @size: sizeof(struct mlproxy_point_event)
 * @flags: must be 0
 * @key: entity
 * @values: user pointer to __s64[@nr_values]
 * @nr_values: as many as the schema says for a described event, else up to 64
 * @event: number, below MLPROXY_EVENT_SNAPSHOT
 * @instance: that it is about
 * @reserved: must be 0
 *
 * A raw event for the data set. EINVAL for another number of values; ENOENT: no such
 * instance.
 */
struct mlproxy_point_event {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__aligned_u64 values;
	__u32 nr_values;
	__u32 event;
	__u32 instance;
	__u32 reserved;
};

#define MLPROXY_POINT_STATE_F_SNAPSHOT	(1U << 0)
#define MLPROXY_POINT_STATE_F_CRITICAL	(1U << 1)

/**
 * struct mlproxy_point_state - ioctl(MLPROXY_IOC_POINT_STATE)
 * @size: sizeof(struct mlproxy_point_state)
 * @flags: MLPROXY_POINT_STATE_F_SNAPSHOT: @nr, @health and @values count: they are kept as
 *	the state of the subsystem, and published; MLPROXY_POINT_STATE_F_CRITICAL: @critical
 *	counts
 * @instance: that it is about
 * @nr: values, must be the schema's number of states
 * @health: MLPROXY_HEALTH_*; a bad one leads to emergency mode
 * @critical: 1 while the subsystem can't afford experiments: all decisions are the
 *	baseline then; else 0
 * @values: as measured, before any preprocessing that the schema says
 *
 * What was told last is taken for the state wherever the kernel asks a module for it:
 * at the start, when the mode changes, by MLPROXY_IOC_SNAPSHOT, and periodically.
 */
struct mlproxy_point_state {
	__u32 size;
	__u32 flags;
	__u32 instance;
	__u32 nr;
	__u32 health;
	__u32 critical;
	__s64 values[MLPROXY_SNAPSHOT_MAX] __attribute__((aligned(8)));
};

/**
 * struct mlproxy_point_cost - ioctl(MLPROXY_IOC_POINT_COST)
 * @size: sizeof(struct mlproxy_point_cost)
 * @flags: must be 0
 * @key: entity that paid; ignored with MLPROXY_OUTER_WINDOW
 * @cost: what the system paid since the last call for it, below 2^40
 * @work: for how much work, below 2^40
 * @instance: that it is about
 * @control: out: 1 if the outer experiment holds @key to the baseline now: what is done
 *	beside single decisions is to be left undone there
 *
 * All that is paid while the point runs has to be reported, in both arms alike. EINVAL for
 * a point without MLPROXY_OUTER_*, or out of range; ENOENT: no such instance.
 */
struct mlproxy_point_cost {
	__u32 size;
	__u32 flags;
	__aligned_u64 key;
	__aligned_u64 cost;
	__aligned_u64 work;
	__u32 instance;
	__u32 control;
};

/* What the kernel has to tell a daemon. */
#define MLPROXY_NOTICE_STARTED	(1U << 0)
#define MLPROXY_NOTICE_STOPPED	(1U << 1)
#define MLPROXY_NOTICE_CORRECT	(1U << 2)

/**
 * struct mlproxy_point_notice - ioctl(MLPROXY_IOC_POINT_NOTICE)
 * @size: sizeof(struct mlproxy_point_notice)
 * @flags: must be 0
 * @instance: out: that it is about, 0 for the point itself
 * @notices: out: MLPROXY_NOTICE_*, all since the last call:
 *	STARTED, STOPPED: it was; what counts is the state that the last of them left, see
 *	@running; CORRECT: it went into emergency mode: bring the subsystem back to its own
 *	behaviour
 * @reason: out: MLPROXY_REASON_* of the emergency
 * @running: out: 1 if decisions are taken now
 *
 * poll() of the file says EPOLLPRI while there is something to tell. EAGAIN: there is not.
 */
struct mlproxy_point_notice {
	__u32 size;
	__u32 flags;
	__u32 instance;
	__u32 notices;
	__u32 reason;
	__u32 running;
};

#define MLPROXY_IOC_INFO	_IO(MLPROXY_IOC_MAGIC, 0x00)
#define MLPROXY_IOC_LIST	_IO(MLPROXY_IOC_MAGIC, 0x01)
#define MLPROXY_IOC_BIND	_IO(MLPROXY_IOC_MAGIC, 0x02)
#define MLPROXY_IOC_SCHEMA	_IO(MLPROXY_IOC_MAGIC, 0x03)
#define MLPROXY_IOC_CONTROL	_IO(MLPROXY_IOC_MAGIC, 0x04)
#define MLPROXY_IOC_MODE	_IO(MLPROXY_IOC_MAGIC, 0x05)
#define MLPROXY_IOC_PARAM	_IO(MLPROXY_IOC_MAGIC, 0x06)
#define MLPROXY_IOC_RING_SETUP	_IO(MLPROXY_IOC_MAGIC, 0x07)
#define MLPROXY_IOC_RING_STATS	_IO(MLPROXY_IOC_MAGIC, 0x08)
#define MLPROXY_IOC_RECOMMEND_SETUP _IO(MLPROXY_IOC_MAGIC, 0x09)
#define MLPROXY_IOC_RECOMMEND_DRAIN _IO(MLPROXY_IOC_MAGIC, 0x0a)
#define MLPROXY_IOC_MODEL_LOAD	_IO(MLPROXY_IOC_MAGIC, 0x0b)
#define MLPROXY_IOC_MODEL_CTL	_IO(MLPROXY_IOC_MAGIC, 0x0c)
#define MLPROXY_IOC_MODEL_INFO	_IO(MLPROXY_IOC_MAGIC, 0x0d)
#define MLPROXY_IOC_MODEL_EVAL	_IO(MLPROXY_IOC_MAGIC, 0x0e)
#define MLPROXY_IOC_STATS	_IO(MLPROXY_IOC_MAGIC, 0x0f)
#define MLPROXY_IOC_SNAPSHOT	_IO(MLPROXY_IOC_MAGIC, 0x10)
#define MLPROXY_IOC_EFFICIENCY	_IO(MLPROXY_IOC_MAGIC, 0x11)
#define MLPROXY_IOC_HEARTBEAT	_IO(MLPROXY_IOC_MAGIC, 0x12)
#define MLPROXY_IOC_DATASET	_IO(MLPROXY_IOC_MAGIC, 0x13)
#define MLPROXY_IOC_RING_CONSUME _IO(MLPROXY_IOC_MAGIC, 0x14)

#define MLPROXY_IOC_POINT_REGISTER _IO(MLPROXY_IOC_MAGIC, 0x20)
#define MLPROXY_IOC_POINT_ADD	_IO(MLPROXY_IOC_MAGIC, 0x21)
#define MLPROXY_IOC_POINT_DROP	_IO(MLPROXY_IOC_MAGIC, 0x22)
#define MLPROXY_IOC_POINT_DECIDE _IO(MLPROXY_IOC_MAGIC, 0x23)
#define MLPROXY_IOC_POINT_FEEDBACK _IO(MLPROXY_IOC_MAGIC, 0x24)
#define MLPROXY_IOC_POINT_EVENT	_IO(MLPROXY_IOC_MAGIC, 0x25)
#define MLPROXY_IOC_POINT_STATE	_IO(MLPROXY_IOC_MAGIC, 0x26)
#define MLPROXY_IOC_POINT_COST	_IO(MLPROXY_IOC_MAGIC, 0x27)
#define MLPROXY_IOC_POINT_NOTICE _IO(MLPROXY_IOC_MAGIC, 0x28)

#endif /* _UAPI_LINUX_MLPROXY_H */
