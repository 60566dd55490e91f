#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# circles.sh DIRECTORY: do the object files of a module need one another in a circle?
# Prints the files of each circle, and fails, if so. What a file needs is what its
# undefined symbols are defined in; so it sees calls and data, not includes.

set -euo pipefail
cd "$1"
edges=$(
	for o in *.o; do
		# Not what was linked together, nor what modpost made.
		case $o in
		*.mod.o) continue ;;
		esac
		[ -f "${o%.o}.c" ] || continue
		nm -g --defined-only "$o" | awk -v o="$o" '{ print "D", o, $3 }'
		nm -u "$o" | awk -v o="$o" '{ print "U", o, $2 }'
	done | awk '
		$1 == "D" { where[$3] = $2 }
		$1 == "U" { from[n + 0] = $2; symbol[n++] = $3 }
		END {
			for (i = 0; i < n; i++)
				if (symbol[i] in where && where[symbol[i]] != from[i])
					print from[i], where[symbol[i]]
		}' | sort -u
)
[ -n "$edges" ] || { echo "no object files that need one another in $1"; exit 1; }
tsort <<< "$edges" 2>&1 > /dev/null | sed 's/^tsort: //; s/\.o$/.c/; s/^-: /circle: /' |
	{ ! grep .; }
