"""Parts of tables.py: sources of tables, one fit, its results, their comparison."""
