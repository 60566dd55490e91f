# SPDX-License-Identifier: GPL-2.0-only
#
# For the Kbuild of each proxy: name the module, include this, and name the common objects
# that the proxy wants, e.g.
#
#	PROXY_MODULE := mlproxy_example
#	include $(src)/../common/proxy.mk
#	obj-m += mlproxy_example.o
#	mlproxy_example-y := example.o $(PROXY_HOOK)
#
# common-NAME.o is NAME.c of this folder, compiled once for each proxy that names it: what
# is static there is that proxy's own, and THIS_MODULE is the proxy. There is no helper module.

PROXY_COMMON ?= $(src)/../common
ccflags-y += -I$(PROXY_COMMON)/../../include -I$(PROXY_COMMON)/../../../uapi
ccflags-y += -I$(PROXY_COMMON)/../.. -I$(PROXY_COMMON)/..

# A replacement must return into its module: a tail call to the original would leave it with
# a parent outside of the module, and redirect it again.
PROXY_REPLACES := -fno-optimize-sibling-calls
PROXY_HOOK := common-hook.o common-symbol.o common-proto.o

# kbuild looks for the module of an object by the stem of its rule.
$(obj)/common-%.o: __modname = $(PROXY_MODULE)
$(obj)/common-%.o: $(PROXY_COMMON)/%.c FORCE
	$(call if_changed_rule,cc_o_c)
