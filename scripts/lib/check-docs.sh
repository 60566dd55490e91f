# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Part of the style stage of scripts/check. What docs/ml-lib.md names exists: it says
# by which test each row is proven; a test that was renamed would leave a claim
# without its proof. What docs/proxy-howto.md shows is the code of its example, links lead
# somewhere, and README's figures are those of the reports.

DOCS_HEADERS='uapi/linux module/include userspace/lib/include'
# Programs and modules are called mlproxy_… too.
DOCS_MODULES='mlproxy_f2fs|mlproxy_readahead|mlproxy_synth|mlproxy_seqbuf'

# test_exists FILE [NAME]: FILE is below tests/, with or without a test's name
test_exists()
{
	if [ ! -f "tests/$1" ]; then
		echo "no test file tests/$1"
		return 1
	fi
	# a function of its own, or a row of a table
	if [ -n "$2" ] && ! grep -qE "^(static )?(void )?$2\(|[( ]$2[),]" "tests/$1"; then
		echo "tests/$1 has no test $2"
		return 1
	fi
}

# run_docs [FILE]
run_docs()
{
	local doc=${1:-docs/ml-lib.md} status=0 ref name

	while IFS=: read -r ref name; do
		test_exists "$ref" "$name" || status=1
	done < <(grep -oE '`(guest|unit)/[a-z0-9_/]+\.(c|sh)(:[a-z0-9_]+)?`' "$doc" | tr -d '`' | sort -u)
	while read -r name; do
		# shellcheck disable=SC2086 # two words are two directories
		grep -rqw -- "$name" $DOCS_HEADERS || {
			echo "no header has $name"
			status=1
		}
	done < <(grep -oE 'mlproxy_[a-z0-9_]+|MLPROXY_[A-Z0-9_]+' "$doc" |
		grep -vxE "$DOCS_MODULES" | sort -u)
	# a row with neither a test nor a reason is no answer
	if grep -nE '^\| ?[^#-].*\|' "$doc" | grep -vE '\| (proof|ours) |^[0-9]+:\|---' |
		grep -vE '`(guest|unit)/[^`]+` \|$'; then
		echo "$doc: a row ends without its test"
		status=1
	fi
	return "$status"
}

HOWTO_LINES=150

# run_howto [FILE [FOLDER]]: each block of C or make is found, line by line, in one of the
# example's files
run_howto()
{
	local doc=${1:-docs/proxy-howto.md} example=${2:-module/proxies/seqbuf}
	local status=0 code make line block='' in='' lines

	code=$(cat "$example"/*.c) make=$(cat "$example"/Kbuild 2> /dev/null || :)
	while IFS= read -r line; do
		case $in,$line in
		,'```c' | ,'```make') in=$line block='' ;;
		'```c,```' | '```make,```')
			if [[ $'\n'$code$'\n'$make$'\n' != *$'\n'"$block"* ]]; then
				echo "$doc shows what $example does not have:"
				echo "$block"
				status=1
			fi
			in=
			;;
		'```'*) block+=$line$'\n' ;;
		esac
	done < "$doc"
	lines=$(wc -l < "$example/${example##*/}.c")
	if [ "$lines" -gt "$HOWTO_LINES" ]; then
		echo "$example: $lines lines; the example has at most $HOWTO_LINES"
		status=1
	fi
	return "$status"
}

# The table of figures is generated; nobody types one.
run_figures()
{
	python3 -B bench/readahead/summary.py --check || {
		echo "bench/readahead/summary.py makes it anew"
		return 1
	}
}

# Links between the documents lead somewhere.
run_links()
{
	local doc target status=0

	while IFS=: read -r doc target; do
		target=${target#](}
		target=${target%)}
		target=${target%%#*}
		case $target in
		'' | *://*) continue ;;
		esac
		[ -e "$(dirname "$doc")/$target" ] || {
			echo "$doc: no $target"
			status=1
		}
	done < <(git ls-files '*.md' | xargs grep -oE '\]\([^) ]+\)')
	return "$status"
}
