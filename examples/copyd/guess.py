#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""guess.py N: N decisions whose best action is known, by a daemon in Python."""
import ctypes as c
import sys

NAME, UNIT = c.c_char * 32, c.c_char * 16
Feature = type("Feature", (c.Structure,), {"_fields_": [
    ("name", NAME), ("unit", UNIT), ("min", c.c_int64), ("max", c.c_int64),
    ("type", c.c_uint32), ("preprocess", c.c_uint32)]})
Action = type("Action", (c.Structure,), {"_fields_": [("name", NAME), ("value", c.c_int64)]})
Desc = type("Desc", (c.Structure,), {"_fields_": [
    ("name", c.c_char_p), ("schema_version", c.c_uint32), ("flags", c.c_uint32),
    ("features", c.POINTER(Feature)), ("actions", c.POINTER(Action)),
    ("nr_features", c.c_uint32), ("nr_actions", c.c_uint32),
    ("reward_name", c.c_char_p), ("reward_unit", c.c_char_p),
    ("reward_min", c.c_int64), ("reward_max", c.c_int64), ("reward_type", c.c_uint32),
    ("reward_direction", c.c_uint32), ("unit", c.c_uint32), ("entries", c.c_uint32),
    ("pending_ns", c.c_uint64)]})
Decide = type("Decide", (c.Structure,), {"_fields_": [
    ("size", c.c_uint32), ("flags", c.c_uint32), ("key", c.c_uint64),
    ("features", c.c_void_p), ("nr_features", c.c_uint32), ("instance", c.c_uint32),
    ("baseline", c.c_uint32), ("allowed", c.c_uint32), ("stratum", c.c_uint64),
    ("id", c.c_uint64), ("predicted", c.c_int64), ("prob_q31", c.c_uint32),
    ("version", c.c_uint32), ("action", c.c_uint32), ("rest", c.c_uint32 * 5)]})
lib = c.CDLL("libmlproxy.so.0")
lib.mlproxy_errmsg.restype = c.c_char_p
s, x, right = c.c_void_p(), (c.c_int64 * 1)(), 0
desc = Desc(b"guess", 1, 1, (Feature * 1)(Feature(b"hint", b"", 0, 3)),
            (Action * 4)(*[Action(b"%d" % i, i) for i in range(4)]), 1, 4, b"right", b"", 0, 1)
sizes = (c.c_size_t * 8)(64, c.sizeof(Desc), 0, 72, 40, 72, 40, 32)
if lib.mlproxy_open(c.byref(s), None, 0) or lib.mlproxy_point_register_sized(s, c.byref(desc), sizes):
    sys.exit(lib.mlproxy_errmsg(s).decode())
for i in range(int(sys.argv[1])):
    x[0] = i * i % 7 % 4
    d = Decide(features=c.addressof(x), nr_features=1)
    lib.mlproxy_point_decide_sized(s, c.byref(d), c.c_size_t(c.sizeof(d)))
    right += d.action == x[0]
    lib.mlproxy_point_feedback(s, c.c_uint64(d.id), 0, c.c_int64(d.action == x[0]))
print("right:", right)
