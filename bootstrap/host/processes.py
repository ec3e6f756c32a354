"""Finding and ending the processes of a job. Ansible's workers move to sessions of their own, so a process group is
not enough: everything that belongs to a component carries its mark in the environment."""

import os
import signal
import time

GRACE_S = 15  # between asking processes to end and ending them: Helm marks its release as failed in it


def end_marked(mark):
    """Ends every process that carries the mark, wherever it has moved its session to; says whether there was one."""
    kind, end = signal.SIGTERM, time.monotonic() + GRACE_S
    asked = set()
    while True:
        pids = marked(mark)
        if not pids:
            return bool(asked)
        if kind == signal.SIGTERM and time.monotonic() > end:
            kind, asked = signal.SIGKILL, set()
        for pid in pids - asked:
            send(pid, kind)
        asked |= pids
        time.sleep(0.05)


def marked(mark):
    """The processes that carry the mark, this one excepted."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
    return {pid for pid in pids if mark in read_proc(pid, "environ").split(b"\0")}


def read_proc(pid, name):
    """What the kernel says of a process; nothing, once it is gone."""
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as entry:
            return entry.read()
    except OSError:
        return b""


def send(pid, kind):
    """A signal to a process that may be gone."""
    try:
        os.kill(pid, kind)
    except ProcessLookupError:
        pass
