#!/usr/bin/env python3
"""Measures whole exports from outside: the built binary against a simulated Gong in another process.

    cargo build --release
    python3 benches/whole.py               every table, as README.md and benches/README.md quote them
    python3 benches/whole.py limit growth  some of them
    python3 benches/whole.py --once --calls-per-day 283 --days 30 --rate 3 --latency-ms 400

Needs nothing but Python 3 and the binary. CPU and peak memory are the kernel's own figures of the
exporting process (wait4), requests and their arrivals are the server's.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOW = "2026-03-31T12:00:00Z"
LAST_DAY = datetime.date(2026, 3, 31)
ALL = ["calls", "parties", "users", "transcripts", "activity_stats"]


class Simulator:
    """`gong-export simulator` on a free port, as of NOW."""

    def __init__(self, binary, calls_per_day, sentences, rate=0, latency_ms=0):
        command = [binary, "simulator", "--port", "0", "--output", "json", "--now", NOW, "--first-day", "2024-01-01",
                   "--calls-per-day", str(calls_per_day), "--sentences-per-call", str(sentences),
                   "--requests-per-second", str(rate), "--latency-ms", str(latency_ms), "--requests-per-day", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        text = ""
        while True:
            text += self.process.stdout.readline()
            try:
                self.base_url = json.loads(text)["base_url"].rstrip("/")
                break
            except json.JSONDecodeError:
                if self.process.poll() is not None:
                    sys.exit(f"the simulator did not start: {text}")

    def log(self):
        with urllib.request.urlopen(f"{self.base_url}/_simulator/requests") as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def export(binary, *, calls_per_day, days, sentences=230, rate=0, latency_ms=0, datasets=ALL, destination=None,
           runs=1, server=None):
    """The figures of an export; of several runs, those with the least CPU."""
    if runs > 1:
        results = [export(binary, calls_per_day=calls_per_day, days=days, sentences=sentences, rate=rate,
                          latency_ms=latency_ms, datasets=datasets, server=server) for _ in range(runs)]
        return min(results, key=lambda result: result["cpu_s"])
    with Simulator(server or binary, calls_per_day, sentences, rate, latency_ms) as simulator, \
            tempfile.TemporaryDirectory() as folder:
        job = {
            "version": 1,
            "source": {"base_url": simulator.base_url, "requests_per_second": rate or 100,
                       "requests_per_day": 1_000_000,
                       "auth": {"access_key": "simulator", "access_key_secret": "simulator-secret"}},
            "range": {"from": str(LAST_DAY - datetime.timedelta(days=days)), "to": str(LAST_DAY)},
            "datasets": datasets,
            "destination": destination or {"url": f"{folder}/export"},
        }
        path = pathlib.Path(folder, "job.yaml")
        path.write_text(json.dumps(job))
        out = pathlib.Path(folder, "record.json")
        with open(out, "w") as stdout:
            begin = time.monotonic()
            process = subprocess.Popen([binary, "run", str(path), "--output", "json", "--now", NOW, "-q"], stdout=stdout)
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"the export ended with {process.returncode}")
        record = json.loads(out.read_text())
        log = simulator.log()
        rows = {dataset["dataset"]: dataset["rows"] for dataset in record["datasets"]}
        arrivals = [request["at"] for request in log["requests"]]
        calls_listed = sum(w["fetched"] for w in record["windows"] if w["fetch"] == "calls")
        least = -(-calls_listed // 100) if calls_listed else 1
        least += -(-rows["calls"] // 100) if "transcripts" in datasets else 0
        least += ("users" in datasets) + ("activity_stats" in datasets)
        burst = min((b - a for a, b in zip(arrivals, arrivals[rate:])), default=None) if rate else None
        return {
            "calls": calls_listed,
            "sentences": rows.get("transcripts", 0),
            "json_mb": record["requests"]["bytes_received"] / 1e6,
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_mb": usage.ru_maxrss / 1024,
            "wall_s": wall,
            "requests": record["requests"]["sent"],
            "least": least,
            "throttled": record["requests"]["throttled"],
            "first_to_last_s": arrivals[-1] - arrivals[0],
            "burst_s": burst,
            "ratio": wall / (record["requests"]["sent"] / rate) if rate else None,
        }


def shown(value):
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) and value < 10 else f"{value:,.0f}"


def once(binary, args):
    result = export(binary, calls_per_day=args.calls_per_day, days=args.days, sentences=args.sentences,
                    rate=args.rate, latency_ms=args.latency_ms, datasets=args.datasets or ALL, server=args.server)
    for name, value in result.items():
        print(f"{name:16} {shown(value)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/release/gong-export"))
    parser.add_argument("--server", help="another binary for the simulator")
    parser.add_argument("--once", action="store_true", help="a single export, by the switches below")
    parser.add_argument("--calls-per-day", type=int, default=283)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--sentences", type=int, default=230)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--datasets", nargs="*")
    args = parser.parse_args()
    if args.once:
        return once(args.binary, args)


if __name__ == "__main__":
    main()
