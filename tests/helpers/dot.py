"""A parser of what is used of Graphviz's language, after the grammar of its documentation."""

import re
from itertools import pairwise

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_]\w*|-?\d+(?:\.\d*)?|[{}\[\];,=])', re.S)


def parse(text):
    """Return nodes {name: attributes} and arrows {(tail, head): attributes}."""
    tokens, end = [], 0
    while end < len(text.rstrip()):
        token = TOKEN.match(text, end)
        if not token:
            raise ValueError(f"no token: {text[end : end + 40]!r}")
        tokens.append(token[1])
        end = token.end()
    if tokens[0] != "digraph" or not re.match(r"\w", tokens[1]):
        raise ValueError("no digraph")
    nodes, arrows = {}, {}
    if _statements(tokens, 2, nodes, arrows) != len(tokens):
        raise ValueError("more behind the graph")
    return nodes, arrows


def _expect(tokens, i, *accepted):
    if tokens[i] not in accepted:
        raise ValueError(f"{tokens[i]!r} where there must be one of {accepted}")
    return i + 1


def _statements(tokens, i, nodes, arrows):
    """Read { ... }, and return where it ends."""
    i = _expect(tokens, i, "{")
    while tokens[i] != "}":
        if tokens[i] == "{":
            i = _statements(tokens, i, nodes, arrows)
        elif tokens[i + 1] == "=":
            i += 3
        else:
            chain = [_name(tokens[i])]
            i += 1
            while tokens[i] == "->":
                chain.append(_name(tokens[i + 1]))
                i += 2
            look, i = _attributes(tokens, i)
            if len(chain) > 1:
                arrows |= {pair: look for pair in pairwise(chain)}
            elif chain[0] not in ("graph", "node", "edge"):
                nodes[chain[0]] = look
        i += tokens[i] == ";"
    return i + 1


def _attributes(tokens, i):
    look = {}
    if tokens[i] == "[":
        i += 1
        while tokens[i] != "]":
            _expect(tokens, i + 1, "=")
            look[_name(tokens[i])] = tokens[i + 2]
            i += 3
            i += tokens[i] in (",", ";")
        i += 1
    return look, i


def _name(token):
    if not re.match(r'["\w]', token):
        raise ValueError(f"no name: {token!r}")
    return token
