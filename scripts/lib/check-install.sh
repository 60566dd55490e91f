# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Part of the userspace stage of scripts/check: "make install" into an empty
# directory, with places that are not the usual ones; what came of it; and that
# "make uninstall" leaves nothing.

INSTALL_PREFIX=/opt/mlproxy
INSTALL_LIBDIR=/opt/mlproxy/lib64

# make_install KERNEL TARGET DEST: W=1 as the modules were built, or they would be built
# anew under the guests that load them
make_install()
{
	make --no-print-directory "$2" -j"$(nproc)" W=1 DESTDIR="$3" \
		PREFIX=$INSTALL_PREFIX LIBDIR=$INSTALL_LIBDIR \
		KDIR="$(scripts/kernels path "$1" headers)"
}

# dead_links DIR: of the documents; true when there are none.
dead_links()
{
	local doc link status=0

	while IFS=: read -r doc link; do
		link=${link:2:-1}
		case $link in
		*://* | '#'*) continue ;;
		esac
		if [ ! -e "${doc%/*}/${link%%#*}" ]; then
			echo "$doc: dead link $link"
			status=1
		fi
	done < <(grep -roE --include='*.md' '\]\([^) ]+\)' "$1")
	return "$status"
}

# dkms_differs DEST: modules that only one of "make install" and DKMS installs
dkms_differs()
{
	diff <(cd "$1" && find lib/modules -name '*.ko' -printf '%f\n' | sed 's/\.ko$//' | sort) \
		<(sed -n 's/^BUILT_MODULE_NAME.*="\(.*\)"/\1/p' dkms.conf | sort)
}

# What must hold of what was installed in DEST.
installed_well()
{
	local dest=$1 status=0 f program

	for f in "$dest"/lib/modules/*/updates/mlproxy/*.ko; do
		if readelf -S "$f" | grep -q '\.debug_info'; then
			echo "$f: not stripped"
			status=1
		fi
	done
	if ! dkms_differs "$dest"; then
		echo "make install and dkms.conf do not install the same modules"
		status=1
	fi
	for f in "$dest$INSTALL_LIBDIR"/libmlproxy.so.0 \
		"$dest$INSTALL_LIBDIR"/libmlproxytorch.so.0; do
		if [ ! -e "$f" ]; then
			echo "no $f: LIBDIR is not honoured"
			status=1
		fi
	done
	for f in libexec/mlproxy/mlproxy-learn sbin/mlproxyd; do
		if ! readelf -d "$dest$INSTALL_PREFIX/$f" | grep -q "RUNPATH.*$INSTALL_LIBDIR"; then
			echo "$f does not look for libraries in $INSTALL_LIBDIR"
			status=1
		fi
	done
	if ! grep -qx "libdir=.*$INSTALL_LIBDIR" "$dest$INSTALL_LIBDIR/pkgconfig/libmlproxy.pc"; then
		echo "libmlproxy.pc does not say $INSTALL_LIBDIR"
		status=1
	fi
	while read -r program; do
		if [ ! -x "$dest$program" ]; then
			echo "a unit starts $program, which is not installed"
			status=1
		fi
	done < <(find "$dest" -name 'mlproxy*.service' -exec \
		sed -nE 's/^Exec(Start|StartPre|Reload)=[-+!@:]*(\/[^ ]*mlproxy[^ ]*).*/\2/p' {} +)
	dead_links "$dest$INSTALL_PREFIX/share/doc/mlproxy" || status=1
	return "$status"
}

check_install()
{
	local kernel=$1 dest=$LOGS/install log=$LOGS/install.log name

	step "install and uninstall"
	rm -rf "$dest"
	mkdir -p "$dest"
	quiet_build host "make install" "$log" make_install "$kernel" install "$dest" || return 1
	name="what is installed is whole"
	if installed_well "$dest" > "$log.whole" 2>&1; then
		result pass host "$name"
	else
		head -n 20 "$log.whole"
		result fail host "$name" "$log.whole"
	fi
	name="make uninstall leaves nothing"
	if timed host make_install "$kernel" uninstall "$dest" >> "$log" 2>&1 &&
		[ -z "$(find "$dest" -mindepth 1)" ]; then
		result pass host "$name"
	else
		find "$dest" -mindepth 1 | head -n 20
		result fail host "$name" "$log"
	fi
}
