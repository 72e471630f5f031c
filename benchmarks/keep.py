"""Keep the last run of `make bench` for the site: `python benchmarks/keep.py`.

Of `benchmark.json` only what the benchmarks' page shows goes into `benchmarks/last_run.json`, whose
rows of other kinds of processor stay.
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MEASURED = HERE.parent / "benchmark.json"
KEPT = HERE / "last_run.json"


def kept(found: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The run without what no page shows, such as every single time."""
    machine = {
        key: found["machine_info"][key]
        for key in ("machine", "system", "python_implementation", "python_version", "versions")
    }
    cpu = found["machine_info"].get("cpu", {})
    machine["cpu"] = {key: cpu[key] for key in ("brand_raw", "count") if key in cpu}
    items = [
        {key: item[key] for key in ("name", "fullname", "group", "params", "extra_info")}
        | {"stats": {key: item["stats"][key] for key in ("median", "min", "rounds")}}
        for item in found["benchmarks"]
    ]
    return {
        "datetime": found["datetime"],
        "commit_info": {"id": found["commit_info"].get("id")},
        "machine_info": machine,
        "ratios": found["ratios"],
        "rows": before["rows"] | found["rows"],
        "benchmarks": items,
    }


if __name__ == "__main__":
    run = kept(*(json.loads(path.read_text(encoding="utf-8")) for path in (MEASURED, KEPT)))
    KEPT.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    numbers = len(run["ratios"]) + sum(map(len, run["rows"].values()))
    print(f"{len(run['benchmarks'])} times and {numbers} numbers in {KEPT.name}")
