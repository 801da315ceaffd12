"""What tables.py is made of: where tables come from, one fit, its results, their comparison."""
