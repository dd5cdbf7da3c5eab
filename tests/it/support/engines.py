"""Engines that execute what `gong-export sql` prints: one JSON request on standard input, the answers of
its steps as JSON on standard output.

Steps are {"script": SQL}, {"query": SQL}, {"write": path, "text": text}, and {"fails": SQL}, which answers
with the error's text or null. Instants are printed as text in UTC with all six digits, dates as YYYY-MM-DD.
"""

import datetime
import json
import os
import sys


def plain(value):
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


class Spark:
    """A session whose catalog is in memory, as of somebody who tries it on a laptop."""

    def __init__(self, request):
        from pyspark.sql import SparkSession

        folder = request["folder"]
        builder = SparkSession.builder.master("local[1]").appName("test")
        for key, value in {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
            "spark.local.dir": folder,
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
        }.items():
            builder = builder.config(key, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")
        self.version = self.session.version

    def script(self, text):
        for statement in statements(text, "spark"):
            self.session.sql(statement)

    def query(self, text):
        return [{name: plain(value) for name, value in row.asDict().items()} for row in self.session.sql(text).collect()]


class ClickHouse:
    def __init__(self, request):
        from chdb.session import Session

        self.session = Session(f"{request['folder']}/clickhouse")
        self.version = self.query("SELECT version() AS version")[0]["version"]

    def script(self, text):
        for statement in statements(text, "clickhouse"):
            self.session.query(statement)

    def query(self, text):
        settings = {
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_quote_denormals": 0,
            "date_time_output_format": "'iso'",
        }
        settings = ", ".join(f"{key} = {value}" for key, value in settings.items())
        lines = str(self.session.query(f"{text} SETTINGS {settings}", "JSONEachRow")).splitlines()
        return [json.loads(line) for line in lines if line]


def statements(text, dialect):
    """Cuts a script at its semicolons, as clients do: not in comments and not in quotes."""
    from sqlglot.tokens import TokenType
    from sqlglot.dialects.dialect import Dialect

    begin, cut = 0, []
    for token in Dialect.get_or_raise(dialect).tokenize(text):
        if token.token_type == TokenType.SEMICOLON:
            cut.append(text[begin : token.start])
            begin = token.end + 1
    assert not [line for line in text[begin:].splitlines() if line.strip() and not line.startswith("--")], "no semicolon"
    return cut


def parse(request):
    """What a parser makes of a script's statements: their kinds, and the texts that it only took as they are."""
    import sqlglot
    from sqlglot import exp

    kinds, opaque = [], []
    for statement in sqlglot.parse(request["script"], read=request["dialect"]):
        if statement is None or isinstance(statement, exp.Semicolon):
            continue
        kinds.append(type(statement).__name__)
        opaque.extend(found.sql(dialect=request["dialect"]) for found in statement.find_all(exp.Command))
    return {"version": sqlglot.__version__, "kinds": kinds, "opaque": opaque}


def execute(request):
    engine = {"spark": Spark, "clickhouse": ClickHouse}[request["engine"]](request)
    answers = []
    for step in request["steps"]:
        if "script" in step:
            engine.script(step["script"])
        elif "query" in step:
            answers.append(engine.query(step["query"]))
        elif "write" in step:
            with open(step["write"], "w") as file:
                file.write(step["text"])
        elif "fails" in step:
            try:
                engine.query(step["fails"])
                answers.append(None)
            except Exception as error:
                answers.append(str(error))
    return {"version": engine.version, "answers": answers}


if __name__ == "__main__":
    # Engines print what they like; only the answer goes to standard output.
    out = os.dup(1)
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    answer = parse(request) if "dialect" in request else execute(request)
    with os.fdopen(out, "w") as file:
        json.dump(answer, file)
        file.flush()
    os._exit(0)  # Not every engine's threads end by themselves.
