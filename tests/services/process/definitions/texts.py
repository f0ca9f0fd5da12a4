"""The texts of the stories about definitions."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.services.definitions.process.steps import Plan

REPAIRS = """
[[pipelines]]
key = "repairs"
moves = [["new", "fixing"], ["fixing", "done"], ["*", "lost"]]
stages = [
    {key = "new", tasks = [{key = "look", title = "Look at {title}", due = "2h"}]},
    {key = "fixing", label = "In the workshop", enter = [
        {condition = {field = "amount", op = "greater", value = 0}, missing = "the price"},
    ]},
    {key = "done", kind = "won"},
    {key = "lost", kind = "lost"},
]
"""
LARGE = """
[[rules]]
key = "large"
on = {changed = "deal", fields = ["amount"]}
when = {field = "amount", op = "greater", value = 1000}
do = [{update = {source = "large"}}, {notify = {to = "owner", text = "{title} is large"}}]
"""

Apply = Callable[..., Plan]
