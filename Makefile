# SPDX-License-Identifier: GPL-2.0-only
#
# mlproxy: kernel modules and user space. "make help" lists the targets.
#
# One tree serves several kernels: module/ and uapi/ are copied to
# build/KERNELRELEASE/ and built there, so that objects of two kernels never
# meet. "make -C KDIR M=.../module" in the tree works too, as DKMS does it.

KDIR	?= /lib/modules/$(shell uname -r)/build
O	?= $(CURDIR)/build
VERSION	:= $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DESTDIR	?=
# GNU's name for it is taken as well.
prefix	?= /usr/local
PREFIX	?= $(prefix)
UDEVDIR	?= /usr/lib/udev/rules.d
SRCDIR	?= /usr/src

override O := $(abspath $(O))
# Debian's 6.1 headers say another thing in include/config/kernel.release.
KRELEASE := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
KBUILD_DIR = $(O)/$(KRELEASE)
# O is ours; kbuild would take it for its own. Even an empty one undoes what Debian's
# headers say of themselves since 7.0.
MAKEOVERRIDES := $(filter-out O=%,$(MAKEOVERRIDES))
KMAKE = $(MAKE) -C $(KDIR) M=$(KBUILD_DIR)/module
# Build results must neither be copied nor be deleted as strangers.
SYNC	= rsync -a --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
	--exclude='*.mod.c' --exclude='.*.cmd' --exclude='*.symvers' \
	--exclude='modules.order' --exclude='.module-common.o' \
	--exclude='.Module.symvers.cmd' --exclude='.modules.order.cmd'

all: modules userspace

help:
	@echo 'mlproxy $(VERSION)'
	@echo
	@echo '  make             modules and user space'
	@echo '  make modules     kernel modules, for the running kernel or KDIR=...'
	@echo '  make userspace   libraries, command line tool, trainer (build/userspace)'
	@echo '  make python      the Python package mlproxy; make install-python installs it'
	@echo '  make demo        boot a stock kernel, train, compare; about 15 minutes'
	@echo '  make pretrain    make the shipped models of readahead anew; about 40 minutes'
	@echo '  make bench       what a decision, a record and a model cost, beside peers; a minute'
	@echo '  make bench-readahead  compare them on the test loads; hours'
	@echo '  make bench-readahead-fits  the same where data fits in memory; minutes'
	@echo '  make bench-f2fs  what F2FS migrates under which policy; hours, can be resumed'
	@echo '  make check       the tests, on three kernels; about 40 minutes'
	@echo '  make check-f2fs  the proxy for F2FS in hard use, on both kernels; 10 minutes'
	@echo '  make check-daemons  the tools on a daemon'\''s decision point, and the cleaner for NILFS2; 3 minutes'
	@echo '  make check-debug  all of them that can on the debug kernel; over an hour'
	@echo '  make check-bench  is nothing dearer than in docs/results/core-cost.md; a minute'
	@echo '  make check-sanitize  unit tests on user space built with sanitizers'
	@echo '  make check-newest  the modules on the newest kernel of Debian backports'
	@echo '  make sign        sign the built modules with DKMS'\''s key, or KEY= and CERT='
	@echo '  make install     modules for KDIR, user space, udev rule (DESTDIR, PREFIX)'
	@echo '  make uninstall   remove what make install put there (same DESTDIR, PREFIX)'
	@echo '  make deb         Debian packages, in build/deb'
	@echo '  make check-deb   build, install, upgrade and purge them in a clean root; minutes'
	@echo '  make dkms        hand the module source to DKMS for the running kernel'
	@echo '  make clean       remove build/ (the cache of kernels stays)'
	@echo
	@echo '  KDIR=DIR         kernel build directory; now $(KDIR)'
	@echo '                   scripts/kernels path 6.12 headers prints another'
	@echo '  W=1, C=2         the kernel build system'\''s warnings and sparse'
	@echo
	@echo 'Packages: "scripts/deps build" installs what a build needs; demo and'
	@echo 'check install what they need themselves, and say so first.'

modules: sync
	+$(KMAKE) modules

