"""Sending what rules and stages write to clients."""

from __future__ import annotations

from opencrm.errors import ConfigurationError
from opencrm.hooks import Hooks, Message
from opencrm.services.identity.policy import SignIn
from opencrm.services.notifying import writing
from opencrm.services.process.corresponding import ClientLetter
from opencrm.services.process.runs import Run


def deliver(hooks: Hooks, policy: SignIn, run: Run, letter: ClientLetter) -> None:
    """Hand a letter to whoever takes messages; sent again, it has the same `Message-ID`.

    Raises:
        ConfigurationError: Nobody takes messages, or nobody is set whom they come from.
        PluginError: It could not be sent.
    """
    host = writing.host_of(policy)
    if not hooks.delivers(policy.mail_url):
        raise ConfigurationError("no mail server is set")
    if not host:
        raise ConfigurationError("neither a base URL nor a sender of mail is set")
    id = f"{run.id}.{len(run.steps)}@{host}"
    message = Message(to=letter.to, subject=letter.subject, text=letter.text + "\n", id=id)
    if not hooks.deliver(message, policy.mail_url, writing.sender_of(policy)):
        raise ConfigurationError("nobody took the letter")
