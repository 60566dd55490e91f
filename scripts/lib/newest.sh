# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The newest kernel that Debian builds, of trixie-backports. Its headers want
# the compiler and the C library of trixie, so they are installed in a root of
# their own, made by debootstrap in the cache. Mirror and keyring are those of
# the machine's own entry for bookworm; apt's settings (proxies, say) are
# copied.
#
# Needs lib/common.sh and lib/apt.sh.

NEWEST_SUITE=trixie
NEWEST_ROOT=$MLPROXY_CACHE/$NEWEST_SUITE

# newest_run COMMAND...: in that root, as root, with /proc and the tree.
newest_run()
{
	as_root unshare --mount --propagation private \
		"$MLPROXY_SCRIPTS/lib/newest-run.sh" "$NEWEST_ROOT" "$@"
}

newest_apt()
{
	newest_run env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends -o Dpkg::Use-Pty=0 "$@" >&2
}

# newest_sources DIR: the machine's entries for bookworm, for trixie.
newest_sources()
{
	local dir=$1 suite f n=0

	for suite in "$NEWEST_SUITE" "$NEWEST_SUITE-backports"; do
		while read -r f; do
			n=$((n + 1))
			derive_suite "$f" "$suite" > "$dir/$suite-$n.${f##*.}"
		done < <(apt_source_files)
	done
	find "$dir" -size 0 -delete
}

# newest_mirror DIR: that of the derived entries, which have one of two forms.
newest_mirror()
{
	sed -nE 's/^URIs:[[:space:]]+([^[:space:]]+).*/\1/p
		s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p' "$1"/* |
		head -n 1
}

newest_keyring()
{
	sed -nE 's/^Signed-By:[[:space:]]+(\/[^[:space:]]+).*/\1/p
		s/^deb[[:space:]]+\[.*signed-by=([^], ]+).*/\1/p' "$1"/* | head -n 1
}

# newest_root: make the root, unless it is there.
newest_root()
{
	local tmp=$NEWEST_ROOT.tmp sources=$APT_DIR/$NEWEST_SUITE keyring f

	[ ! -f "$NEWEST_ROOT/made" ] || return 0
	need_tool debootstrap debootstrap
	rm -rf "$sources"
	mkdir -p "$sources"
	newest_sources "$sources"
	[ -n "$(newest_mirror "$sources")" ] ||
		die "no entry for bookworm in /etc/apt to take the mirror from"
	keyring=$(newest_keyring "$sources")
	say "making a root of $NEWEST_SUITE in $NEWEST_ROOT"
	as_root rm -rf "$tmp" "$NEWEST_ROOT"
	as_root debootstrap --variant=minbase ${keyring:+"--keyring=$keyring"} \
		"$NEWEST_SUITE" "$tmp" "$(newest_mirror "$sources")" >&2 ||
		die "debootstrap failed; see $tmp/debootstrap/debootstrap.log"
	as_root rm -f "$tmp"/etc/apt/sources.list{,.d/*}
	as_root cp "$sources"/* "$tmp/etc/apt/sources.list.d/"
	# Keyrings may be the administrator's own.
	for f in "$keyring" /etc/apt/apt.conf.d/* /etc/resolv.conf /etc/hosts; do
		[ ! -f "$f" ] || as_root install -D -m 644 "$f" "$tmp$f"
	done
	as_root mv "$tmp" "$NEWEST_ROOT"
	newest_apt update || die "no package lists of $NEWEST_SUITE; see above"
	newest_apt install build-essential bc kmod libelf-dev rsync pahole ||
		die "no compiler in $NEWEST_ROOT; see above"
	as_root touch "$NEWEST_ROOT/made"
}

# newest_meta: version and release of the newest image, on one line.
newest_meta()
{
	newest_run apt-cache show linux-image-amd64 | awk '
		/^Version: / { version = $2 }
		/^Depends: / && match($0, /linux-image-[^ ,(]+/) {
			print version, substr($0, RSTART + 12, RLENGTH - 12)
		}' | sort -rV | head -n 1
}

# newest_packages RELEASE VERSION: those that hold the image and its modules. Since 7.0
# linux-image holds neither, and names them.
newest_packages()
{
	newest_run apt-cache show "linux-image-$1=$2" | sed -n 's/^Depends: //p' |
		tr -s ', ' '\n' |
		grep -xF -e "linux-base-$1" -e "linux-binary-$1" -e "linux-modules-$1" |
		sed "s/\$/=$2/"
	echo "linux-image-$1=$2"
}

# fetch_newest NAME REFRESH: the kernel's directory, as those of scripts/kernels;
# "build" points into the root, and serves there only.
fetch_newest()
{
	local dir=$KERNELS/$1 refresh=$2 tmp=$KERNELS/.$1.$$ version release

	if [ -z "$refresh" ] && [ -f "$dir/version" ]; then
		return 0
	fi
	newest_root
	[ -z "$refresh" ] || newest_apt update ||
		die "no package lists of $NEWEST_SUITE; see above"
	read -r version release <<< "$(newest_meta)"
	[ -n "$release" ] || die "no linux-image-amd64 in $NEWEST_SUITE-backports"
	if [ "$(cat "$dir/package" 2>/dev/null)" = "$release=$version" ]; then
		say "$1: $release ($version) is up to date"
		return 0
	fi
	say "$1: fetching $release ($version)"
	newest_apt install -t "$NEWEST_SUITE-backports" "linux-headers-$release" ||
		die "no linux-headers-$release; see above"
	rm -rf "$tmp"
	mkdir -p "$tmp"
	# shellcheck disable=SC2046 # one word a package
	newest_run "$MLPROXY_SCRIPTS/lib/newest-unpack.sh" /image \
		$(newest_packages "$release" "$version") >&2 ||
		die "no linux-image-$release; see above"
	as_root mv "$NEWEST_ROOT/image" "$tmp/root"
	as_root chown -R "$(id -u):$(id -g)" "$tmp/root"
	arrange_image "$tmp" "$release"
	ln -s "$NEWEST_ROOT/usr/src/linux-headers-$release" "$tmp/build"
	echo "$release=$version" > "$tmp/package"
	rm -rf "$dir"
	mv "$tmp" "$dir"
	say "$1: $release is ready in $dir"
}
