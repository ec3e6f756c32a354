"""Where one component's job keeps its things on this host, and the lock that says who may touch them."""

import fcntl
import glob
import hashlib
import json
import os
import shutil
import time

HOME = os.path.join(os.path.expanduser("~"), ".slipway")


class Refused(Exception):
    """The job cannot be started; the message says why."""


class Job:
    """Where one component's job keeps its things."""

    def __init__(self, component, run):
        self.component, self.run = component, run
        self.folder = os.path.join(HOME, "jobs", component)
        self.place = os.path.join(self.folder, run)
        self.events = os.path.join(self.place, "events.jsonl")
        self.status = os.path.join(self.place, "status.json")
        self.lease = os.path.join(self.place, "lease")
        self.lock = os.path.join(self.folder, "lock")
        # In the environment of everything that belongs to the component, so that all of it can be found and ended.
        self.mark = ("SLIPWAY_JOB=" + self.folder).encode()
        self.secrets_prefix = "slipway-%d-%s-" % (os.getuid(), hashlib.sha256(self.folder.encode()).hexdigest()[:16])
        self.secrets = os.path.join(memory(), self.secrets_prefix + run)


def memory():
    """A folder that is never written to a disk."""
    for folder in ("/dev/shm", os.environ.get("XDG_RUNTIME_DIR", "")):
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK):
            return folder
    raise Refused("neither /dev/shm nor $XDG_RUNTIME_DIR can be written, and secrets must not rest on a disk")


def take_lock(job):
    """The component's lock, as an open descriptor; it is free as soon as the last process of a job is gone."""
    os.makedirs(job.folder, mode=0o700, exist_ok=True)
    lock = os.open(job.lock, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(100):
        if try_lock(lock):
            return lock
        time.sleep(0.05)
    raise Refused("another run of %s holds %s and does not end" % (job.component, job.lock))


def try_lock(descriptor):
    """Takes a file's lock if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def remove_remains(job):
    """Files of earlier jobs of the component, secrets first. Only for who holds the lock."""
    for folder in glob.glob(os.path.join(memory(), job.secrets_prefix + "*")):
        shutil.rmtree(folder, ignore_errors=True)
    for name in os.listdir(job.folder):
        if name != "lock":
            shutil.rmtree(os.path.join(job.folder, name), ignore_errors=True)


def write_private(path, contents):
    """A new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(contents)


def say(line):
    """One line of JSON to the caller."""
    os.write(1, json.dumps(line).encode() + b"\n")
