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
        threads.quota.cache_clear()
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


MALFORMED = [
    "",
    "\n",
    "max",
    "1",
    "1 2 3",
    "a b",
    "1e5 100000",
    "-5 100000",
    "100000 0",
    "0 100000",
    "200000 x",
    "99999999999999999999 1",
    "²00000 100000",
    "100000\0 100000",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_file_that_is_not_as_the_kernel_writes_it_sets_no_quota(root, text):
    assert threads.quota(in_group(root, V2, {"a/b/cpu.max": text})) is None
    files = {"cpu/a/b/cpu.cfs_quota_us": text, "cpu/a/b/cpu.cfs_period_us": ""}
    assert threads.quota(in_group(root, V1, files)) is None
    wider = {"a/b/cpu.max": text, "cpu.max": "300000 100000"}  # it takes nothing from the others
    assert threads.quota(in_group(root, V2, wider)) == 3


@pytest.mark.parametrize(
    "membership",
    ["", "\n", "0", "0:", "0::", ":::", "0::a/b", "cpu", "3:cpu", "3:cpu:a", "::/a/b:"],
)
def test_neither_does_a_membership_that_is_not(root, membership):
    files = {"a/b/cpu.max": "200000 100000", "cpu/a/b/cpu.cfs_quota_us": "250000"}
    assert threads.quota(in_group(root, membership, files)) is None


def test_bytes_that_are_no_text_are_no_quota(tmp_path):
    for name in ("proc/self/cgroup", "sys/fs/cgroup/cpu.max"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xff\xfe")
    assert threads.quota(tmp_path) is None
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    threads.quota.cache_clear()
    assert threads.quota(tmp_path) is None


def test_neither_are_folders(root):
    files = {"a/b/cpu.max/file": "", "cpu.max": "300000 100000"}
    assert threads.quota(in_group(root, V2, files)) == 3


def test_a_quota_of_the_smallest_share_leaves_one_processor(root):
    assert threads.quota(in_group(root, V2, {"a/b/cpu.max": "1 1000000"})) == 1
    assert threads.quota(in_group(root, V2, {"a/b/cpu.max": "999999999999999999 1"})) == 10**18


def test_a_system_without_cgroups_has_no_quota(tmp_path):
    assert threads.quota(tmp_path) is None


def test_processors_are_those_of_affinity_and_quota(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5, 7}, raising=False)
    for quota, expected in ((None, 4), (2, 2), (9, 4)):
        monkeypatch.setattr(threads, "quota", lambda quota=quota: quota)
        assert threads.processors() == expected


def test_more_threads_than_a_team_may_have_are_an_error():
    pynn.Network([2, 3, 1], n_threads=threads.MOST)
    with pytest.raises(ValueError, match=r"n_threads must be from 1 to 256, got 1000000"):
        pynn.Network([2, 3, 1], n_threads=10**6)
