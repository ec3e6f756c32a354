# SPDX-License-Identifier: Apache-2.0
"""Policies and life cycles of buckets as stores give them back: the same words in another order."""


def normal(rules):
    """Rules in one order, without what stores add."""
    known = ("ID", "Status", "Filter", "Expiration", "NoncurrentVersionExpiration")
    return sorted(({key: rule[key] for key in known if key in rule} for rule in rules), key=lambda rule: rule.get("ID", ""))


def same(one, other):
    """Whether two policies say the same; stores change the order of lists."""
    return _sorted(one) == _sorted(other)


def _sorted(value):
    if isinstance(value, dict):
        # An absent key and an empty one are the same, as are one word and a list of one.
        return {key: _sorted(inner) for key, inner in value.items() if inner not in ("", None)}
    if isinstance(value, list):
        inner = sorted((_sorted(inner) for inner in value), key=str)
        return inner[0] if len(inner) == 1 else inner
    return value
