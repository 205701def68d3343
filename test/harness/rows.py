# SPDX-License-Identifier: MIT
"""The rows of a file, whose format __init__.py describes."""
import dataclasses
import itertools
import json

TYPES = {"row": str, "command": list, "options": dict, "settings": dict, "never": (dict, list),
         "only_long": (dict, list), "short": int, "long": int, "timeout": int, "needs": list,
         "optional": bool, "title": str, "unusual": dict}
REQUIRED = ("row", "command", "long", "timeout")


class Malformed(ValueError):
    """What is wrong with a file of rows."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One combination of an entry's settings. No other row has its title."""

    title: str
    entry: dict = dataclasses.field(compare=False)
    settings: dict = dataclasses.field(compare=False)
    rounds: int = dataclasses.field(compare=False)  # None: it is not in the short form
    is_floor: bool = dataclasses.field(compare=False, default=False)

    @property
    def name(self):
        return self.entry["row"]

    def matches(self, condition):
        """Of a list of conditions: one of them at least."""
        if isinstance(condition, list):
            return any(map(self.matches, condition))
        known = self.settings | {"row": self.name}
        return all(known[name] in (wanted if isinstance(wanted, list) else [wanted])
                   for name, wanted in condition.items())

    def words(self, **later):
        """Its command; `later` are the values that no file knows."""
        known = self.settings | {"row": self.name, "rounds": self.rounds} | later
        words = [word.format(**known) for word in self.entry["command"]]
        for option, text in self.entry.get("options", {}).items():
            if (value := text.format(**known)) not in ("", "0"):
                words += [option, value]
        return words


def make_row(entry, usual, settings, rounds, is_floor=False):
    title = entry.get("title", "{row}").format(row=entry["row"], **settings).strip()
    for name, text in entry.get("unusual", {}).items():
        if settings[name] != usual[name][0]:
            title += ", " + text.format(**settings)
    return Row(title, entry, settings, rounds, is_floor)


class Plan:
    """What a file says."""

    def __init__(self, text):
        try:
            content = json.loads(text)
            self.usual = content.get("usual", {})
            self.floors, self.targets = content.get("floors", []), content.get("targets", [])
            self._entries = [checked(self.usual | entry) for entry in content["rows"]]
            self.names = list(dict.fromkeys(entry["row"] for entry in self._entries))
            self._try()
        except (KeyError, TypeError, AttributeError, ValueError) as why:
            raise Malformed(f"malformed rows: {type(why).__name__}: {why}") from why

    def rows(self, short=False, rounds=None):
        """In the order of the file. `rounds` overrides its numbers."""
        return [row for entry in self._entries for row in self._rows_of(entry, short, rounds)]

    def floor_of(self, row):
        """What the row is measured beside, or None."""
        rule = next((rule for rule in self.floors if row.matches(rule["of"])), {})
        if not (differs := rule.get("floor")):
            return None
        entry = checked(row.entry | {"optional": False} | differs)
        return make_row(entry, self.usual["settings"], row.settings | differs.get("settings", {}),
                        row.rounds, "command" in differs)

    def _rows_of(self, entry, short, rounds):
        usual = self.usual.get("settings", {})
        lists = usual | entry.get("settings", {})
        number = entry.get("short" if short else "long")
        if rounds and number is not None:
            number = rounds
        for values in itertools.product(*lists.values()):
            row = make_row(entry, usual, dict(zip(lists, values)), number)
            if short and row.matches(entry.get("only_long", [])):
                row = dataclasses.replace(row, rounds=None)
            if not row.matches(entry.get("never", [])):
                yield row

    def _try(self):
        """An exception if there is no setting of a name that is used, or one title twice."""
        rows = self.rows()
        for row in rows:
            for each in filter(None, (row, self.floor_of(row))):
                each.words(programs="", seconds=0)
        titles = [row.title for row in rows]
        if len(set(titles)) < len(titles):
            raise ValueError(f"twice: {max(titles, key=titles.count)}")
        for target in self.targets:
            has = target.keys()
            if len(has & {"most", "least"}) != 1 or len(has & {"figure", "to"}) != 1:
                raise ValueError(f"a target that is none: {target}")
            if not any(row.matches(target["of"]) for row in rows):
                raise ValueError(f"a target of no row: {target}")


def checked(entry):
    name = entry.get("row", entry)
    for key in REQUIRED:
        if key not in entry:
            raise ValueError(f"{name}: no {key}")
    for key, value in entry.items():
        if key not in TYPES:
            raise ValueError(f"{name}: unknown {key}")
        if not isinstance(value, TYPES[key]):
            raise ValueError(f"{name}: {key} cannot be {value}")
    return entry
