"""Sends messages by SMTP, where a server is set."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import localtime
from urllib.parse import SplitResult, unquote, urlsplit

from opencrm import ConfigurationError, hookimpl
from opencrm.embed import Message

SECONDS = 15
"""How long a server may take for an answer."""


@hookimpl
def opencrm_provide_delivery(message: Message, server: str | None, sender: str) -> bool | None:
    if server is None:
        return None
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, message.to, message.subject
    mail["Date"] = localtime()
    if message.id is not None:
        mail["Message-ID"] = f"<{message.id}>"
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    with _connected(urlsplit(server)) as connection:
        connection.send_message(mail)
    return True


def _connected(url: SplitResult) -> smtplib.SMTP:
    """Open a connection: encrypted from the start (`smtps`), else as soon as the server can; a password needs it."""
    host, context = url.hostname or "", ssl.create_default_context()
    if url.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=SECONDS, context=context)
    else:
        connection = smtplib.SMTP(host, url.port or 25, timeout=SECONDS)
    try:
        return _ready(connection, url, context)
    except BaseException:
        connection.close()
        raise


def _ready(connection: smtplib.SMTP, url: SplitResult, context: ssl.SSLContext) -> smtplib.SMTP:
    connection.ehlo()
    secure = url.scheme == "smtps"
    if not secure and connection.has_extn("starttls"):
        connection.starttls(context=context)
        connection.ehlo()
        secure = True
    if url.username:
        if not secure:
            raise ConfigurationError("the mail server offers no encryption: the password is not sent to it")
        connection.login(unquote(url.username), unquote(url.password or ""))
    return connection