sync: kdir-check
	@mkdir -p $(KBUILD_DIR)
	@$(SYNC) module uapi $(KBUILD_DIR)/

kdir-check:
	@command -v rsync >/dev/null || { \
		echo 'error: rsync is not installed; run: scripts/deps build' >&2; exit 1; }
	@test -n '$(KRELEASE)' || { \
		echo 'error: no kernel build directory at $(KDIR)' >&2; \
		echo 'Install the headers of this kernel, or name another, e.g.:' >&2; \
		echo '  scripts/kernels get 6.1' >&2; \
		echo '  make modules KDIR=$$(scripts/kernels path 6.1 headers)' >&2; \
		exit 1; }

userspace:
	+$(MAKE) -C userspace O=$(O) PREFIX=$(PREFIX)
	+$(MAKE) -C examples/bpf O=$(O)
	+$(MAKE) -C examples/copyd O=$(O)

# Needs Python's headers and cffi, so it is apart.
python: userspace
	+$(MAKE) -C userspace/python O=$(O) PREFIX=$(PREFIX)

install-python: python
	+$(MAKE) -C userspace/python O=$(O) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install

demo:
	scripts/demo

pretrain:
	scripts/pretrain

bench:
	bench/core/cost --write

bench-readahead:
	scripts/bench-readahead

bench-readahead-fits:
	scripts/bench-readahead --set fits --dir $(O)/bench-readahead-fits

bench-f2fs:
	scripts/bench-f2fs

check:
	scripts/check

# The module is built for each of the kernels by then, as by make check.
check-f2fs:
	for kernel in 6.1 6.12; do \
		scripts/vm --kernel $$kernel --one-thread --timeout 1200 -- \
			tests/guest/run --kernel $$kernel f2fs f2fs_hard || exit 1; done

check-daemons:
	scripts/vm --kernel 6.1 --timeout 1200 -- \
		tests/guest/run --kernel 6.1 point_tools nilfs2

check-debug:
	scripts/check --kernels debug-6.1 --thorough modules guest

check-bench:
	bench/core/cost --check

check-sanitize:
	scripts/check-sanitize

check-newest:
	scripts/check-newest --refresh

# Into a staged tree, and from there to where it belongs: so there is a list of what was
# installed, for uninstall.
PLACED	= $(PREFIX)/share/mlproxy/installed
STAGE	= $(O)/stage
install: modules userspace
	rm -rf $(STAGE)
	+$(MAKE) install-modules install-userspace install-packaging install-docs \
		DESTDIR=$(STAGE)/root
	scripts/lib/place.sh install $(STAGE) '$(DESTDIR)' $(PLACED)
	rm -rf $(STAGE)
	$(if $(DESTDIR),,depmod $(KRELEASE))
	$(if $(DESTDIR),,packaging/activate)

uninstall:
	scripts/lib/place.sh remove '$(DESTDIR)' $(PLACED)

# Not by modules_install: it would install the modules for tests as well, and
# complain of Debian's signing key, which nobody else has. Debug information is four
# fifths of a module. What was signed in the build directory must stay as it is.
STRIP	?= $(CROSS_COMPILE)strip
MODDEST	= $(DESTDIR)/lib/modules/$(KRELEASE)/updates/mlproxy
install-modules: modules
	install -d $(MODDEST)
	install -m 644 $(KBUILD_DIR)/module/core/*.ko \
		$(KBUILD_DIR)/module/proxies/*/*.ko $(MODDEST)/
	for m in $(MODDEST)/*.ko; do \
		tail -c 28 "$$m" | grep -q 'Module signature appended' || \
			$(STRIP) --strip-debug "$$m" || exit 1; done
	$(if $(DESTDIR),,depmod $(KRELEASE))

# Where signatures are enforced. The key is root's, and of this machine: "mlproxy doctor"
# says whether the firmware knows it. To strip a module takes its signature away.
KEY	?= /var/lib/dkms/mok.key
CERT	?= /var/lib/dkms/mok.pub
SIGN	?= $(KDIR)/scripts/sign-file
sign: modules
	@test -r $(KEY) && test -r $(CERT) || { \
		echo 'error: $(KEY) or $(CERT) cannot be read; as root, or make them:' >&2; \
		echo '  openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 -outform DER \' >&2; \
		echo '    -subj "/CN=mlproxy module signing" -keyout $(KEY) -out $(CERT)' >&2; \
		echo '  mokutil --import $(CERT); reboot' >&2; exit 1; }
	for m in $(KBUILD_DIR)/module/core/*.ko $(KBUILD_DIR)/module/proxies/*/*.ko; do \
		$(STRIP) --strip-debug "$$m" && \
		$(SIGN) sha256 $(KEY) $(CERT) "$$m" || exit 1; done

