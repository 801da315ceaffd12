"""Where rows come from: blocks of .npy and Parquet files."""
