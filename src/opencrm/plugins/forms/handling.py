"""Answers for forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from flask import Response, abort, request

from opencrm import CRM, InputError, TooManyAttempts, WebForm
from opencrm.embed import FormGiven, FormShown, principal_of
from opencrm.plugins.forms.answering import is_filled_in, json_answer, page, wants_page
from opencrm.plugins.forms.asking import hidden, marks, of_json, of_page, site_may_ask
from opencrm.plugins.forms.drawing import drawn, script
from opencrm.rest import form_schema

TRAP = "fax_number"
"""The field that no person sees."""
_KEPT = ("_source", "_medium", "_campaign", "_content", "_term", "_referrer", "_landing", "_record")
_MOST_KEPT = 2_000


class Handling:
    """Shows forms and takes what is sent.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def show(self, key: str) -> Response:
        """Show a form: to browsers as a page, to programs as JSON."""
        shown = self._crm.forms.describe(key)
        if wants_page():
            record = request.args.get("record", "")
            return self._page(shown, {**hidden(marks()), **({"_record": record[:500]} if record else {})})
        return self._to_site(shown.form, json_answer(_described(shown)))

    def send(self, key: str) -> Response:
        """Take what was sent."""
        shown = self._crm.forms.describe(key)
        self._site(shown.form)
        if request.mimetype == "application/json":
            return self._of_program(shown)
        if not (wants_page() or (is_filled_in() and "_token" in request.form)):
            abort(415)
        return self._of_person(shown)

    def ask(self, key: str) -> Response:
        """Tell a browser whether a page of another site may send the form."""
        form = self._crm.forms.describe(key).form
        answer = self._to_site(form, Response(status=204))
        if "Access-Control-Allow-Origin" in answer.headers:
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
            answer.headers["Access-Control-Max-Age"] = "3600"
        return answer

    def embed(self, key: str) -> Response:
        """Answer with the script that puts the form into a page of another site."""
        self._crm.forms.describe(key)
        answer = Response(script(key), mimetype="text/javascript")
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        answer.cache_control.max_age = 300
        return answer

    def _of_program(self, shown: FormShown) -> Response:
        given = of_json(TRAP)
        if request.environ.get("HTTP_AUTHORIZATION"):
            self._by_key(shown.form, given)
        else:
            self._crm.forms.receive(shown.form.key, given, remote=request.remote_addr)
        return self._to_site(shown.form, json_answer({"thanks": shown.form.thanks}))

    def _by_key(self, form: WebForm, given: FormGiven) -> None:
        """Take what comes with somebody's key, which need not wait and tells itself what is the same again."""
        scheme, _, secret = request.environ["HTTP_AUTHORIZATION"].partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            abort(401)
        self._crm.forms.submit(principal_of(secret.strip()), form.key, given)

    def _of_person(self, shown: FormShown) -> Response:
        try:
            form = self._crm.forms.receive(shown.form.key, of_page(shown, TRAP), remote=request.remote_addr)
        except (InputError, TooManyAttempts) as error:
            return self._again(shown, error)
        return page("told.html", frames=_frames(form), title=form.label, text=form.thanks, form=form)

    def _again(self, shown: FormShown, error: InputError | TooManyAttempts) -> Response:
        """Show the form again with what was filled in, and what is wrong with it."""
        kept = {name: request.form[name][:_MOST_KEPT] for name in _KEPT if name in request.form}
        if isinstance(error, TooManyAttempts):
            answer = self._page(
                shown, kept, wrong={"": ["That was sent too often. Please try again later."]}, status=429
            )
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        token = request.form.get("_token", shown.token) if error.rule == "too soon" else shown.token
        return self._page(attrs.evolve(shown, token=token), kept, wrong=error.fields, status=422)

    def _page(
        self,
        shown: FormShown,
        kept: Mapping[str, str],
        *,
        wrong: Mapping[str, list[str]] | None = None,
        status: int = 200,
    ) -> Response:
        told: dict[str, Any] = {"form": shown.form, "trap": TRAP, "kept": kept, "wrong": wrong or {}}
        fields = [drawn(it, request.form, (wrong or {}).get(it.name, [])) for it in shown.fields]
        return page("form.html", status, frames=_frames(shown.form), fields=fields, token=shown.token, **told)

    def _site(self, form: WebForm) -> str | None:
        return site_may_ask(form, self._crm.accounts.policy.base_url or "")

    def _to_site(self, form: WebForm, answer: Response) -> Response:
        site = self._site(form)
        answer.headers["Vary"] = "Accept, Origin"
        if site is not None:
            answer.headers["Access-Control-Allow-Origin"] = site
        return answer


def _frames(form: WebForm) -> str:
    return " ".join(("'self'", *form.origins))


def _described(shown: FormShown) -> dict[str, Any]:
    form = shown.form
    return {
        "key": form.key,
        "label": form.label,
        "schema": form_schema(shown),
        "consent": form.consent,
        "token": shown.token,
        "trap": TRAP,
    }
