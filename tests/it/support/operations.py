"""Checks by tools that are not ours of what operators get; one JSON document in, one out."""

import importlib.util
import json
import subprocess
import sys
import types


def metrics(path):
    """Prometheus's own parser; a file that it refuses fails. Returns [[name, type, labels, value]]."""
    from prometheus_client.parser import text_string_to_metric_families

    with open(path) as file:
        families = list(text_string_to_metric_families(file.read()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), f"a family stands twice: {names}"
    assert all(family.documentation for family in families)
    return [[s.name, f.type, s.labels, s.value] for f in families for s in f.samples]


def cron(schedule):
    """The next two starts after a given instant."""
    from datetime import datetime, timezone

    from croniter import croniter

    assert croniter.is_valid(schedule), schedule
    times = croniter(schedule, datetime(2026, 3, 20, 12, tzinfo=timezone.utc))
    return [times.get_next(datetime).isoformat() for _ in range(2)]


def kubernetes(path):
    """Each document against the schema of its kind, no unknown key allowed. Returns the documents."""
    import kubernetes_validate
    import yaml

    with open(path) as file:
        documents = list(yaml.safe_load_all(file))
    for document in documents:
        kubernetes_validate.validate(document, "1.37", strict=True)
    return documents


def airflow(path, exit_code, start, end):
    """Runs the DAG's task with a binary that ends with `exit_code`, in an Airflow that has just the names
    that the DAG uses: the real one is some 130 packages. Returns what was run and how it ended."""
    import pendulum

    seen = {"tasks": [], "dags": []}

    class AirflowException(Exception):
        pass

    class AirflowFailException(AirflowException):
        pass

    class CronDataIntervalTimetable:
        def __init__(self, cron, *, timezone):
            seen["schedule"] = [cron, timezone]

    def task(**options):
        def decorate(function):
            def call():
                seen["tasks"].append({"name": function.__name__, "retries": options["retries"]})
                seen["function"] = function

            return call

        return decorate

    def dag(**options):
        def decorate(function):
            def call():
                seen["dags"].append({"name": function.__name__, "max_active_runs": options["max_active_runs"]})
                function()

            return call

        return decorate

    for name, members in {
        "airflow": {},
        "airflow.sdk": {"dag": dag, "task": task},
        "airflow.sdk.exceptions": {
            "AirflowException": AirflowException,
            "AirflowFailException": AirflowFailException,
        },
        "airflow.timetables": {},
        "airflow.timetables.interval": {"CronDataIntervalTimetable": CronDataIntervalTimetable},
    }.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module

    spec = importlib.util.spec_from_file_location("airflow_dag", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    real = subprocess.Popen

    def popen(arguments):
        seen["arguments"] = arguments
        return real([sys.executable, "-c", f"raise SystemExit({exit_code})"])

    subprocess.Popen = popen
    try:
        seen["function"](pendulum.parse(start), pendulum.parse(end))
        seen["ended"] = "success"
    except AirflowFailException:
        seen["ended"] = "failed"
    except AirflowException:
        seen["ended"] = "retry"
    del seen["function"]
    return seen


request = json.load(sys.stdin)
answer = globals()[request.pop("check")](**request)
json.dump(answer, sys.stdout)
