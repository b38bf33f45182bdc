"""The scores of a run told together, in words: what is wrong with its samples, or that they are about right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zoo.contracts.metric import Metric
from zoo.contracts.reading import FAULTS, Reading
from zoo.measuring.compare import Difference, departures, holm
from zoo.measuring.evaluate import Evaluation
from zoo.measuring.scores import blocks, group_codes, items_of
from zoo.utils.words import visible

LEVEL = 0.01
"""The probability that a right pool is accused of anything, the p-values of all tests being corrected (Holm) together."""
UNHEEDED = 0.01
"""A model that listens to x by less than this share of a score is said not to listen."""
GAIN = "x_gain@"
Word = Literal["about right", "wrong", "cannot be said"]


@dataclass(frozen=True)
class Finding:
    """One score in words: ``fault`` in a word or two, "" where it finds none, and the ``sentence`` with its number.

    ``value`` and the ends of its 95 % interval are as the sentence shows them; an end is None where nothing is known of it.
    ``p`` is that of the score being right, corrected for all tests of the verdict; None where it is not tested for that.
    """

    score: str
    fault: str
    value: float
    low: float | None
    high: float | None
    p: float | None
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The findings on the samples of a run, ``word`` for all of them, and ``text``, a paragraph of plain English.

    Attributes:
        word: "wrong" where a fault is found, "about right" where none is and the intervals leave no room for one of a size
            that matters, "cannot be said" where they do.
        findings: the scores that say something, those that find a fault first.
        text: the sentences that matter.
    """

    word: Word
    findings: tuple[Finding, ...]
    text: str

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults that are found, each once."""
        return tuple(dict.fromkeys(finding.fault for finding in self.findings if finding.fault))

    def as_json(self) -> dict[str, Any]:
        """For ``metrics.json``."""
        return {"word": self.word, "text": self.text, "findings": [asdict(finding) for finding in self.findings]}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Verdict:
        """The verdict that :meth:`as_json` told."""
        return cls(told["word"], tuple(Finding(**each) for each in told["findings"]), told["text"])


def judge(measured: Evaluation, metrics: Mapping[str, Metric], *, groups: Sequence[str] = (), n: int = 0) -> Verdict:
    """The verdict on the samples that were measured.

    Every score that a metric has a :class:`Reading` of is tested against what it is for samples of p(y | x), by the signs of
    what each item (each group) adds to it, all tests corrected together (Holm) at a level of 1 %. What another item's x
    would cost (``x_gain``) is told as it is, since what it should be is not known.

    Args:
        measured: what :func:`zoo.measuring.evaluate.evaluate` gave.
        metrics: the metrics by name, as they were measured.
        groups: what each item is of, as :attr:`zoo.Pairs.groups` has it; () where each stands alone.
        n: samples an item, for the sentence on how many there are.
    """
    readings = _readings(measured, metrics)
    gains = {name: value for name, value in measured.values.items() if name.startswith(GAIN)}
    tests = {name: measured.shares[name] for name in readings} | gains
    codes = group_codes(groups)
    found = departures(tests, groups=blocks(items_of(tests), codes)) if tests else {}
    corrected = dict(zip(readings, holm([_one_sided(found[name], readings[name]) for name in readings]), strict=True))
    findings = [_finding(name, readings[name], found[name], corrected[name]) for name in readings]
    heard = [_heard(name, found[name], measured) for name in gains]
    items = items_of(tests) if tests else 0
    unsure = [name for name in readings if not corrected[name] < LEVEL and _room(found[name], readings[name])]
    plain = {visible(name) for name, reading in readings.items() if reading.plain}
    return _verdict(findings, heard, unsure, plain, _amount(items, items if codes is None else len(codes.unique()), n))


def _readings(measured: Evaluation, metrics: Mapping[str, Metric]) -> dict[str, Reading]:
    """The readings of the scores that there are, by the name of the score."""
    every = {name + suffix: reading for name, metric in metrics.items() for suffix, reading in metric.reads.items()}
    return {name: reading for name, reading in every.items() if name in measured.scores and name in measured.shares}


def _one_sided(found: Difference, reading: Reading) -> float:
    """The p-value, where only one side is a fault that of this side."""
    if reading.below and reading.above:
        return found.p
    return found.p / 2 if reading.fault(found.value) else 1.0


def _room(found: Difference, reading: Reading) -> bool:
    """Whether the interval leaves room for a departure that matters."""
    return reading.margin is not None and not (-reading.margin <= found.low and found.high <= reading.margin)


def _finding(name: str, reading: Reading, found: Difference, p: float) -> Finding:
    fault = reading.fault(found.value) if p < LEVEL else ""
    value, ends = reading.show(found.value), sorted(reading.show(end) for end in (found.low, found.high))
    return _told(name, fault, reading.says, value, ends, p)


def _heard(name: str, found: Difference, measured: Evaluation) -> Finding:
    """The finding of what another item's x would cost."""
    of = name.removeprefix(GAIN)
    whole = abs(measured.scores[of].value) if of in measured.scores else math.inf
    fault = "" if found.p < LEVEL or found.high > UNHEEDED * whole else "does not listen to x"
    return _told(
        name,
        fault,
        f"answers for another item's x would cost {{}} of {visible(of)}",
        found.value,
        [found.low, found.high],
        found.p,
    )


