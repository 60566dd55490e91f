# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Programs that read on the test device, and count what the readahead proxy makes of that.
# Sourced by the tests of its decisions.

. "$(dirname "$0")/readahead_util.sh"

# count_reads: a program from stdin, with the file open as fd, its content's path as
# reference, and value() of a counter
count_reads()
{
	{
		cat <<'PYTHON'
import os, random, sys
path, params, reference = sys.argv[1:]
def value(name):
    return int(open(params + "/nr_" + name).read())
random.seed(1)
fd = os.open(path, os.O_RDONLY)
PYTHON
		cat
	} > "$tmp/reads.py"
	python3 "$tmp/reads.py" "$mnt/a" $params "$tmp/reference"
}

# Of a test that limits its memory.
group=/sys/fs/cgroup/mlproxy-test

# count_large: count_reads where 4 MB is recommended for both files, with read(), which
# returns how many decisions were that, and how many there were
count_large()
{
	follow_all
	{
		echo "tool, ra_key, group = '$mlproxy', '$BUILDDIR/tests/guest/ra_key', '$group'"
		cat <<'PYTHON'
import json, mmap, subprocess, time
def cli(*args, text=None):
    return subprocess.run([tool, *args], input=text, check=True, capture_output=True,
                          text=True).stdout
other_path = os.path.dirname(path) + "/b"
keys = subprocess.run([ra_key, path, other_path], check=True, capture_output=True,
                      text=True).stdout.split()
other = os.open(other_path, os.O_RDONLY)
def recommend(action, keys):
    cli("recommend", "readahead", "-f", "-",
        text="".join("%s %s 65535 3600000\n" % (key, action) for key in keys))
recommend("4M", keys)
maps = {f: mmap.mmap(f, 0, prot=mmap.PROT_READ) for f in (fd, other)}
def actions():
    return json.loads(cli("stats", "readahead", "-j"))["by_action"]
def large():
    return actions()["4M"]
def pread(of, i):
    os.pread(of, 4096, i * 4096)
def fault(of, i):
    maps[of][i * 4096]
def pages_of_fault(of, i):
    stats = "/sys/block/mlptest0/testblk/read_bytes"
    m = mmap.mmap(of, 0, prot=mmap.PROT_READ)
    before = int(open(stats).read())
    m[i * 4096]
    return (int(open(stats).read()) - before) // 4096
def fill_memory(of):
    for text, name in ("16M", "memory.max"), ("0", "cgroup.procs"):
        with open("%s/%s" % (group, name), "w") as f:
            f.write(text)
    for i in range(6000):
        pread(of, i)
def read(what, one, of, places):
    before, decisions = large(), value("decisions")
    maps[of].madvise(mmap.MADV_DONTNEED)
    os.posix_fadvise(of, 0, 0, os.POSIX_FADV_DONTNEED)
    for i in places:
        one(of, i)
    n, decisions = large() - before, value("decisions") - decisions
    print(what, "decisions:", decisions, "large:", n)
    return n, decisions
PYTHON
		cat
	} | count_reads
}