install-userspace: userspace
	+$(MAKE) -C userspace O=$(O) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install

# The documents, and the files that they link to, in the same places to each other.
DOCDIR	= $(DESTDIR)$(PREFIX)/share/doc/mlproxy
DOCS	= README.md LICENSE docs examples uapi module/include module/proxies/seqbuf \
	  scripts/README.md userspace/lib/libmlproxy.map
install-docs:
	install -d $(DOCDIR)
	rsync -aR --no-owner --no-group --chmod=D755,F644 $(DOCS) $(DOCDIR)/
	ln -sfn ../../mlproxy/models $(DOCDIR)/models

# systemd looks there, and in no other PREFIX.
SYSTEMD_PREFIX = $(if $(filter /usr /usr/local,$(PREFIX)),$(PREFIX),/usr/local)
UNITDIR	?= $(SYSTEMD_PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(SYSTEMD_PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(SYSTEMD_PREFIX)/lib/tmpfiles.d
CONFDIR	?= /etc/mlproxy
install-packaging:
	install -d $(DESTDIR)$(UDEVDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) \
		$(DESTDIR)$(TMPFILESDIR) \
		$(DESTDIR)$(CONFDIR) $(DESTDIR)$(PREFIX)/share/doc/mlproxy \
		$(DESTDIR)$(PREFIX)/share/mlproxy/models
	install -m 644 $(wildcard models/*) $(DESTDIR)$(PREFIX)/share/mlproxy/models/
	install -m 644 packaging/60-mlproxy.rules packaging/61-mlproxyd.rules \
		$(DESTDIR)$(UDEVDIR)/
	install -m 644 packaging/mlproxy.sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/mlproxy.conf
	install -m 644 packaging/mlproxyd.tmpfiles.conf $(DESTDIR)$(TMPFILESDIR)/mlproxyd.conf
	for unit in mlproxyd.service mlproxyd-setup@.service mlproxy-readahead.service; do \
		sed 's|/usr/local/|$(PREFIX)/|g' "packaging/$$unit" \
			> "$(DESTDIR)$(UNITDIR)/$$unit" && \
		chmod 644 "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; done
	install -m 644 packaging/mlproxyd.conf $(DESTDIR)$(CONFDIR)/
	install -m 644 packaging/mlproxy.modprobe.conf.example packaging/mlproxyd.conf \
		$(DESTDIR)$(PREFIX)/share/doc/mlproxy/

dkms-source:
	install -d $(DESTDIR)$(SRCDIR)/mlproxy-$(VERSION)
	$(SYNC) module uapi dkms.conf LICENSE $(DESTDIR)$(SRCDIR)/mlproxy-$(VERSION)/

dkms: dkms-source
	dkms add mlproxy/$(VERSION)
	dkms install mlproxy/$(VERSION)

# Built from a copy, so that nothing of it stays in the tree.
deb:
	scripts/deb $(O)/deb

check-deb:
	scripts/check-deb

clean:
	rm -rf $(O)

.PHONY: all python install-python sign deb check-deb help modules sync kdir-check userspace demo pretrain bench bench-readahead \
	bench-readahead-fits bench-f2fs check check-f2fs check-daemons check-debug check-bench \
	check-newest check-sanitize install uninstall \
	install-modules install-userspace install-packaging install-docs dkms-source dkms clean
