"""Neural networks on tables: columns of numbers, categories and dates, with missing values."""
