"""Readers that are not ours: one JSON request on standard input, rows as JSON on standard output.

Instants are printed as text in UTC with all six digits, dates as YYYY-MM-DD, so that rows can be
compared with those of any other reader.
"""

import datetime
import json
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1)


def instant(micros):
    if micros is None:
        return None
    return (EPOCH + datetime.timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(table):
    columns = {}
    for field, column in zip(table.schema, table.columns):
        if pa.types.is_timestamp(field.type):
            micros = pc.cast(pc.cast(column, pa.timestamp("us", field.type.tz)), pa.int64())
            columns[field.name] = [instant(value) for value in micros.to_pylist()]
        elif pa.types.is_date(field.type):
            columns[field.name] = [value and value.isoformat() for value in column.to_pylist()]
        elif pa.types.is_decimal(field.type):  # sums of integers
            columns[field.name] = [value if value is None else int(value) for value in column.to_pylist()]
        else:
            columns[field.name] = column.to_pylist()
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def read_duckdb(request):
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    if s3 := request.get("s3"):
        import duckdb_extension_httpfs

        folder = os.path.dirname(duckdb_extension_httpfs.__file__)
        connection.load_extension(f"{folder}/extensions/v{duckdb.__version__}/httpfs.duckdb_extension")
        connection.execute(
            "CREATE SECRET (TYPE s3, KEY_ID ?, SECRET ?, ENDPOINT ?, REGION 'us-east-1', URL_STYLE 'path', USE_SSL false)",
            [s3["access_key"], s3["secret"], s3["endpoint"]],
        )
    return rows(connection.execute(request["sql"]).to_arrow_table())


def read_pyarrow(request):
    return rows(ds.dataset(request["path"], format="parquet", partitioning="hive").to_table())


def read_metadata(request):
    files = []
    for path in request["files"]:
        file = pq.ParquetFile(path)
        meta = file.metadata
        groups = []
        for number in range(meta.num_row_groups):
            group = meta.row_group(number)
            groups.append(
                {
                    "rows": group.num_rows,
                    "sorting": [[column.column_index, column.descending] for column in group.sorting_columns],
                    "columns": [
                        {
                            "name": column.path_in_schema,
                            "compression": column.compression,
                            "encodings": list(column.encodings),
                            "statistics": column.statistics is not None and column.statistics.has_null_count,
                            "column_index": column.has_column_index,
                            "offset_index": column.has_offset_index,
                        }
                        for column in (group.column(place) for place in range(group.num_columns))
                    ],
                }
            )
        columns = [file.schema.column(place) for place in range(len(file.schema))]
        files.append(
            {
                "path": path,
                "created_by": meta.created_by,
                "format_version": meta.format_version,
                "num_rows": meta.num_rows,
                "key_values": {key.decode(): value.decode() for key, value in (meta.metadata or {}).items()},
                "row_groups": groups,
                "columns": [
                    {
                        "name": column.name,
                        "physical": column.physical_type,
                        "logical": str(column.logical_type),
                        "required": column.max_definition_level == 0,
                    }
                    for column in columns
                ],
            }
        )
    return files


if __name__ == "__main__":
    request = json.load(sys.stdin)
    answer = {"duckdb": read_duckdb, "pyarrow": read_pyarrow, "metadata": read_metadata}[request["reader"]](request)
    json.dump(answer, sys.stdout)
