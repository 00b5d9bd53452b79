"""Spellings of consent: of a no, a yes, of what is neither, and of one channel."""

# ruff: noqa: RUF001 - full-width letters are among them

from typing import Any

NO: list[Any] = [
    False, None, 0, 0.0, "false", "False", "FALSE", " false ", "f", "no", "No", "NO", "n", "N", "0",
    "off", "Off", "denied", "Denied", "DENIED", "deny", "refused", "rejected", "revoked",
    "withdrawn", "Withdrawn", "declined", "unsubscribed", "Unsubscribed", "opt-out", "opt_out",
    "Opt Out", "opted-out", "OPTED_OUT", "disabled", "inactive", "none", "never", "null", "NULL",
    "do not contact", "DNC", "stop", "blocked", "ｎｏ", "ＦＡＬＳＥ", "거부", "수신거부",
    "수신 거부", "아니오", "미동의", "철회",
]  # fmt: skip
UNCLEAR: list[Any] = [
    "maybe", "please no mails", "weekly", "2", 2, -1, 0.5, "yes?", "tru", "??", "pending",
    "unknown", ["email"], "{{consent}}", "-yes", "yes-", "(yes)", "yes.", "not yes",
    "undefined", "[object Object]",
]  # fmt: skip
YES: list[Any] = [
    True, 1, 1.0, "true", "True", "TRUE", " true ", "yes", "YES", "y", "1", "on", "granted",
    "opt-in", "Opted In", "subscribed", "ｔｒｕｅ", "동의", "수신동의", "예",
]  # fmt: skip
NAMES = ["email", "Email", "EMAIL", "e-mail", "E-Mail", " email ", "ｅｍａｉｌ"]
