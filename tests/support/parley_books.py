"""The books about a load: texts sent, copies that arrived, and the faults among them.

A `Line` is one connection of one person: the texts that arrived on it, with their cids, and the
presence that it received. `judge` compares the lines of a run with the message log.
"""

import collections
import dataclasses

from parley_client import Group

# msgType or code of the notices that somebody went online or offline, of both dialects.
CAME_ONLINE = frozenset({107, 109, 207, 209})
WENT = frozenset({108, 110, 208, 210})


class Line:
    """A connection: `last_round` says that it was opened when all before it had arrived."""

    def __init__(self, last_round):
        self.last_round = last_round
        # (text, cid or None), in the order of arriving; (None, text): all up to that one was
        # confirmed, and the server has answered that it is stored.
        self.copies = []
        self.presence = collections.Counter()  # (online, person, group or None) -> how often

    def saw(self, number, body):
        """A notice that somebody went online or offline. People have numbers in one dialect, else strings."""
        who = body.get("ocid") or body.get("userId") or body.get("friendId")
        where = body.get("group_id") or body.get("groupId")
        self.presence[number in CAME_ONLINE, who, where] += 1


@dataclasses.dataclass
class Report:
    people: int = 0
    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    stored: int = 0
    copies: int = 0
    reconnected: int = 0
    repeated: int = 0  # again on a later connection
    confirmed: int = 0  # answered 301s
    longest_gap_ms: int = 0  # without any acknowledgment, while people talked
    false_presence: int = 0
    lost: int = 0
    doubled: int = 0  # twice on one connection, or again after it was known or confirmed
    out_of_order: int = 0
    stored_twice: int = 0
    reasons: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    faults: list = dataclasses.field(default_factory=list)

    def fault(self, kind, text):
        setattr(self, kind, getattr(self, kind) + 1)
        self.faults.append(f"{kind}: {text}")

    def columns(self):
        """The counts by their names."""
        names = [field.name for field in dataclasses.fields(self) if field.type is int]
        return {name.replace("_", " "): getattr(self, name) for name in names}

    def notes(self):
        """The explanation of the counts: why texts were refused, and the faults."""
        return [f"refused {count}: {why}" for why, count in self.reasons.items()] + self.faults[:20]

    def wrong(self):
        return self.lost + self.doubled + self.out_of_order + self.stored_twice


def judge(load, stored, report):
    """Fills the report. `stored`: (text, conversation, cid) of the run's texts in the log, by
    cid."""
    place = {text: (conversation, cid) for text, conversation, cid in stored}
    report.people = len(load.people)
    report.stored = len(stored)
    counts = collections.Counter(text for text, _, _ in stored)
    for text in (text for text, count in counts.items() if count > 1):
        report.fault("stored_twice", text)
    for text, before, after in load.two_cids:
        report.fault("stored_twice", f"{text} has the cids {before} and {after}")
    for person in load.people:
        report.sent += len(person.sent)
        report.acknowledged += len(person.receipts)
        report.refused += sum(person.reasons.values())
        report.reasons.update(person.reasons)
        for text, cid in person.receipts.items():
            if text not in place or cid not in (None, place[text][1]):
                report.fault("lost", f"{text} was acknowledged as {cid} and is not in the log")
        _judge_received(load, person, place, report)
    for text, cid, hearer in due(load, stored):
        if text not in hearer.heard:
            report.fault("lost", f"{text} ({cid}) never reached {hearer.account}")
    _judge_senders(load, stored, report)
    _judge_presence(load, report)


def due(load, stored):
    """(text, cid, person) of all that must have arrived: whatever is stored."""
    members = {group: [p for p in load.people if group in p.groups()] for group in load.groups()}
    for text, _, cid in stored:
        writer = load.writer_of(text)
        peer = writer.sent[text]
        if isinstance(peer, Group):
            hearers = members[peer.number]
        else:
            hearers = [load.by_number[peer.number]]
            if writer.client.gets_own(peer):
                hearers.append(writer)
        for hearer in hearers:
            yield text, cid, hearer


def _judge_received(load, person, place, report):
    """Once on a connection, in the order of cid; new texts on a later one arrive in order."""
    seen, newest, confirmed = set(), collections.Counter(), collections.Counter()
    report.reconnected += sum(not line.last_round for line in person.lines) - 1
    for line in person.lines:
        here, last = set(), collections.Counter()
        for text, given in line.copies:
            if text is None:
                conversation, cid = place.get(given, (None, 0))
                confirmed[conversation] = max(confirmed[conversation], cid)
                report.confirmed += 1
                continue
            report.copies += 1
            who = f"{text} to {person.account}"
            if text not in place:
                kind = "lost" if load.is_of_this_run(text) else "doubled"
                report.fault(kind, f"{who} is not of this run's log")
                continue
            conversation, cid = place[text]
            if given not in (None, cid):
                report.fault("stored_twice", f"{who} arrived as {given} and is stored as {cid}")
            why = None
            if text in here:
                why = "twice on a connection"
            elif text in seen and cid <= confirmed[conversation]:
                why = "after it was confirmed"
            elif text in seen and line.last_round:
                why = "after it was known to have arrived"
            if why is not None:
                report.fault("doubled", f"{who} ({cid}) {why}")
            elif cid <= last[conversation]:
                report.fault("out_of_order", f"{who} ({cid}) after {last[conversation]}")
            elif text in seen:
                report.repeated += 1
            elif cid < newest[conversation]:
                what = f"{who} ({cid}) for the first time after {newest[conversation]}"
                report.fault("out_of_order", what)
            here.add(text)
            last[conversation] = max(last[conversation], cid)
            newest[conversation] = max(newest[conversation], cid)
        seen |= here


def _judge_senders(load, stored, report):
    """One person's texts in one conversation are stored in the order of sending."""
    last = {}
    for text, conversation, cid in stored:
        person = load.writer_of(text)
        if text in person.refused:
            continue
        key = person.account.number, conversation
        said = list_number(text)
        if last.get(key, -1) > said:
            report.fault("out_of_order", f"{text} ({cid}) was stored after {last[key]}")
        last[key] = max(last.get(key, -1), said)


def list_number(text):
    """Which of its writer's texts it is; a text is `writer:run:number`."""
    return int(text.rsplit(":", 1)[1])


def _judge_presence(load, report):
    """Nobody is reported online or offline, in any one place, more often than that happened."""
    logins = {who: len(p.lines) for p in load.people for who in (p.account.id, p.account.number)}
    for person in load.people:
        news = collections.Counter()
        for line in person.lines:
            news.update(line.presence)
        for (online, who, where), count in news.items():
            happened = logins.get(who, 0) - (0 if online else 1)
            if count > happened:
                what = "went online" if online else "went offline"
                text = f"{person.account}: {who} {what} {count} times, not {happened} ({where})"
                report.false_presence += count - happened
                report.faults.append(text)
