"""Counts the calls of each day with Spark, reading no other day's files and no rows that are too short.

    spark-submit samples/spark/read_calls.py export/demo --from 2026-01-12 --to 2026-01-19 --at-least 600

The plan goes to standard error: look for call_date in PartitionFilters and duration_s in PushedFilters. The
result goes to standard output, a JSON object a line. README.md beside this file says more about the settings.
"""

import argparse
import contextlib
import json
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

SETTINGS = {
    # Instants are UTC in the files; hours and days that you compute from them are of the session's zone.
    "spark.sql.session.timeZone": "UTC",
    # call_date=2026-03-02 in a path becomes a DATE column; without this it would be text.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    # Row groups that cannot hold what is asked for are skipped by their statistics.
    "spark.sql.parquet.filterPushdown": "true",
    # Only to read files written before and after a column was added: it opens every footer first.
    "spark.sql.parquet.mergeSchema": "false",
    # A file a day is small. Many of them make one task of up to 128 MB, each counted as 1 MB more than it is.
    "spark.sql.files.maxPartitionBytes": "128m",
    "spark.sql.files.openCostInBytes": "1m",
}


def session() -> SparkSession:
    builder = SparkSession.builder.appName("gong-export")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def calls_per_day(spark: SparkSession, arguments: argparse.Namespace) -> DataFrame:
    calls = spark.read.parquet(f"{arguments.destination.rstrip('/')}/calls")
    wanted = (
        (f.col("call_date") >= f.to_date(f.lit(arguments.first)))
        & (f.col("call_date") < f.to_date(f.lit(arguments.end)))
        & (f.col("duration_s") >= arguments.at_least)
    )
    return calls.where(wanted).groupBy("call_date").agg(f.count("*").alias("calls")).orderBy("call_date")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("destination", help="the job's destination: a folder, s3a://bucket/prefix, gs://, abfss://")
    parser.add_argument("--from", dest="first", required=True, metavar="DAY", help="first day")
    parser.add_argument("--to", dest="end", required=True, metavar="DAY", help="the day after the last")
    parser.add_argument("--at-least", type=int, default=0, metavar="SECONDS", help="how long a call has to be")
    arguments = parser.parse_args()

    spark = session()
    result = calls_per_day(spark, arguments)
    with contextlib.redirect_stdout(sys.stderr):
        result.explain(mode="formatted")
    for row in result.collect():
        print(json.dumps({"call_date": row.call_date.isoformat(), "calls": row.calls}))
    spark.stop()


if __name__ == "__main__":
    main()
