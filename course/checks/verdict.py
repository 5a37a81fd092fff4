"""What a check of an exercise comes to."""

import dataclasses


class CannotCheck(Exception):
    """Something is missing without which nothing can be said."""


class NotOnThisMachine(CannotCheck):
    """One check needs more than this machine allows."""


@dataclasses.dataclass
class Result:
    """One check of many, for a mark: it passed, failed, or can't be run here (then `passed` is None).
    `points` is what it is worth: one that goes by the clock is worth none."""

    name: str
    passed: bool | None
    sentence: str
    points: int = 1


@dataclasses.dataclass
class Verdict:
    """`sentence` says what is wrong, or what was seen; `failed` names the check that says so, and
    `evidence` is what that check printed. `results` are all checks that were run."""

    solved: bool
    sentence: str
    failed: str = ""
    evidence: str = ""
    results: list = dataclasses.field(default_factory=list)

    def headline(self):
        return f"{'solved' if self.solved else 'still wrong'}: {self.sentence}"

    def text(self):
        lines = [self.headline()]
        if self.failed:
            lines.append(f"  {self.failed} says:")
            lines += [f"    {line}" for line in self.evidence.splitlines()]
        return "\n".join(lines)
