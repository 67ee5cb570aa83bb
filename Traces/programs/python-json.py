"""Encodes and decodes JSON rows, and keeps a few of each round: what is recorded here."""

import json

rows = [
    {"id": i, "name": f"row {i}", "tags": [f"{i * 7919 % k}" for k in range(1, 5)]}
    for i in range(3000)
]
text = json.dumps(rows)
kept = []
for i in range(4):
    rows = json.loads(text)
    kept.append(rows[i::50])
print(len(text), sum(map(len, kept)))
