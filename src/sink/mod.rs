//! Parquet files on a disk or in a bucket, made visible whole or not at all, and read back.
