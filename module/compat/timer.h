/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers: hrtimer_setup() came in 6.13, and hrtimer_init() went in 6.15. */
#ifndef _MLPROXY_COMPAT_TIMER_H
#define _MLPROXY_COMPAT_TIMER_H

#include <linux/hrtimer.h>
#include <linux/version.h>

static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*function)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* _MLPROXY_COMPAT_TIMER_H */
