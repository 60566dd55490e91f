# SPDX-License-Identifier: GPL-2.0-only
#
# What the Makefiles of all parts of user space share. A part sets PART to its
# folder, and then:
#
#   PART_CPPFLAGS, PART_CFLAGS, PART_CXXFLAGS  beside the flags that all parts have
#
# It gets OBJS, the objects of all *.c in that folder, and the recipes COMPILE, LINK
# and ARCHIVE.
#
# Of the user: O, CC, CXX, AR, CPPFLAGS, CFLAGS, CXXFLAGS, LDFLAGS, DESTDIR, PREFIX,
# LIBDIR, and WERROR=1 to take warnings for errors. CFLAGS come last, and are given
# to the linker as well: a sanitizer needs no more than CFLAGS='-O1 -g -fsanitize=...'.

TOP	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
O	?= $(TOP)/build
override O := $(abspath $(O))
US	:= $(TOP)/userspace
OBJ	:= $(O)/userspace/obj/$(PART)
LIB	:= $(O)/userspace/lib
BIN	:= $(O)/userspace/bin

DESTDIR	?=
PREFIX	?= /usr/local
LIBDIR	?= $(PREFIX)/lib

CC	?= cc
CXX	?= c++
AR	?= ar
CFLAGS	?= -O2 -g
CXXFLAGS ?= -O2 -g
WERROR	?=

WARN	:= -Wall -Wextra $(if $(filter-out 0,$(WERROR)),-Werror)
ALL_CPPFLAGS = -D_GNU_SOURCE -I$(TOP)/uapi -I$(TOP)/module -I$(US) $(PART_CPPFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) -MMD -MP -MT $@ $(PART_CFLAGS) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(WARN) -MMD -MP -MT $@ $(PART_CXXFLAGS) $(CXXFLAGS)
COMPILE	= $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<
COMPILE_CXX = $(CXX) $(ALL_CPPFLAGS) $(ALL_CXXFLAGS) -c -o $@ $<

# With the libraries that are needed behind it.
define LINK
@mkdir -p $(@D)
$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)
endef

# libmlproxytorch.so is loaded when the first network is made: from the build
# directory, or from where it is installed.
ELSEWHERE = $(addprefix :,$(filter-out $(PREFIX)/lib,$(LIBDIR)))
TORCH_RPATH = -Wl,-rpath,'$$ORIGIN/../lib:$$ORIGIN/../../lib$(ELSEWHERE)'

define ARCHIVE
@mkdir -p $(@D)
rm -f $@
$(AR) rcs $@ $(filter %.o,$^)
endef

OBJS	:= $(patsubst $(US)/$(PART)/%.c,$(OBJ)/%.o,$(wildcard $(US)/$(PART)/*.c))

all:

vpath %.c $(US)/$(PART)
vpath %.cc $(US)/$(PART)

# Objects are made anew when the flags are others than the last time.
FLAGS	= $(filter-out -Werror,$(COMPILE) $(COMPILE_CXX) $(LDFLAGS))
QUOTED	= '$(subst ','\'',$(FLAGS))'
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(QUOTED) | cmp -s - $@ || printf '%s\n' $(QUOTED) > $@

# So are programs linked anew that are to find a library elsewhere.
$(OBJ)/rpath: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(TORCH_RPATH) | cmp -s - $@ || printf '%s\n' $(TORCH_RPATH) > $@

$(OBJ)/%.o: %.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE)

$(OBJ)/%.o: %.cc $(OBJ)/flags
	@mkdir -p $(@D)
	$(COMPILE_CXX)

-include $(wildcard $(OBJ)/*.d $(OBJ)/*/*.d)

FORCE:
.PHONY: all install clean FORCE
.SECONDARY:
