"""The list of rules for people, made from the rules themselves: `python -m filters.catalogue` prints it, `--write PAGE`
puts it between the two marks of a docs page, `--check PAGE` says whether the page is up to date."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

from filters.base import Rule
from filters.registry import rules

BEGIN, END = "<!-- rules: begin (python -m filters.catalogue --write docs/filters.md) -->", "<!-- rules: end -->"


def defaults(rule: type[Rule]) -> dict[str, Any]:
    """The settings of a rule and their defaults, without `per_language`."""
    made = rule()
    return {f.name: getattr(made, f.name) for f in fields(rule) if f.name != "per_language"}


def _shown(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return str(value)


def row(name: str, rule: type[Rule]) -> str:
    """One line of the table."""
    settings = ", ".join(
        f"{'*' * (k in rule.parameters)}{k}{'*' * (k in rule.parameters)} = {_shown(v)}" for k, v in defaults(rule).items()
    )
    text = " ".join((rule.__doc__ or "").split())
    cells = (f"`{name}`", text, settings or "-", ", ".join(f"`{m}`" for m in rule.measures), rule.source)
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def table() -> str:
    """All rules, by unit and stage, as Markdown."""
    out = []
    for unit, at in sorted(
        {(r.unit, r.at) for r in rules().values()}, key=lambda x: (list(type(x[0])).index(x[0]), list(type(x[1])).index(x[1]))
    ):
        out += [f"### {unit}, measured at {at}", "", "| rule | what it measures | settings | columns | source |", "|---|---|---|---|---|"]
        out += [row(n, r) for n, r in rules().items() if r.unit == unit and r.at == at]
        out.append("")
    return "\n".join(out)


def fill(page: str) -> str:
    """A page with the table between its marks. ValueError without marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n\n{table()}\n{END}{tail}"


def main(arguments: list[str]) -> int:
    if not arguments:
        print(table())
        return 0
    if len(arguments) != 2 or arguments[0] not in ("--write", "--check"):
        print("usage: python -m filters.catalogue [--write PAGE | --check PAGE]", file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8") as f:
        page = f.read()
    new = fill(page)
    if arguments[0] == "--check":
        return int(new != page)
    with open(arguments[1], "w", encoding="utf-8") as f:
        f.write(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
