# SPDX-License-Identifier: GPL-2.0-only
"""The governance matrix as a document: reads the cells of govern.py, prints Markdown.

Usage: govern_report.py KERNEL SECONDS < CELLS
"""

import sys

# what makes no difference, and what counts for the sign of the estimate
HARM = 1.05
GAIN = 1 / 1.05
SIGN = 1.03


class Cell:
    def __init__(self, line):
        (_, self.device, self.load, self.memory, self.action, taken, ratio, self.mode, at,
         gain) = line.rstrip("\n").split(",")
        self.taken = float(taken)
        self.ratio = float(ratio)
        self.at = int(at)
        self.gain = None if gain == "-" else float(gain)

    def recommended(self):
        return self.at >= 0

    def sign_known(self):
        return self.gain is not None and not 1 / SIGN < self.ratio < SIGN

    def sign_right(self):
        return (self.gain > 0) == (self.ratio < 1)

    def note(self):
        if self.ratio >= HARM and self.recommended():
            return "**harm recommended**"
        if self.ratio <= GAIN and not self.recommended():
            return "missed"
        if self.sign_known() and not self.sign_right():
            return "wrong sign"
        return ""


def share(part, whole):
    return "%d of %d (%.0f %%)" % (part, whole, 100 * part / whole) if whole else "none there"


def main():
    kernel, seconds = sys.argv[1:]
    cells = [Cell(line) for line in sys.stdin]
    legal = [c for c in cells if c.taken > 0]
    harm = [c for c in legal if c.ratio >= HARM]
    gain = [c for c in legal if c.ratio <= GAIN]
    known = [c for c in legal if c.sign_known()]
    print("# Readahead: what the mode machine makes of each action\n")
    print("Made by `bench/readahead/govern --write`, Linux %s: each action stands in for a model. "
          "The ratio is the\ntime with the action in force over the kernel's own; below 1 is "
          "faster. Then the mode machine was\nleft to itself for %s seconds of the load's own "
          "time.\n" % (kernel, seconds))
    print("- Actions that are 5 % slower or more, and were recommended: "
          + share(sum(c.recommended() for c in harm), len(harm)) + ".")
    print("- Actions that are 5 % faster or more, and were recommended: "
          + share(sum(c.recommended() for c in gain), len(gain)) + ".")
    print("- Where the difference is 3 % or more, the estimated gain has its sign in "
          + share(sum(c.sign_right() for c in known), len(known)) + ".")
    print("- Cells where the action is never legal, which are left out: %d of %d.\n"
          % (len(cells) - len(legal), len(cells)))
    for device in dict.fromkeys(c.device for c in cells):
        print("## %s\n" % device)
        print("| load | memory | action | taken | ratio | gain (log2) | mode | recommended "
              "after | |")
        print("|---|---|---|---|---|---|---|---|---|")
        for c in legal:
            if c.device == device:
                print("| %s | %s | %s | %.0f %% | %.2f | %s | %s | %s | %s |" % (
                    c.load, c.memory, c.action, 100 * c.taken, c.ratio,
                    "-" if c.gain is None else "%+.3f" % c.gain, c.mode,
                    "%d s" % c.at if c.recommended() else "-", c.note()))
        print()


main()
