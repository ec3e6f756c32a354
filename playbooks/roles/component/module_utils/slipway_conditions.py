# SPDX-License-Identifier: Apache-2.0
"""What a custom resource lacks: pure functions from what the cluster says to sentences."""


def title(wanted):
    """How messages name an object."""
    place = f"{wanted['namespace']}/" if wanted.get("namespace") else ""
    return f"{wanted['kind']} {place}{wanted['name']}"


def lacking(wanted, found):
    """What an object lacks, in one sentence; nothing when it is ready."""
    if found is None:
        return None if wanted["optional"] else f"{title(wanted)} does not exist"
    status = found.get("status") or {}
    if wanted["condition"]:
        return _condition(wanted, found, status)
    for path, value in wanted["fields"].items():
        seen = _below(status, path)
        if seen != value:
            return f"{title(wanted)} has status.{path} {seen!r} instead of {value!r}" + _words(status)
    return None


def _condition(wanted, found, status):
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    condition = conditions.get(wanted["condition"])
    if condition is None:
        return f"{title(wanted)} has no condition {wanted['condition']} yet; nobody has looked at it"
    if condition.get("observedGeneration", found["metadata"].get("generation")) != found["metadata"].get("generation"):
        return f"{title(wanted)} has changed since its condition {wanted['condition']} was set"
    if condition.get("status") == "True":
        return None
    reason = ": ".join(text for text in (condition.get("reason"), condition.get("message")) if text)
    return f"{title(wanted)} is not {wanted['condition']}" + (f" ({reason})" if reason else "")


def _below(status, path):
    for key in path.split("."):
        status = status.get(key) if isinstance(status, dict) else None
    return status


def _words(status):
    said = status.get("phaseReason") or status.get("message")
    return f" ({said})" if said else ""
