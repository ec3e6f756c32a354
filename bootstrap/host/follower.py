"""Copies a job's events to the caller until the job has ended, and passes on the caller's wish to stop."""

import fcntl
import json
import os
import select
import shutil
import signal
import time

from job import Job, Refused, say, try_lock
from processes import end_marked, marked, read_proc, send

LOOK_S = 0.05  # how often the event file is looked at
PATIENCE_S = 30  # a follower that hears nothing from its caller for so long is alone


def hold_lease(job):
    try:
        lease = os.open(job.lease, os.O_RDWR)
    except FileNotFoundError:
        raise Refused("the job of %s is not on this host any more" % job.component) from None
    fcntl.flock(lease, fcntl.LOCK_SH)
    return lease


def follow_again(component, run_id, offset):
    job = Job(component, run_id)
    follow(job, int(offset), hold_lease(job), b"")


def is_there(job):
    """Whether the job was started and has not been ended from outside."""
    if not os.path.exists(job.lease):
        return False
    ended = result_of(job)
    return ended is None or ended["stopped"] not in ("lost", "lease")


def adopt(component, run_id):
    job = Job(component, run_id)
    ended = result_of(job) if is_there(job) else {"rc": None, "stopped": "lost"}
    if ended is not None and (ended["rc"] != 0 or ended["stopped"]):
        say({"event": "exit", "rc": None, "stopped": "lost", "stderr": ""})
        return
    follow(job, 0, hold_lease(job), b"")


def follow(job, offset, lease, early):
    """Copies events to stdout until the job has ended. `lease` is held by staying open."""
    heard = time.monotonic()
    obey(job, early)
    with open(job.events, "rb") as events:
        events.seek(offset)
        while True:
            if select.select([0], [], [], LOOK_S)[0]:
                said = os.read(0, 4096)
                if not said:
                    break
                obey(job, said)
                heard = time.monotonic()
            if time.monotonic() - heard > PATIENCE_S:
                break
            # Asked before reading, so that nothing can be written between the last read and the end.
            ended = result_of(job)
            lines = events.read()
            if lines:
                write_all(lines)
            elif ended is not None:
                say(dict(ended, event="exit"))
                break
    os.close(lease)


def obey(job, said):
    """The caller says `stop` or, by anything else, that it is still there."""
    if b"stop" in said:
        for pid in marked(job.mark):
            words = read_proc(pid, "cmdline").split(b"\0")
            # Not the supervisor of a later run that has taken over.
            if b"supervise" in words and job.run.encode() in words:
                send(pid, signal.SIGTERM)


def result_of(job):
    try:
        with open(job.status, encoding="utf-8") as status:
            return json.load(status)
    except FileNotFoundError:
        pass
    lock = os.open(job.lock, os.O_RDWR)
    try:
        if not try_lock(lock) or os.path.exists(job.status):
            return None
        # The supervisor is gone and said nothing.
        end_marked(job.mark)
        shutil.rmtree(job.secrets, ignore_errors=True)
        return {"rc": None, "stopped": "lost", "stderr": ""}
    finally:
        os.close(lock)


def write_all(data):
    while data:
        data = data[os.write(1, data):]
