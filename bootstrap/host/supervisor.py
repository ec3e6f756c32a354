"""Owns a playbook's processes and its secrets, from the start to the recorded end."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time

from job import Job, try_lock
from processes import end_marked

STDERR_TAIL = 4096
AWAITED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def supervise(component, run_id):
    job = Job(component, run_id)
    lock = int(os.environ.pop("SLIPWAY_LOCK"))
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    with open(os.path.join(job.secrets, "order.json"), encoding="utf-8") as order_file:
        order = json.load(order_file)
    masked = secret_values(job)
    try:
        child = start_playbook(job, order, lock)
        stopped = wait_for(child, job, order)
        end_marked(job.mark)
        result = {"rc": child.wait(), "stopped": stopped, "stderr": stderr_tail(job, masked)}
    except OSError as error:
        result = {"rc": None, "stopped": None, "stderr": "%s cannot be started: %s" % (order["program"], error)}
    shutil.rmtree(job.secrets, ignore_errors=True)
    write_status(job, result)


def start_playbook(job, order, lock):
    def secret(name):
        return os.path.join(job.secrets, name)

    command = [order["program"], order["playbook"], "-e", "@" + secret("vars.json")]
    if os.path.exists(secret("secrets.json")):
        command += ["-e", "@" + secret("secrets.json")]
    environment = dict(
        os.environ,
        PATH=os.pathsep.join(order["path"] + [os.environ.get("PATH", os.defpath)]),
        ANSIBLE_CONFIG=os.path.join(order["bundle"], "ansible.cfg"),
        ANSIBLE_FORCE_COLOR="0",
        ANSIBLE_NOCOLOR="1",
        # What Ansible and its modules write on their way may hold secrets: it stays in memory and goes with them.
        ANSIBLE_HOME=secret("ansible"),
        ANSIBLE_LOCAL_TEMP=secret("tmp"),
        ANSIBLE_REMOTE_TEMP=secret("tmp"),
        TMPDIR=secret("tmp"),
        LC_ALL="C.UTF-8",
        PYTHONUNBUFFERED="1",
        SLIPWAY_EVENTS=job.events,
    )
    with open(secret("stderr"), "wb") as stderr:
        return subprocess.Popen(
            command,
            cwd=order["bundle"],
            env=environment,
            pass_fds=(lock,),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            # What the tasks print is in the events, masked; here it would be in the open.
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []),
        )


def wait_for(child, job, order):
    """Until the playbook has ended, or must: the reason for that is returned."""
    end = time.monotonic() + order["timeout_s"]
    followed = time.monotonic()
    lease = os.open(job.lease, os.O_RDWR)
    secrets = os.path.join(job.secrets, "secrets.json")
    while child.poll() is None:
        got = signal.sigtimedwait(AWAITED, 1.0)
        now = time.monotonic()
        if try_lock(lease):
            fcntl.flock(lease, fcntl.LOCK_UN)
        else:
            followed = now
        if got is not None and got.si_signo != signal.SIGCHLD:
            return "request"
        if now > end:
            return "timeout"
        if now - followed > order["lease_s"]:
            return "lease"
        # Extra variables are read once, before the first event is written.
        if os.path.exists(secrets) and os.path.getsize(job.events) > 0:
            os.unlink(secrets)
    return None


def stderr_tail(job, masked):
    try:
        with open(os.path.join(job.secrets, "stderr"), "rb") as stderr:
            stderr.seek(max(0, os.path.getsize(stderr.name) - 4 * STDERR_TAIL))
            text = stderr.read().decode("utf-8", "replace")
    except OSError:
        return ""
    for value in masked:
        text = text.replace(value, "********")
    return text[-STDERR_TAIL:]


def secret_values(job):
    """The texts that must not leave the secrets folder, longest first."""
    values = set()
    try:
        with open(os.path.join(job.secrets, "kubeconfig"), encoding="utf-8") as kubeconfig:
            text = kubeconfig.read()
        values.update(re.findall(r"(?:token|password|client-key-data)[\"']?\s*:\s*[\"']?([^\s\"',}]+)", text))
        with open(os.path.join(job.secrets, "secrets.json"), encoding="utf-8") as secrets:
            for secret in json.load(secrets)["slipway_secrets"].values():
                values.update([secret], secret.splitlines())
    except FileNotFoundError:
        pass
    return sorted((value for value in values if len(value) >= 4), key=len, reverse=True)


def write_status(job, result):
    with open(job.status + ".new", "w", encoding="utf-8") as out:
        json.dump(result, out)
    os.rename(job.status + ".new", job.status)
