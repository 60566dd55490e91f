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

if [ ! -d "$package" ] || ! PYTHONPATH=$package /usr/bin/python3 -B -c 'import mlproxy'; then
	ktap_plan 0
	ktap_end
fi

# python: the program on stdin, with mlproxy imported
python()
{
	{
		echo 'import sys, mlproxy'
		echo "data, tool = '$data', '$BUILDDIR/userspace/bin/mlproxy'"
		cat
	} | PYTHONPATH=$package /usr/bin/python3 -B -
}

lists()
{
	python <<-'PYTHON'
	with mlproxy.Session(read_only=True) as session:
	    names = [p.name for p in session.list()]
	    assert names == ["synth"], names
	    proxy = session.list()[0]
	    assert proxy.features > 0 and proxy.actions > 1, proxy
	PYTHON
}

operates()
{
	python <<-'PYTHON'
	with mlproxy.Session("synth") as session:
	    session.start()
	    assert session.list()[0].state == "running", session.list()
	    session.mode = "learning"
	    assert session.mode == "learning"
	    session.mode = "auto"
	    try:
	        session.mode = "nothing"
	        sys.exit("a mode that is not there was set")
	    except ValueError:
	        pass
	    try:
	        session.activate()
	        sys.exit("a model that is not there was activated")
	    except mlproxy.DeviceError as error:
	        assert "model" in str(error), error
	    session.stop()
	    assert session.list()[0].state == "stopped"
	try:
	    session.start()
	    sys.exit("a closed session was used")
	except ValueError:
	    pass
	PYTHON
}

refuses()
{
	python <<-'PYTHON'
	try:
	    mlproxy.Session("nobody")
	    sys.exit("a proxy that is not there was bound")
	except mlproxy.DeviceError as error:
	    assert "nobody" in str(error), error
	with mlproxy.Session("synth", read_only=True) as session:
	    try:
	        session.start()
	        sys.exit("a reader started a proxy")
	    except mlproxy.DeviceError as error:
	        assert error.errno == 1, error
	PYTHON
}

records()
{
	set -e
	python <<-'PYTHON'
	import threading
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
	    try:
	        session.record(data, seconds=1, tool=tool)
	        sys.exit("a recording was replaced")
	    except mlproxy.DeviceError as error:
	        assert "exists" in str(error), error
	PYTHON
	[ -s "$data" ]
}

ktap_plan 4
ktap_test "a reader lists" lists
ktap_test "root starts, sets modes, stops" operates
ktap_test "what may not be done, or is not there, is said" refuses
ktap_test "it records what is not replaced" records
ktap_end
