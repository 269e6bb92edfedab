"""Conversations in tables, wherever the rows come from: delimited text, a workbook, Parquet, a database."""
