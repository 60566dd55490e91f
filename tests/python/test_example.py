# SPDX-License-Identifier: GPL-2.0-only
"""The example from record to model runs as it stands, and each of its cells is Python."""

import pathlib
import subprocess
import sys

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/python/record_to_model.py"


def test_record_to_model(recorded, tmp_path):
    model = tmp_path / "bandit.mlp"
    done = subprocess.run([sys.executable, EXAMPLE, recorded, model], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert model.stat().st_size > 0
    assert "careful" in done.stdout and "not loaded: " in done.stdout


def test_cells():
    cells = EXAMPLE.read_text().split("\n# %%")
    assert len(cells) > 10
    for cell in cells[1:]:
        head, _, body = cell.partition("\n")
        if "[markdown]" in head:
            assert all(not line or line.startswith("#") for line in body.split("\n"))
        else:
            compile(body, "cell", "exec")
