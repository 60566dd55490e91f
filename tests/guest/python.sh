#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The Python package's sessions on a real device: list, start, modes, a recording that is
# read back. Where the package was not built, or the machine has no cffi, nothing is tried.
#
# guest-test: timeout=600 only-kernel=6.1

. "$(dirname "$0")/ktap.sh"

package=$BUILDDIR/userspace/python
data=$(mktemp -u /run/mlproxy-python-XXXXXX.h5)
trap 'rm -f "$data"' EXIT

if [ ! -d "$package" ] || [ ! -d /usr/lib/python3/dist-packages/cffi ]; then
	ktap_plan 0
	ktap_end
fi

# python: the program on stdin, with mlproxy imported
python()
{
	{
		cat <<-PYTHON
		import sys, threading, mlproxy
		data, tool = '$data', '$BUILDDIR/userspace/bin/mlproxy'
		def synth(session):
		    return next(p for p in session.list() if p.name == "synth")
		def refused(kind, function, *args, **named):
		    try:
		        function(*args, **named)
		    except kind as error:
		        return error
		    sys.exit(f"not refused: {function} {args}")
		PYTHON
		cat
	} | PYTHONPATH=$package /usr/bin/python3 -B -
}

# All of it in one go: to start Python takes long in a guest.
sessions()
{
	set -e
	python <<-'PYTHON'
	with mlproxy.Session("synth") as session:
	    assert synth(session).features > 0 and synth(session).actions > 1
	    session.start()
	    assert synth(session).state == "running", session.list()
	    session.mode = "learning"
	    assert session.mode == "learning"
	    session.mode = "auto"
	    refused(ValueError, setattr, session, "mode", "nothing")
	    assert "model" in str(refused(mlproxy.DeviceError, session.activate))
	    session.stop()
	    assert synth(session).state == "stopped"
	refused(ValueError, session.start)
	assert "nobody" in str(refused(mlproxy.DeviceError, mlproxy.Session, "nobody"))
	with mlproxy.Session("synth", read_only=True) as session:
	    assert synth(session).state == "stopped"
	    assert refused(mlproxy.DeviceError, session.start).errno == 1

	def decide(done):
	    while not done.wait(0.05):
	        with open("/sys/module/mlproxy_synth/parameters/run", "w") as run:
	            run.write("10")
	with mlproxy.Session("synth") as session:
	    session.start()
	    done = threading.Event()
	    load = threading.Thread(target=decide, args=[done])
	    load.start()
	    try:
	        session.record(data, decisions=50, tool=tool)
	    finally:
	        done.set()
	        load.join()
	    session.stop()
	    error = refused(mlproxy.DeviceError, session.record, data, seconds=1, tool=tool)
	    assert "exists" in str(error), error
	PYTHON
	[ -s "$data" ]
}

ktap_plan 1
ktap_test "a session lists, starts, sets modes, records, and says what may not be done" sessions
ktap_end
