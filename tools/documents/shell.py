"""What of a shell's language the tools need: which commands a line runs, and with which words."""

import re
import shlex

ASSIGNMENT = re.compile(r"^\w+=")
SEPARATOR = re.compile(r"^[|&;()]+$")
REDIRECTION = re.compile(r"^&?[<>][<>&|]*$")
# What stands before a command and isn't one.
PREFIXES = ("sudo", "exec", "time", "!", "then", "do", "else", "if", "while", "{")


def commands(line):
    """Each command of a line as the list of its words, without assignments and redirections."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError:
        return []  # a quote that goes on in the next line
    found, words, skip = [], [], False
    for token in tokens:
        if SEPARATOR.match(token):
            found.append(words)
            words = []
        elif REDIRECTION.match(token):
            skip = True
            if words and words[-1].isdigit():
                words.pop()
        elif skip:
            skip = False
        elif words or not (ASSIGNMENT.match(token) or token in PREFIXES):
            words.append(token)
    return [words for words in found + [words] if words]


def command_words(line):
    return [words[0] for words in commands(line)]
