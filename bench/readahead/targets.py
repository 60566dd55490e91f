# SPDX-License-Identifier: GPL-2.0-only
"""What readahead under the proxy is to reach, and what was measured."""

from report import header, row, times


class Targets:
    """Each target with what was measured."""

    def __init__(self, device):
        self.d = device
        self.sets = dict(device.subject.classes(device.loads))

    def line(self, what, bound, value, note=""):
        if value is None:
            return row(self.d.name, what, f"≥ {bound:.2f}x", "not measured", "–")
        verdict = "met" if value >= bound else f"**missed** by {bound - value:.3f}"
        return row(self.d.name, what, f"≥ {bound:.2f}x", f"{times(value, 3)}{note}", verdict)

    def mean(self, what, name, other, bound):
        s = self.d.summary(self.sets[name], "mlproxy", other)
        return self.line(what, bound, s[0] if s else None)

    def least(self, what, loads, bound, policy="mlproxy"):
        s = self.d.summary(loads, policy, "default")
        return self.line(what, bound, s[1][0] if s else None, f" ({s[1][1]})" if s else "")

    def load(self, what, load, bound):
        r = self.d.ratio(load, "mlproxy", "default")
        return self.line(what, bound, r.mean if r else None)

    def useless(self):
        """Loads on which the network is worse than the default, and where it ended."""
        d = self.d
        bad = [w for w in d.loads if w in d.mode and d.find(w, "mlproxy") and
               d.ratio(w, "mlproxy", "default").high < 1]
        what = "where the network is worse: it ends in learning or emergency, at"
        if not bad:
            return row(d.name, what, "≥ 0.99x", "no such load", "met" if d.mode else "–")
        stays = [w for w in bad if d.mode[w] not in ("learning", "emergency")]
        s = d.summary(bad, "auto", "default")
        ok = not stays and s[1][0] >= 0.99
        note = f"; elsewhere: {', '.join(stays)}" if stays else ""
        return row(d.name, what, "≥ 0.99x", f"least {times(s[1][0], 3)} ({s[1][1]}){note}",
                   "met" if ok else "**missed**")

    def lines(self):
        cloud = self.d.name == "cloud"
        yield self.mean("single loads, mean", "single loads", "default", 1.75 if cloud else 1.45)
        yield self.mean("single loads against the best single static, mean", "single loads",
                        "single", 1.3)
        yield self.load("RocksDB readrandom by mmap", "rr-mmap", 2.3)
        yield self.load("RocksDB readreverse by pread", "rev-pread", 12 if cloud else 3.5)
        yield self.least("least of RocksDB's loads", self.sets["RocksDB's loads"], 0.98)
        several = "mixed or changing loads"
        yield self.mean("mixed or changing, mean", several, "default", 1.3)
        yield self.mean("mixed or changing against the best static of each, mean", several,
                        "static", 1.1)
        yield self.least("least of mixed or changing", self.sets[several], 0.98)
        yield self.least("least of all loads, in recommendation mode", self.d.loads, 0.97)
        yield self.least("least of all loads, the mode machine left to itself", self.d.loads,
                         0.97, "auto")
        yield self.useless()


def targets(devices):
    yield "## Targets"
    yield ""
    yield from header("device", "what", "target", "measured", "")
    for d in devices:
        if d.name in ("nvme", "cloud"):
            yield from Targets(d).lines()
    yield ""
    yield "What it costs, also where nothing is decided: `bench/readahead/cost` measures it."
    yield ""
