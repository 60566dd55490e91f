#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mlproxy top: frames without a terminal, and the live view on a pseudo terminal:
# keys, sizes, proxies that come and go, signals.
#
# guest-test: timeout=600 modules=none only-kernel=6.1
#
# Needs python3, which has pseudo terminals and JSON.

. "$(dirname "$0")/ktap.sh"

mlproxy=${MLPROXY_CLI:-$BUILDDIR/userspace/bin/mlproxy}
tmp=$(mktemp -d)

finish()
{
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# says REGEX FILE
says()
{
	grep -Eq -e "$1" "$2" || { head -n 60 "$2"; echo "expected: $1"; exit 1; }
}

no_device()
{
	local code=0

	"$mlproxy" top --batch -n 1 > "$tmp/out" 2>&1 || code=$?
	expect "exit code" $code 3
	says modprobe "$tmp/out"
	code=0
	"$mlproxy" top > "$tmp/out" 2>&1 < /dev/null || code=$?
	expect "exit code without a terminal" $code 2
	says "use --batch" "$tmp/out"
}

no_proxies()
{
	set -e
	mod_load mlproxy
	"$mlproxy" top --batch -n 1 > "$tmp/out"
	says "no proxy is registered" "$tmp/out"
	"$mlproxy" top --batch -j -n 1 > "$tmp/out"
	says '"proxies":\[\]' "$tmp/out"
}

text_frames()
{
	set -e
	mod_load mlproxy_synth
	"$mlproxy" start synth
	"$mlproxy" mode synth learning
	echo 5000 > /sys/module/mlproxy_synth/parameters/run
	echo '{"proxy": "synth", "time": '"$(date +%s)"', "pid": 77, "rows": 1, "alarm": false}' \
		> "$tmp/synth.status.json"
	"$mlproxy" top --batch -n 2 -i 100ms --status-dir="$tmp" > "$tmp/out"
	cat "$tmp/out"
	says '^synth: running; ' "$tmp/out"
	says 'mode +learning for .*reason: operator; fixed by the operator' "$tmp/out"
	says 'baseline +n ' "$tmp/out"
	says 'agent +pid 77' "$tmp/out"
	expect "frames" "$(grep -c '^synth: ' "$tmp/out")" 2
}

# What JSON says is what sysfs says, and a rate is there from the second frame on.
json_frames()
{
	set -e
	"$mlproxy" top --batch -j -n 3 -i 300ms --status-dir="$tmp" > "$tmp/json" &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		echo 500 > /sys/module/mlproxy_synth/parameters/run
	done
	wait $pid
	expect "lines" "$(wc -l < "$tmp/json")" 3
	python3 - "$tmp/json" "$(cat $SYSFS/synth/decisions)" <<'PYTHON'
import json, sys
frames = [json.loads(line)["proxies"][0] for line in open(sys.argv[1])]
first, last = frames[0], frames[-1]
print(last)
assert first["decisions_s"] is None and first["share_lately"] is False
assert last["decisions_s"] > 0 and last["share_lately"] is True
assert first["decisions"] < last["decisions"] <= int(sys.argv[2])
assert abs(sum(last["share"].values()) - 1) < 1e-9
assert last["mode"] == "learning" and last["reason"] == "operator"
assert last["agent"]["pid"] == 77 and last["evidence"] is not None
t = last["transitions"][0]
assert t["to"] == "learning" and t["reason"] == "operator"
PYTHON
}

# A pseudo terminal with a program on it: script lines are "start ARG...", "send TEXT", "size ROWS
# COLUMNS", "sh COMMAND", "signal NAME", "expect TEXT" (on the terminal since the
# last one, within a minute), "end CODE".
cat > "$tmp/terminal.py" <<'PYTHON'
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
script, argv = sys.argv[1], sys.argv[2:]
pid = fd = 0
seen = b""
def read(wait):
    global seen
    if select.select([fd], [], [], wait)[0]:
        try:
            seen += os.read(fd, 65536)
        except OSError:
            return False
    return True
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
for line in open(script).read().splitlines():
    verb, _, arg = line.partition(" ")
    if verb == "start":
        pid, fd = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "linux"
            os.execv(argv[0], argv + arg.split())
        size(40, 160)
    elif verb == "send":
        os.write(fd, arg.encode().decode("unicode_escape").encode())
    elif verb == "size":
        size(*map(int, arg.split()))
    elif verb == "sh":
        subprocess.run(arg, shell=True, check=True)
    elif verb == "signal":
        os.kill(pid, getattr(signal, "SIG" + arg))
    elif verb == "expect":
        until = time.monotonic() + 60
        # cursor movements between words are blanks
        while arg not in re.sub(r"(\x1b\[[0-9;?]*[A-Za-z])+", " ", seen.decode("latin1")):
            if time.monotonic() > until or not read(1):
                print("no %r in %r" % (arg, seen[-3000:]))
                sys.exit(1)
        seen = b""
    elif verb == "end":
        while read(1):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                while select.select([fd], [], [], 0)[0] and read(0):
                    pass
                break
        status = os.waitpid(pid, 0)[1]
        assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == int(arg), status
        after = termios.tcgetattr(fd)
        assert after[3] & termios.ECHO and after[3] & termios.ICANON, "the terminal is not put back"
        assert b"\x1b[?25h" in seen, "the cursor is not put back"
        os.close(fd)
        seen = b""
print("good")
PYTHON

# on_terminal: runs the script on the standard input
on_terminal()
{
	cat > "$tmp/script"
	python3 "$tmp/terminal.py" "$tmp/script" "$mlproxy" top --status-dir="$tmp" -i 200ms
}

keys()
{
	set -e
	on_terminal <<-SCRIPT
	start
	expect mlproxy top: 1 proxy
	send \n
	expect Changes of mode
	send p
	expect PAUSED
	send pq
	end 0
	SCRIPT
}

# Down to one character and back; it must neither end nor draw outside.
sizes()
{
	set -e
	on_terminal <<-SCRIPT
	start
	expect mlproxy top: 1 proxy
	size 1 1
	sh sleep 1
	size 3 20
	sh sleep 1
	size 30 120
	expect mode
	send \n
	size 2 200
	expect back
	size 40 100
	expect Changes of mode
	send q
	end 0
	SCRIPT
}

# The view must not keep the module, and goes on without and with it.
proxy_comes_and_goes()
{
	set -e
	on_terminal <<-SCRIPT
	start
	expect mlproxy top: 1 proxy
	send \n
	expect Changes of mode
	sh "$mlproxy" stop synth; for i in \$(seq 100); do rmmod mlproxy_synth 2> /dev/null && exit 0; sleep 0.1; done; exit 1
	expect no proxy is registered
	sh insmod "$(mod_file mlproxy_synth)"
	expect 1 proxy
	signal TERM
	end 0
	SCRIPT
}

signals()
{
	set -e
	on_terminal <<-SCRIPT
	start
	expect mlproxy top: 1 proxy
	signal INT
	end 0
	start
	expect mlproxy top: 1 proxy
	signal HUP
	end 0
	start -n 2
	expect mlproxy top: 1 proxy
	end 0
	SCRIPT
}

ktap_plan 8
ktap_test "without a device, and without a terminal" no_device
ktap_test "no proxies" no_proxies
ktap_test "frames as text" text_frames
ktap_test "frames as JSON" json_frames
ktap_test "keys on a terminal" keys
ktap_test "a terminal that shrinks and grows" sizes
ktap_test "a proxy that is unloaded and loaded again" proxy_comes_and_goes
ktap_test "signals put the terminal back" signals
ktap_end
