/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of libmlproxy's sessions share. */
#ifndef _MLPROXY_TEST_LIB_SESSION_H
#define _MLPROXY_TEST_LIB_SESSION_H

#include "unit.h"

#include <mlproxy/mlproxy.h>

/** session_teardown() - close the session that is a test's state */
static inline int session_teardown(void **state)
{
	mlproxy_close(*state);
	return 0;
}

/** assert_says() - the session's last failure names @what */
static inline void assert_says(const struct mlproxy_session *s, const char *what)
{
	if (!strstr(mlproxy_errmsg(s), what))
		fail_msg("'%s' not in: %s", what, mlproxy_errmsg(s));
}

#endif /* _MLPROXY_TEST_LIB_SESSION_H */
