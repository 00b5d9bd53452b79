"""The delivery worker: triggers to webhooks, mail, chat and the call list."""
