# SPDX-License-Identifier: GPL-2.0-only
# %% [markdown]
# # From a recorded data set to a model for the kernel
#
# Cells in the percent format: an editor or `jupytext --to ipynb` makes a notebook of it, and
# `python3 record_to_model.py DATA.h5 MODEL.mlp` runs it as it is. A data set comes from
# `mlproxy record readahead -o ra.h5 -t 600`, or from `Session("readahead").record(...)`.

# %%
import sys

import mlproxy

paths = [a for a in sys.argv[1:] if not a.startswith("-")]
data_path = paths[0] if paths else "ra.h5"
model_path = paths[1] if len(paths) > 1 else "ra.mlp"

# %% [markdown]
# ## What was recorded
#
# A row is a decision with its outcome. What is missing is counted: records that the rings
# lost, and decisions whose outcome did not come.

# %%
data = mlproxy.Dataset(data_path)
print(data)
print("features:", ", ".join(f.name for f in data.schema.features))
print("lost:", data.lost, " without outcome:", data.no_feedback)

# %%
frame = data.frame()
print(frame.groupby("action", observed=True)["reward"].agg(["count", "mean", "std"]))

# %% [markdown]
# These means say little: the kernel chose each action where it thought it good. What actions
# are worth tells the share that was drawn at random, whose probabilities are recorded. That is
# what the off-policy test weighs the rows by; look at `ess`, the rows that count.

# %%
print(mlproxy.off_policy_test(data)[["gain", "gain_low", "gain_high", "ess"]])

# %% [markdown]
# ## A model
#
# Trained on a part of the rows, and tested on those that it has not seen. `gain` is over the
# kernel's own choice, in the reward's unit; a lower end above 0 is a model worth loading.

# %%
model = mlproxy.train(data, kind="auto", seed=1)
test = mlproxy.off_policy_test(data, model)
print(model.kind, "costs", model.macs, "multiply-accumulates")
print(test[["gain", "gain_low", "gain_high", "ess", "deviates"]])

# %% [markdown]
# ## A policy of one's own beside it
#
# Any function of the data set that gives an action for each row. It must not be made from the
# rows that it is tested on.


# %%
def careful(rows: mlproxy.Dataset):
    """The model's choice where its advantage is large, else the kernel's."""
    scores = model.scores(rows)
    index = range(len(rows))
    advantage = scores.max(axis=1) - scores[index, rows.baseline]
    chosen = model.choose(rows)
    chosen[advantage < 0.5] = rows.baseline[advantage < 0.5]
    return chosen


print(mlproxy.off_policy_test(data, model, policies={"careful": careful})[["gain", "deviates"]])

# %% [markdown]
# ## The fixed-point form, which the kernel runs
#
# It is verified when it is loaded, and begins in a trial, against the kernel's own choice.

# %%
print(model.quantise(model_path, data))

# %%
try:
    with mlproxy.Session(data.schema.proxy) as session:
        version = session.load(model_path, activate=True)
        print("version", version, "is active; mode:", session.mode)
except mlproxy.DeviceError as error:
    print("not loaded:", error)
