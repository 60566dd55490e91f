# SPDX-License-Identifier: GPL-2.0-only
"""A load on the test device, run again and again in a guest, and what the proxy makes of it."""

import json
import os
import subprocess

GROUP = "/sys/fs/cgroup/bench"


class Bench:
    """DIRECTORY has readload, mlproxy and mnt; @memory_mb: for the pages of a load, or None."""

    def __init__(self, directory, memory_mb=None):
        self.dir = directory
        self.mnt = directory + "/mnt"
        self.device = "/dev/mlptest0"
        self.memory_mb = memory_mb
        self.seconds = 0.0
        self.ops = 0
        self.defaults = {}

    def tool(self, *args):
        return subprocess.run([self.dir + "/mlproxy", *args], check=True, text=True,
                              capture_output=True).stdout

    def mount(self):
        subprocess.run(["mount", "-t", "ext4", "-o", "ro,noload,noatime", self.device,
                        self.mnt], check=True)

    def unmount(self):
        subprocess.run(["umount", self.mnt], check=True)

    def in_group(self):
        """For the child: its memory is limited."""
        if self.memory_mb is not None:
            with open(GROUP + "/cgroup.procs", "w") as f:
                f.write("0")

    def limit(self):
        with open(GROUP + "/memory.max", "w") as f:
            f.write("max" if self.memory_mb is None else str(self.memory_mb << 20))

    def run(self, args, seed):
        """One run of readload; leaves its time and its reads in the sums."""
        out = subprocess.run([self.dir + "/readload", "--seed", str(seed), *args[:-1],
                              self.mnt + "/file," + args[-1]], preexec_fn=self.in_group,
                             check=True, text=True, capture_output=True).stdout
        result = json.loads(out)
        self.seconds += result["seconds"]
        self.ops += result["ops"]

    def runs(self, args, cold, seconds, seed):
        """Runs until so much of the load's time has passed; cold ones find nothing cached.
        Return: microseconds a read, and the next seed."""
        self.seconds, self.ops = 0.0, 0
        while self.seconds < seconds:
            self.run(args, seed)
            seed += 1
            if cold:
                self.unmount()
                self.mount()
        return self.seconds * 1e6 / self.ops, seed

    def fresh(self, model, mode):
        """No memory of any experiment; nothing is cached; the proxy runs."""
        self.unmount()
        self.mount()
        self.tool("reinit", "readahead")
        self.tool("param", "readahead", "seed", "1")
        self.tool("load", "readahead", model, "--activate")
        self.tool("mode", "readahead", mode)
        self.tool("start", "readahead")

    def stop(self):
        self.tool("stop", "readahead")

    def efficiency(self):
        return json.loads(self.tool("efficiency", "readahead", "-j"))

    def actions(self):
        return json.loads(self.tool("stats", "readahead", "-j"))["by_action"]
