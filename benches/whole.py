#!/usr/bin/env python3
"""Measures whole exports from outside: the built binary against a simulated Gong in another process.

    cargo build --release
    python3 benches/whole.py               every table, as README.md and benches/README.md quote them
    python3 benches/whole.py limit growth  some of them
    python3 benches/whole.py bucket        into a bucket; needs moto's server, which `cargo test` installs
    python3 benches/whole.py --once --calls-per-day 283 --days 30 --rate 3 --latency-ms 400

Needs nothing but Python 3 and the binary, except for `bucket`. CPU and peak memory are the kernel's own figures of the
exporting process (wait4), requests and their arrivals are the server's.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import socket
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

    def __init__(self, binary, calls_per_day, sentences, rate=0, latency_ms=0, gzip=False):
        command = [binary, "simulator", "--port", "0", "--output", "json", "--now", NOW, "--first-day", "2024-01-01",
                   "--calls-per-day", str(calls_per_day), "--sentences-per-call", str(sentences),
                   "--requests-per-second", str(rate), "--latency-ms", str(latency_ms), "--requests-per-day", "0",
                   *(["--gzip"] if gzip else [])]
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


def export(binary, *, runs=1, **shape):
    """The figures of an export; of several runs, those with the least CPU."""
    return min((export_once(binary, **shape) for _ in range(runs)), key=lambda result: result["cpu_s"])


def export_once(binary, *, calls_per_day, days, sentences=230, rate=0, latency_ms=0, gzip=False, datasets=ALL,
                privacy=None, destination=None, server=None):
    with Simulator(server or binary, calls_per_day, sentences, rate, latency_ms, gzip) as simulator, \
            tempfile.TemporaryDirectory() as folder:
        job = {
            "version": 1,
            "source": {"base_url": simulator.base_url, "requests_per_second": rate or 100,
                       "requests_per_day": 1_000_000,
                       "auth": {"access_key": "simulator", "access_key_secret": "simulator-secret"}},
            "range": {"from": str(LAST_DAY - datetime.timedelta(days=days)), "to": str(LAST_DAY)},
            "datasets": datasets,
            "destination": destination or {"url": f"{folder}/export"},
            "privacy": privacy or {},
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
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if value < 10 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(title, names, rows):
    """Prints a Markdown table."""
    print(f"\n{title}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(shown(value) for value in row)} |", flush=True)


def cpu(binary, args):
    """30 days of some 200 calls with a transcript of 230 sentences each, from a server without a limit."""
    pseudonyms = {"pseudonymize": ["email", "phone", "name"], "key": "0123456789abcdef" * 4}
    rows = []
    for name, more in [("as it is", {}), ("answers compressed", {"gzip": True}), ("with pseudonyms", {"privacy": pseudonyms})]:
        result = export(binary, calls_per_day=283, days=30, runs=args.runs, server=args.server, **more)
        rows.append([name, *(result[c] for c in ["calls", "sentences", "json_mb", "cpu_s", "peak_mb", "requests", "least"])])
    table("CPU: 30 days, no latency, no limit but the program's own of 100 requests a second",
          ["what", "calls", "sentences", "MB of JSON", "CPU s", "peak MB", "requests", "least possible"], rows)


def limit(binary, args):
    """The same at the real limit, at several latencies."""
    rows = []
    for latency_ms in [0, 400, 1000, 2000]:
        result = export(binary, calls_per_day=275, days=30, rate=3, latency_ms=latency_ms, server=args.server)
        rows.append([latency_ms, *(result[c] for c in ["calls", "requests", "least", "throttled", "wall_s", "ratio", "burst_s"])])
    table("Limit: 3 requests a second, enforced by the server in any second",
          ["latency ms", "calls", "requests", "least possible", "429s", "wall s", "× requests ÷ rate",
           "shortest time of 4 arrivals, s"], rows)


def latency(binary, args):
    """Longer runs at a long latency, in a tenth of the time: 30 requests a second, of 200 ms each, are as
    many under way as 3 of 2 s."""
    rows = []
    for calls_per_day in [300, 700, 1400, 2800]:
        result = export(binary, calls_per_day=calls_per_day, days=30, sentences=20, rate=30, latency_ms=200,
                        server=args.server)
        rows.append([result[c] for c in ["calls", "requests", "least", "throttled", "wall_s", "ratio"]])
    table("Long latency: 30 requests a second at 200 ms, as 3 at 2 s ten times faster",
          ["calls", "requests", "least possible", "429s", "wall s", "× requests ÷ rate"], rows)


def growth(binary, args):
    """The range doubled again and again."""
    rows = []
    for days in [15, 30, 60, 120]:
        result = export(binary, calls_per_day=283, days=days, runs=args.runs, server=args.server)
        rows.append([days, *(result[c] for c in ["calls", "sentences", "cpu_s"]),
                     1e3 * result["cpu_s"] / result["calls"], result["peak_mb"]])
    table("Growth: 1, 2, 4 and 8 times the range",
          ["days", "calls", "sentences", "CPU s", "CPU ms per call", "peak MB"], rows)


def memory(binary, args):
    """Shapes that hold much at once."""
    shapes = [
        ("a month of 10,000 calls a day", dict(calls_per_day=10_000, days=30, sentences=60)),
        ("a day of 20,000 calls", dict(calls_per_day=20_000, days=1, sentences=230)),
        ("answers of 100 transcripts of 2,000 sentences", dict(calls_per_day=300, days=2, sentences=2_000)),
        ("days of 20 calls of 50,000 sentences", dict(calls_per_day=20, days=5, sentences=50_000)),
        ("two years of 3 calls a day", dict(calls_per_day=3, days=730, sentences=230)),
    ]
    rows = []
    for name, shape in shapes:
        result = export(binary, **shape, server=args.server)
        rows.append([name, *(result[c] for c in ["calls", "sentences", "json_mb", "cpu_s", "peak_mb", "requests", "least"])])
    table("Memory", ["what", "calls", "sentences", "MB of JSON", "CPU s", "peak MB", "requests", "least possible"], rows)


@contextlib.contextmanager
def moto():
    """An S3 server with a bucket; yields the destination in it."""
    found = [shutil.which("moto_server"), *sorted(ROOT.glob("target/test-python/*/bin/moto_server"))]
    server = next((path for path in found if path), None)
    if server is None:
        sys.exit("there is no moto_server; `cargo test` installs one below target/, so does `pip install 'moto[server]'`")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bench", method="PUT")).close()
                break
            time.sleep(0.1)
        yield {"url": "s3://bench/export",
               "options": {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b",
                           "allow_http": "true"}}
    finally:
        process.kill()
        process.wait()


def bucket(binary, args):
    """Into a bucket, whose files go there in parts while they are written."""
    shapes = [
        ("30 days of 200 calls", dict(calls_per_day=283, days=30)),
        ("a day of 20,000 calls", dict(calls_per_day=20_000, days=1)),
        ("days of 20 calls of 50,000 sentences", dict(calls_per_day=20, days=5, sentences=50_000)),
    ]
    rows = []
    for name, shape in shapes:
        with moto() as destination:
            result = export(binary, **shape, destination=destination, server=args.server)
        rows.append([name, *(result[c] for c in ["calls", "sentences", "cpu_s", "peak_mb"])])
    table("Bucket: the same into S3", ["what", "calls", "sentences", "CPU s", "peak MB"], rows)


def start(binary, args):
    """From the start of the process; the best of ten."""
    def help_ms():
        begin = time.monotonic()
        subprocess.run([binary, "--help"], stdout=subprocess.DEVNULL, check=True)
        return 1e3 * (time.monotonic() - begin)

    def first_request_ms():
        with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
            job = {"version": 1, "range": {"from": "30 days ago"}, "datasets": ALL, "destination": {"url": f"{folder}/export"},
                   "source": {"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
                              "auth": {"access_key": "a", "access_key_secret": "b"}}}
            path = pathlib.Path(folder, "job.yaml")
            path.write_text(json.dumps(job))
            begin = time.monotonic()
            process = subprocess.Popen([binary, "run", str(path), "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            connection, _ = listener.accept()
            connection.recv(1)
            took = 1e3 * (time.monotonic() - begin)
            process.kill()
            process.wait()
            connection.close()
            return took

    table("Start and size", ["`--help`, ms", "first request, ms", "binary, MB"],
          [[min(help_ms() for _ in range(10)), min(first_request_ms() for _ in range(10)),
            os.path.getsize(binary) / 1e6]])


TABLES = {f.__name__: f for f in [cpu, limit, latency, growth, memory, start, bucket]}


def once(binary, args):
    result = export(binary, calls_per_day=args.calls_per_day, days=args.days, sentences=args.sentences,
                    rate=args.rate, latency_ms=args.latency_ms, datasets=args.datasets or ALL, server=args.server)
    for name, value in result.items():
        print(f"{name:16} {shown(value)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], default=[], help="all of them, unless named")
    parser.add_argument("--binary", default=str(ROOT / "target/release/gong-export"))
    parser.add_argument("--server", help="another binary for the simulator")
    parser.add_argument("--runs", type=int, default=3, help="of which the one with the least CPU counts")
    parser.add_argument("--once", action="store_true", help="a single export, by the switches below")
    parser.add_argument("--calls-per-day", type=int, default=283)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--sentences", type=int, default=230)
    parser.add_argument("--rate", type=int, default=0, help="requests a second; 0 for no limit")
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--datasets", nargs="*")
    args = parser.parse_args()
    if args.once:
        return once(args.binary, args)
    for name in args.tables or TABLES:
        TABLES[name](args.binary, args)


if __name__ == "__main__":
    main()
