"""Writes what a playbook does as JSON lines, for slipway-bootstrap to follow."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from datetime import datetime, timezone

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: slipway_events
type: aggregate
short_description: JSON lines about plays, tasks and results
description:
  - Appends one JSON object a line to the file that E(SLIPWAY_EVENTS) names; without it the plugin is silent.
  - Every line has C(v), C(seq), C(ts) and C(event); events are C(play), C(task_start), C(task), C(retry), C(no_hosts)
    and C(stats).
  - A task marked C(no_log) shows its name and how it ended, never what it said. Known secret values are blotted out of
    everything else. The arguments of modules are never written.
  - A fault in the plugin never reaches the run.
requirements:
  - enabled in the configuration (C(callbacks_enabled))
"""

LIMIT = 4096  # characters of one text
TAIL = 1024  # characters of what a failed program printed last
BLOT = "********"
HIDDEN = "(the task hides what it says: no_log)"
KUBECONFIG_SECRETS = re.compile(r"(?:token|password|client-key-data)[\"']?\s*:\s*[\"']?([^\s\"',}]+)")


class CallbackModule(CallbackBase):
    """The plugin. Its methods are called by Ansible."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "slipway_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display=display, options=options)
        path = os.environ.get("SLIPWAY_EVENTS")
        self._out = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if path else None
        self.disabled = self._out is None
        self._seq = 0
        self._play = None
        self._secrets = []
        self._started = {}

    # --- what Ansible calls -------------------------------------------------------------------------------------------

    def v2_playbook_on_play_start(self, play):
        self._guard(self._on_play, play)

    def v2_playbook_on_no_hosts_matched(self):
        self._guard(self._write, "no_hosts")

    def v2_runner_on_start(self, host, task):
        self._guard(self._on_start, host, task)

    def v2_runner_on_ok(self, result):
        self._guard(self._on_result, result, None)

    def v2_runner_on_skipped(self, result):
        self._guard(self._on_result, result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._guard(self._on_result, result, "failed", bool(ignore_errors))

    def v2_runner_on_unreachable(self, result):
        self._guard(self._on_result, result, "unreachable")

    def v2_runner_retry(self, result):
        self._guard(self._on_retry, result)

    def v2_playbook_on_stats(self, stats):
        self._guard(self._on_stats, stats)

    # --- what is written ----------------------------------------------------------------------------------------------

    def _guard(self, write, *arguments):
        if self._out is None:
            return
        try:
            write(*arguments)
        except Exception as error:  # noqa: BLE001  whatever it is, the run is worth more than its report
            self._display.vvv("slipway_events: %s" % type(error).__name__)

    def _on_play(self, play):
        self._play = str(play.get_name())
        self._secrets = secret_values(play)
        self._write("play", name=self._play)

    def _on_start(self, host, task):
        self._started[(task._uuid, host.get_name())] = time.monotonic()
        self._write("task_start", task=task.get_name(), host=host.get_name())

    def _on_result(self, result, status, ignored=False):
        host, task, outcome = parts(result)
        started = self._started.pop((task._uuid, host), None)
        elapsed = time.monotonic() - started if started is not None else 0
        self._write(
            "task",
            task=task.get_name(),
            host=host,
            status=status or ("changed" if outcome.get("changed") else "ok"),
            duration_ms=int(elapsed * 1000),
            msg=self._said(task, outcome, failed=status in ("failed", "unreachable")),
            ignored=ignored,
            path=task.get_path(),
        )

    def _on_retry(self, result):
        host, task, outcome = parts(result)
        attempts, retries = outcome.get("attempts"), outcome.get("retries")
        self._write(
            "retry",
            task=task.get_name(),
            host=host,
            msg="attempt %s of %s: %s" % (attempts, retries, self._said(task, outcome, failed=True) or "not yet"),
        )

    def _on_stats(self, stats):
        self._write("stats", hosts={host: dict(stats.summarize(host)) for host in sorted(stats.processed)})

    def _said(self, task, outcome, failed):
        if task.no_log or outcome.get("_ansible_no_log") or "censored" in outcome:
            return HIDDEN if failed else None
        return explain(outcome) if failed else text_of(outcome.get("msg"))

    def _write(self, event, **fields):
        self._seq += 1
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"v": 1, "seq": self._seq, "ts": now, "event": event, "play": self._play}
        line.update((key, self._clean(value)) for key, value in fields.items())
        os.write(self._out, json.dumps(line).encode() + b"\n")

    def _clean(self, value):
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, BLOT)
        return str(value if len(value) <= LIMIT else value[: LIMIT - 1] + "…")


def parts(result):
    """Host name, task and outcome of a result; the attributes lose their underscores with ansible-core 2.19."""
    host = getattr(result, "host", None) or result._host
    task = getattr(result, "task", None) or result._task
    outcome = getattr(result, "result", None) or result._result
    return host.get_name(), task, outcome


def explain(outcome):
    """Why a task failed: its message, what its program printed last, and the items that failed."""
    reasons = [text_of(outcome.get("msg")) or "no message"]
    for stream in ("stderr", "module_stderr", "stdout", "module_stdout"):
        printed = text_of(outcome.get(stream))
        if printed and printed.strip() and printed.strip() not in reasons[0]:
            reasons.append("%s: %s" % (stream, printed.strip()[-TAIL:]))
            break
    for item in outcome.get("results") or []:
        if isinstance(item, dict) and item.get("failed"):
            hidden = item.get("_ansible_no_log") or "censored" in item
            label = text_of(item.get("_ansible_item_label")) or text_of(item.get("item")) or "an item"
            reasons.append(HIDDEN if hidden else "%s: %s" % (label[:TAIL], explain(item)))
    return "\n".join(reasons)


def text_of(value):
    """Messages are texts or lists of texts; anything else is not shown, because it may be a whole object."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(part, str) for part in value):
        value = "\n".join(value)
    return str(value) if isinstance(value, str) and value.strip() else None


def secret_values(play):
    """The secrets of the run in the forms they could turn up in, longest first."""
    extra = play.get_variable_manager().extra_vars
    texts = [str(value) for value in dict(extra.get("slipway_secrets") or {}).values()]
    try:
        with open(str(extra["slipway_kubeconfig"]), encoding="utf-8") as kubeconfig:
            texts += KUBECONFIG_SECRETS.findall(kubeconfig.read())
    except (KeyError, OSError):
        pass
    forms = set()
    for text in texts:
        forms.update([text, base64.b64encode(text.encode()).decode(), json.dumps(text)[1:-1]])
        forms.update(line.strip() for line in text.splitlines() if len(line.strip()) >= 8)
    return sorted((form for form in forms if len(form) >= 4), key=len, reverse=True)
