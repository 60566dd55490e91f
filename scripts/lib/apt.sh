# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A private view of the machine's package sources, extended by
# bookworm-backports when the machine does not list it itself. The extra entry
# is derived from the machine's own entry for bookworm by replacing the suite,
# so that mirrors and keyrings stay whatever the administrator chose. Package
# lists live in the cache directory: the host's apt configuration is not
# touched, and no root is needed to look things up or to download.
#
# Needs lib/common.sh.

APT_DIR=$MLPROXY_CACHE/apt
APT_OPTIONS=(
	-o "Dir::Etc::SourceList=/dev/null"
	-o "Dir::Etc::SourceParts=$APT_DIR/sources"
	-o "Dir::State::Lists=$APT_DIR/lists"
	-o "Dir::Cache=$APT_DIR/cache"
	-o "APT::Sandbox::User="
	-o "APT::Default-Release="
)

# apt_source_files: the machine's own source files.
apt_source_files()
{
	find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 \
		\( -name '*.list' -o -name '*.sources' \) -type f 2>/dev/null
}

# apt_has_backports: does the machine list bookworm-backports already?
apt_has_backports()
{
	local f

	while read -r f; do
		grep -Ev '^[[:space:]]*#' "$f" |
			grep -Eq '(^Suites:|^deb[[:space:]]).*bookworm-backports' &&
			return 0
	done < <(apt_source_files)
	return 1
}

# derive_suite FILE SUITE: print FILE's bookworm entries with the suite replaced.
# The suite must be "bookworm" itself: -security and -updates live elsewhere.
derive_suite()
{
	case $1 in
	*.list)
		sed -nE "s/^(deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+[[:space:]]+)bookworm([[:space:]])/\1$2\3/p" "$1"
		;;
	*.sources)
		awk -v suite="$2" 'BEGIN { RS = ""; FS = "\n"; ORS = "\n\n" }
		{
			hit = 0; out = ""
			for (i = 1; i <= NF; i++) {
				line = $i
				if (line ~ /^Suites:/) {
					n = split(line, w, /[ \t]+/)
					for (j = 2; j <= n; j++)
						if (w[j] == "bookworm")
							hit = 1
					line = "Suites: " suite
				}
				if (line !~ /^#/)
					out = out line "\n"
			}
			if (hit)
				print out
		}' "$1"
		;;
	esac
}

# apt_prepare: build the private view; refresh its lists when older than a day.
apt_prepare()
{
	local f stamp=$APT_DIR/lists/updated

	mkdir -p "$APT_DIR/sources" "$APT_DIR/lists/partial" \
		"$APT_DIR/cache/archives/partial"
	if [ -n "$(find "$stamp" -mtime -1 2>/dev/null)" ]; then
		return 0
	fi
	rm -f "$APT_DIR"/sources/*
	while read -r f; do
		cp "$f" "$APT_DIR/sources/"
	done < <(apt_source_files)
	if ! apt_has_backports; then
		while read -r f; do
			derive_suite "$f" bookworm-backports \
				> "$APT_DIR/sources/derived-backports-${f##*/}"
		done < <(apt_source_files)
		find "$APT_DIR/sources" -size 0 -delete
	fi
	say "reading package lists (private view in $APT_DIR)"
	apt-get "${APT_OPTIONS[@]}" -qq update >&2 ||
		die "apt-get update failed; check the network and /etc/apt/sources.list.d"
	touch "$stamp"
}

# apt_newest PACKAGE PREFIX: newest version of PACKAGE that starts with PREFIX.
apt_newest()
{
	apt-cache "${APT_OPTIONS[@]}" show "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | grep -E "^${2//./\\.}([.-]|\$)" | sort -rV | head -n1
}

# apt_has PACKAGE VERSION: is there this version of it?
apt_has()
{
	# it succeeds without one, too
	[ -n "$(apt-cache "${APT_OPTIONS[@]}" show "$1=$2" 2>/dev/null)" ]
}

# apt_depends PACKAGE VERSION: its dependencies, one "name version" a line;
# of alternatives the first, and no version where none is demanded exactly.
apt_depends()
{
	apt-cache "${APT_OPTIONS[@]}" show "$1=$2" |
		sed -n 's/^Depends: //p' | head -n1 | tr ',' '\n' |
		sed -E 's/\|.*//; s/^ +//; s/\((= ([^)]*)|[^)]*)\)/\2/; s/ +$//'
}

# apt_unpack DESTDIR PACKAGE[=VERSION]...: download and unpack, installing
# nothing.
apt_unpack()
{
	local dest=$1 tmp deb
	shift

	mkdir -p "$dest"
	tmp=$(mktemp -d "$MLPROXY_CACHE/download.XXXXXX")
	if ! (cd "$tmp" && apt-get "${APT_OPTIONS[@]}" -qq download "$@" >&2); then
		rm -rf "$tmp"
		die "could not download: $*"
	fi
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$dest" || die "could not unpack ${deb##*/}"
	done
	rm -rf "$tmp"
}
