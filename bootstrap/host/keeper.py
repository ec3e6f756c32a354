"""Keeps one component's playbook on the bootstrap host. Python's standard library only.

    keeper.py run COMPONENT RUN              reads one line of JSON (the job) from stdin, starts it, then follows it
    keeper.py follow COMPONENT RUN OFFSET    follows a job that was started, from a byte of its event file
    keeper.py adopt COMPONENT RUN            follows a job of a run that was lost, unless it has failed meanwhile
    keeper.py sweep [COMPONENT/RUN ...]      ends what earlier runs left on this host, except those
    keeper.py supervise COMPONENT RUN        (started by `run`) owns the playbook's processes and its secrets

The playbook runs in a session of its own and survives a lost connection, but only for the job's lease: a job that
nobody follows for that long is ended. So is any older job of the same component before a new one starts. `run` said
twice for one run starts one job: the answer to the first may have been lost. The lock of a component is held by its
supervisor and by the playbook, so it is free only when both are gone.
"""

import json
import os
import subprocess
import sys

from follower import adopt, follow, follow_again, hold_lease, is_there
from job import HOME, Job, Refused, remove_remains, say, take_lock, write_private
from processes import end_marked
from supervisor import supervise


def main(arguments):
    os.umask(0o077)
    try:
        command, rest = arguments[0], arguments[1:]
        commands = {"run": run, "follow": follow_again, "adopt": adopt, "sweep": sweep, "supervise": supervise}
        commands[command](*rest)
        return 0
    except Refused as refusal:
        say({"event": "refused", "cause": str(refusal)})
        return 1
    except BrokenPipeError:
        return 1


def run(component, run_id):
    job = Job(component, run_id)
    line, early = read_line()
    if is_there(job):
        follow(job, 0, hold_lease(job), early)
        return
    order = json.loads(line)
    end_marked(job.mark)
    lock = take_lock(job)
    remove_remains(job)
    try:
        lay_out(job, order)
        lease = hold_lease(job)
        start_supervisor(job, lock)
    except OSError as error:
        remove_remains(job)
        raise Refused("the job of %s cannot be laid out: %s" % (component, error)) from error
    os.close(lock)
    follow(job, 0, lease, early)


def read_line():
    """The first line of stdin, and what came behind it: nothing may be lost in a buffer."""
    data = b""
    while b"\n" not in data:
        chunk = os.read(0, 1 << 16)
        if not chunk:
            raise Refused("the job did not arrive in full")
        data += chunk
    line, _, early = data.partition(b"\n")
    return line, early


def lay_out(job, order):
    os.makedirs(job.place, mode=0o700)
    os.makedirs(os.path.join(job.secrets, "tmp"), mode=0o700)
    kubeconfig = os.path.join(job.secrets, "kubeconfig")
    write_private(kubeconfig, order.pop("kubeconfig").encode())
    variables, secrets = dict(order.pop("vars"), slipway_kubeconfig=kubeconfig), order.pop("secrets")
    write_private(os.path.join(job.secrets, "vars.json"), json.dumps(variables).encode())
    if secrets is not None:
        write_private(os.path.join(job.secrets, "secrets.json"), json.dumps({"slipway_secrets": secrets}).encode())
    write_private(os.path.join(job.secrets, "order.json"), json.dumps(order).encode())
    for path in (job.events, job.lease):
        write_private(path, b"")


def start_supervisor(job, lock):
    environment = dict(os.environ, SLIPWAY_JOB=job.folder, SLIPWAY_LOCK=str(lock))
    subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "supervise", job.component, job.run],
        env=environment,
        pass_fds=(lock,),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


def sweep(*kept):
    jobs = os.path.join(HOME, "jobs")
    ended = []
    for component in sorted(os.listdir(jobs)) if os.path.isdir(jobs) else []:
        if any(os.path.exists(os.path.join(jobs, one, "lease")) for one in kept if one.startswith(component + "/")):
            continue
        job = Job(component, "sweep")
        if end_marked(job.mark):
            ended.append(component)
        lock = take_lock(job)
        remove_remains(job)
        os.close(lock)
    say({"event": "swept", "ended": ended})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
