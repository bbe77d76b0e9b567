"""Who is wanted, and what is overdue on their files: a notebook as a script, with pandas.

Each part that begins with `# %%` is a cell where an editor knows them; `python morning.py` runs them all. STEELYARD_URL
names the server and STEELYARD_TOKEN holds a token with the role analyst; without one the server must be one that asks
nobody who they are, such as the demonstration.
"""

# %% Where to ask, and as whom
import json
import os
import urllib.parse
import urllib.request

import pandas as pd

SERVER = os.environ.get("STEELYARD_URL", "http://127.0.0.1:8080")
TOKEN = os.environ.get("STEELYARD_TOKEN", "")
HEADERS = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
BANDS = ["VERY_HIGH", "HIGH", "MEDIUM", "LOW"]

# %% The whole list, from one moment, as a table
wanted = pd.read_csv(
    f"{SERVER}/v1/RankingService/ExportStandings?list=wanted&format=csv",
    storage_options=HEADERS,
    dtype={"subject_ref": "string"},
    parse_dates=["outstanding_since"],
)
wanted["band"] = pd.Categorical(wanted["effective_band"], categories=BANDS, ordered=True)
wanted["points"] = wanted["composite"] / 1000
print(f"{len(wanted)} people are wanted.\n")
print(wanted[["rank", "subject_ref", "band", "points", "outstanding_since"]].head(10).to_string(index=False))

# %% How they stand by band
print()
print(wanted.groupby("band", observed=False)["points"].agg(["count", "median", "max"]).to_string())


# %% What is overdue, page by page
def pages(call, rows, **asked):
    """Every row of a call that answers in pages."""
    token = ""
    while True:
        query = urllib.parse.urlencode({**asked, "page_token": token})
        request = urllib.request.Request(f"{SERVER}/v1/{call}?{query}", headers=HEADERS)
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        yield from page.get(rows, [])
        token = page.get("nextPageToken", "")
        if not token:
            return


files = pd.DataFrame(pages("OutstandingService/ListSupervisionGaps", "gaps", page_size=500))
# A gap is the longest overrun in ten-thousandths of the time allowed: 10,000 is twice the time.
files["times"] = 1 + files["gap"].astype(float) / 10_000
print()
print(files[["position", "subjectRef", "area", "officer", "times"]].head(10).to_string(index=False, float_format="%.1f"))

# %% Both together: who is wanted, how high they stand, and whose file waits longest
both = files.merge(wanted, left_on="subjectRef", right_on="subject_ref")
print()
print(f"{len(both)} files of people who are wanted; the median waits {both['times'].median():.1f} times what is allowed.")
