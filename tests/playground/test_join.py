"""The page is one file, which playground/join.py writes."""

from browsing import join


def test_the_file_is_the_same_each_time_and_at_most_400_kb(page_file):
    again = page_file.with_name("again.html")
    join(again)
    assert again.read_bytes() == page_file.read_bytes()
    assert len(again.read_bytes()) <= 400_000