def _told(name: str, fault: str, says: str, value: float, ends: list[float], p: float | None) -> Finding:
    low, high = (end if math.isfinite(end) else None for end in ends)
    said = says.format(number(value))
    interval = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return Finding(visible(name), fault, value, low, high, p, f"{said}{interval}")


def number(value: float) -> str:
    """Three digits of a number, and none that says nothing.

    Examples:
        >>> number(0.0046213), number(0.7149), number(-12.04), number(0.0)
        ('0.00462', '0.715', '-12', '0')
    """
    return f"{value:.3g}" if abs(value) >= 1e-9 else "0"


def _amount(items: int, groups: int, n: int) -> str:
    of = f"{items} item" + "s" * (items != 1) + (f" of {groups}" if groups != items else "")
    return of + (f" and {n} sample" + "s" * (n != 1) + " each" if n else "")


def _verdict(findings: list[Finding], heard: list[Finding], unsure: list[str], plain: set[str], amount: str) -> Verdict:
    found = [finding for finding in [*findings, *heard] if finding.fault]
    rank = {fault: place for place, fault in enumerate(FAULTS)}
    found.sort(key=lambda each: (rank.get(each.fault, len(rank)), each.score not in plain, each.p or 0))
    first = {finding.fault: finding for finding in reversed(found)}
    sentences = [f"{FAULTS.get(f.fault, f.fault)}: {f.sentence}." for f in sorted(first.values(), key=found.index)]
    if heard and not heard[0].fault:
        listens = heard[0].value > 0 and heard[0].p is not None and heard[0].p < LEVEL
        how = "It listens to x" if listens else f"Whether it listens to x cannot be said with {amount}"
        sentences.insert(0, f"{how}: {heard[0].sentence}.")
    word: Word = "wrong" if found else "cannot be said" if unsure or not findings else "about right"
    quiet = [finding for finding in findings if not finding.fault]
    if word == "about right":
        sentences.append(f"Its samples are about right, as far as {amount} tell: {'; '.join(f.sentence for f in quiet)}.")
    elif word == "cannot be said":
        seen = [finding for finding in findings if finding.score in map(visible, unsure)]
        why = f": {'; '.join(f.sentence for f in seen)}" if seen else ", since no metric was measured that tells"
        sentences.append(f"Nothing is found wrong, but whether its samples are right cannot be said with {amount}{why}.")
    return Verdict(word, (*found, *(each for each in [*heard, *quiet] if not each.fault)), " ".join(sentences))
