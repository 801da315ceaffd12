"""Sources of rows: blocks of .npy and Parquet files."""
