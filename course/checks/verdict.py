"""What a check of an exercise comes to."""

import dataclasses


class CannotCheck(Exception):
    """Something is missing without which nothing can be said."""


class NotOnThisMachine(CannotCheck):
    """One check needs more than this machine allows."""


@dataclasses.dataclass
class Verdict:
    """`sentence` says what is wrong, or what was seen; `failed` names the check that says so, and
    `evidence` is what that check printed."""

    solved: bool
    sentence: str
    failed: str = ""
    evidence: str = ""

    def headline(self):
        return f"{'solved' if self.solved else 'still wrong'}: {self.sentence}"

    def text(self):
        lines = [self.headline()]
        if self.failed:
            lines.append(f"  {self.failed} says:")
            lines += [f"    {line}" for line in self.evidence.splitlines()]
        return "\n".join(lines)
