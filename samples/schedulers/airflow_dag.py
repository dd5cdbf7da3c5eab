"""A nightly export of Gong, as a DAG for Airflow 3.

The run of a night exports the day before and, since transcripts and corrections come late, a week
before that. Exported partitions are replaced as a whole, so no day is ever there twice, and running an
old interval again is safe.

The workers need the binary, and GONG_BASE_URL, GONG_ACCESS_KEY and GONG_ACCESS_KEY_SECRET in their
environment. Nothing secret stands on the command line.
"""

import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.timetables.interval import CronDataIntervalTimetable

BINARY = "/usr/local/bin/gong-export"
JOB = "/etc/gong-export/nightly.yaml"
# The same as `range.timezone` of the job: whose midnight parts one day from the next.
TIMEZONE = "UTC"
LOOKBACK_DAYS = 7
# What another try can mend: finished in part, stopped by the request budget.
RETRIED = (4, 5)
# How long it may take to end at a safe point; what is finished by then is kept.
GRACE_SECONDS = 60


def command(data_interval_start, data_interval_end):
    """The whole days that the interval spans, with their offsets from UTC."""
    start = data_interval_start.in_timezone(TIMEZONE).start_of("day").subtract(days=LOOKBACK_DAYS)
    end = data_interval_end.in_timezone(TIMEZONE).start_of("day")
    return [
        BINARY, "run", JOB,
        "--from", start.isoformat(),
        "--to", end.isoformat(),
        "--log-format", "json",
        "--output", "json",
    ]  # fmt: skip


def run(arguments):
    """Runs to the end and returns the exit code. A task that is stopped stops the export, too."""
    process = subprocess.Popen(arguments)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


# A plain cron text would have intervals without length, hence the timetable.
@dag(
    schedule=CronDataIntervalTimetable("15 3 * * *", timezone=TIMEZONE),
    start_date=pendulum.datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    tags=["gong"],
)
def gong_export():
    # The budget of requests comes back with the next day, so the pauses grow to hours.
    @task(
        retries=6,
        retry_delay=timedelta(minutes=10),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=6),
        execution_timeout=timedelta(hours=6),
    )
    def export(data_interval_start=None, data_interval_end=None):
        code = run(command(data_interval_start, data_interval_end))
        if code in RETRIED:
            raise AirflowException(f"gong-export ended with exit code {code}, another try goes on")
        if code != 0:
            raise AirflowFailException(f"gong-export ended with exit code {code}, see its log")

    export()


gong_export()
