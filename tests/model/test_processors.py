"""A call takes no more threads than the processors that its container may use."""

import os
from pathlib import Path

import pytest

import pynn
from pynn.model import threads

V2, V1 = "0::/a/b\n", "4:memory:/a\n3:cpu,cpuacct:/a/b\n"


@pytest.fixture
def root(tmp_path):
    """Write files below a folder that stands for the root of the file system."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def in_group(root, membership, files):
    folder = Path("sys/fs/cgroup")
    paths = {str(folder / name).replace("/", "__"): text for name, text in files.items()}
    return root(proc__self__cgroup=membership, **paths)


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (V2, {"a/b/cpu.max": "200000 100000\n"}, 2),
        (V2, {"a/b/cpu.max": "150000 100000\n"}, 2),  # one and a half
        (V2, {"a/b/cpu.max": "1000 100000\n"}, 1),
        (V2, {"a/b/cpu.max": "max 100000\n"}, None),
        (V2, {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        (V2, {"a/b/cpu.max": "100000 100000\n", "a/cpu.max": "300000 100000\n"}, 1),
        (V2, {"cpu.max": "300000 100000\n"}, 3),  # a container sees its group as the root
        (V2, {}, None),
        (V1, {"cpu/a/b/cpu.cfs_quota_us": "250000", "cpu/a/b/cpu.cfs_period_us": "50000"}, 5),
        (V1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        (V1, {"cpu/a/b/cpu.cfs_quota_us": "-1", "cpu/a/b/cpu.cfs_period_us": "50000"}, None),
    ],
)
def test_the_quota_is_that_of_the_narrowest_group(root, membership, files, expected):
    assert threads.quota(in_group(root, membership, files)) == expected


def test_a_system_without_cgroups_has_no_quota(tmp_path):
    assert threads.quota(tmp_path) is None


def test_processors_are_those_of_affinity_and_quota(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5, 7}, raising=False)
    for quota, expected in ((None, 4), (2, 2), (9, 4)):
        monkeypatch.setattr(threads, "quota", lambda quota=quota: quota)
        assert threads.processors() == expected


def test_more_threads_than_a_team_may_have_are_an_error():
    pynn.Network([2, 3, 1], n_threads=threads.MOST)
    with pytest.raises(ValueError, match=r"n_threads must be at most 256, but is 1000000"):
        pynn.Network([2, 3, 1], n_threads=10**6)
