"""Renders the charts of terraform/charts where helm is not there: the part of Go's text/template, and of Helm's functions, that they use.

It is strict: what it does not know is an error, and a value that is missing is one, too. Where helm is present, `charts.py` renders with both and
compares, so that this is held to the real thing. <https://pkg.go.dev/text/template>, <https://helm.sh/docs/chart_template_guide/>
"""

import json
import re

import yaml

TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(`[^`]*`)|(-?\d+)|(:=|=|\||\(|\))|(\$?[A-Za-z_]\w*(?:\.\w+)*|\$?\.(?:\w+(?:\.\w+)*)?|\$))')


class TemplateError(Exception):
    """What a template does not allow, or what this does not know."""


def lex(text, name):
    """Texts and actions, with blanks trimmed where `{{-` and `-}}` say so."""
    pieces, at, trim = [], 0, False
    while True:
        start = text.find("{{", at)
        plain = text[at:] if start < 0 else text[at:start]
        plain = plain.lstrip() if trim else plain
        if start < 0:
            pieces.append(("text", plain))
            return pieces
        end = text.find("}}", start)
        comment = re.match(r"\{\{-?\s*/\*", text[start:])
        if comment:
            end = text.find("}}", text.find("*/", start))
        if end < 0:
            raise TemplateError(f"{name}: an action is not closed")
        action = text[start + 2:end]
        if action.startswith("-"):
            plain, action = plain.rstrip(), action[1:]
        trim = action.endswith("-")
        action = action[:-1] if trim else action
        pieces.append(("text", plain))
        if not comment:
            pieces.append(("action", action.strip()))
        at = end + 2


def tokens(action):
    found, at = [], 0
    while at < len(action):
        match = TOKEN.match(action, at)
        if not match or match.end() == at:
            raise TemplateError(f"cannot read {action[at:]!r}")
        string, raw, number, sign, word = match.groups()
        if string or raw:
            found.append(("value", json.loads(string) if string else raw[1:-1]))
        elif number:
            found.append(("value", int(number)))
        else:
            found.append(("sign", sign) if sign else ("word", word))
        at = match.end()
    return found


class Chart:
    """The templates of one chart, rendered with values."""

    def __init__(self, files, values, release, chart):
        self.defined, self.files = {}, {}
        self.root = {"Values": values, "Release": release, "Chart": chart}
        for name, text in files.items():
            pieces = lex(text, name)
            nodes, rest, _ = self.parse(pieces, 0, top=True)
            if rest != len(pieces):
                raise TemplateError(f"{name}: an end without a beginning")
            self.files[name] = nodes

    def render(self, name):
        return self.run(self.files[name], self.root, {"$": self.root})

    def parse(self, pieces, at, top=False):
        """A list of nodes, up to `end` or `else`."""
        nodes = []
        while at < len(pieces):
            kind, text = pieces[at]
            at += 1
            if kind == "text":
                nodes.append(("text", text))
                continue
            word, _, rest = text.partition(" ")
            if word in ("end", "else"):
                if top:
                    raise TemplateError(f"{word} without a beginning")
                return nodes, at, text
            if word in ("if", "range", "with"):
                body, at, closed = self.parse(pieces, at)
                branches = [(tokens(rest), body)]
                while closed.startswith("else"):
                    condition = closed[4:].strip()
                    body, at, closed = self.parse(pieces, at)
                    branches.append((tokens(condition[2:]) if condition.startswith("if ") else None, body))
                nodes.append((word, branches))
            elif word == "define":
                body, at, _ = self.parse(pieces, at)
                self.defined[json.loads(rest.strip())] = body
            else:
                nodes.append(("print", tokens(text)))
        if not top:
            raise TemplateError("a block is not ended")
        return nodes, at, ""

    def run(self, nodes, dot, variables):
        out = []
        for kind, *what in nodes:
            if kind == "text":
                out.append(what[0])
            elif kind == "print":
                out.append(self.show(what[0], dot, variables))
            elif kind == "range":
                (condition, body), *others = what[0]
                items = self.pipeline(condition, dot, variables) or []
                out.extend(self.run(body, item, dict(variables)) for item in items)
                if not items and others:
                    out.append(self.run(others[0][1], dot, dict(variables)))
            else:
                for condition, body in what[0]:
                    value = True if condition is None else self.pipeline(condition, dot, variables)
                    if value:
                        out.append(self.run(body, value if kind == "with" and condition else dot, dict(variables)))
                        break
        return "".join(out)

    def show(self, found, dot, variables):
        if len(found) > 2 and found[1] in (("sign", ":="), ("sign", "=")):
            variables[found[0][1]] = self.pipeline(found[2:], dot, variables)
            return ""
        value = self.pipeline(found, dot, variables)
        if value is None:
            raise TemplateError(f"{found} has no value")
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)

    def pipeline(self, found, dot, variables):
        commands, depth = [[]], 0
        for token in found:
            depth += {("sign", "("): 1, ("sign", ")"): -1}.get(token, 0)
            if token == ("sign", "|") and depth == 0:
                commands.append([])
            else:
                commands[-1].append(token)
        value = self.command(commands[0], dot, variables)
        for command in commands[1:]:
            value = self.command(command, dot, variables, [value])
        return value

    def command(self, found, dot, variables, last=()):
        operands, at = [], 0
        while at < len(found):
            kind, value = found[at]
            if (kind, value) == ("sign", "("):
                depth, end = 1, at + 1
                while depth:
                    depth += {("sign", "("): 1, ("sign", ")"): -1}.get(found[end], 0)
                    end += 1
                operands.append(("done", self.pipeline(found[at + 1:end - 1], dot, variables)))
                at = end
                continue
            operands.append((kind, value))
            at += 1
        kind, first = operands[0]
        if kind == "word" and not first.startswith((".", "$")) and first not in ("true", "false"):
            return self.call(first, [self.operand(one, dot, variables) for one in operands[1:]] + list(last))
        if len(operands) != 1 or last:
            raise TemplateError(f"{first!r} takes no arguments")
        return self.operand(operands[0], dot, variables)

    def operand(self, operand, dot, variables):
        kind, value = operand
        if kind in ("value", "done"):
            return value
        if kind != "word":
            raise TemplateError(f"{value!r} stands where a value should be")
        if value in ("true", "false"):
            return value == "true"
        name, *path = value.split(".")
        if name and name not in variables:
            raise TemplateError(f"{value} is neither a variable nor a known function")
        found = variables[name] if name else dot
        for step in filter(None, path):
            if not isinstance(found, dict):
                raise TemplateError(f"{value}: there is no {step} in {found!r}")
            found = found.get(step)
        return found

    def call(self, name, given):
        functions = {
            "include": lambda template, dot: self.run(self.defined[template], dot, {"$": dot}),
            "required": lambda why, value: value if value not in (None, "") else self.fail(why),
            "fail": self.fail,
            "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "gt": lambda a, b: a > b, "not": lambda a: not a,
            "len": len, "index": lambda of, at: of[at], "splitList": lambda by, text: text.split(by),
            "printf": lambda text, *values: text % values,
            "quote": lambda text: json.dumps(str(text), ensure_ascii=False),
            "regexMatch": lambda pattern, text: re.search(pattern, text, re.ASCII) is not None,
            "nindent": lambda by, text: "\n" + "\n".join(" " * by + line if line else line for line in text.split("\n")),
            "toYaml": lambda value: yaml.safe_dump(value, default_flow_style=False).rstrip("\n"),
            "fromYamlArray": yaml.safe_load,
        }
        if name not in functions:
            raise TemplateError(f"the function {name} is not known here: tests/terraform/gotemplate.py")
        return functions[name](*given)

    @staticmethod
    def fail(why):
        raise TemplateError(why)
