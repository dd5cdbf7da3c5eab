"""What sales operations ask, worked out from Gong's records without SQL and without our datasets: one JSON
request on standard input, {"calls", "transcripts", "users", "from", "to"}, and each answer by its name as
JSON on standard output.

It follows the descriptions of the views and of `samples/queries`, and knows nothing of their text.
"""

import datetime as dt
import json
import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict

request = json.load(sys.stdin)
FROM, TO = (dt.date.fromisoformat(request[name]) for name in ("from", "to"))
FREE_MAIL = {"gmail.com", "outlook.com", "gmx.de", "yahoo.com"}


def instant(text):
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)


def mm_ss(ms):
    return f"{ms // 60000:02}:{ms // 1000 % 60:02}"


def fold(text):
    parts = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def tokens(text):
    return re.findall(r"[^\W_]+", fold(text))


class Call:
    def __init__(self, record, monologues):
        meta = record["metaData"]
        self.id, self.title, self.host, self.scope = meta["id"], meta["title"], meta["primaryUserId"], meta["scope"]
        self.at, self.meta, self.duration = instant(meta["started"]), meta, meta["duration"]
        self.day = self.at.date()
        self.content = record.get("content") or {}
        self.parties = record.get("parties") or []
        spoke = {s["id"]: s["talkTime"] for s in (record.get("interaction") or {}).get("speakers") or []}
        self.talk = [(party, spoke[party["id"]]) for party in self.parties if party["id"] in spoke]
        self.by_speaker = {party["speakerId"]: party for party in self.parties if party.get("speakerId")}
        self.links = list(record.get("context") or [])
        self.links += [link for party in self.parties for link in party.get("context") or []]
        self.sentences = []
        for monologue, part in enumerate(monologues):
            speaker = self.by_speaker.get(part["speakerId"]) or {}
            for sentence in part["sentences"]:
                self.sentences.append(
                    {
                        "index": len(self.sentences),
                        "monologue": monologue,
                        "speaker_id": part["speakerId"],
                        "name": speaker.get("name"),
                        "side": speaker.get("affiliation"),
                        "topic": part["topic"],
                        **sentence,
                    }
                )

    def trackers(self, part_of_name):
        return [t for t in self.content.get("trackers") or [] if part_of_name in t["name"].lower()]

    def objects(self, kinds):
        """What the CRM links to the call: the ids with their names."""
        found = {}
        for link in self.links:
            for linked in link["objects"]:
                if linked["objectType"].lower() in kinds:
                    fields = {field["name"]: field["value"] for field in linked.get("fields") or []}
                    known = found.setdefault(linked["objectId"], {})
                    if linked.get("timing", "Now") == "Now" or not known:
                        known.update(fields)
        return found

    def domains(self):
        mails = [p["emailAddress"] for p in self.parties if p["affiliation"] == "External" and p.get("emailAddress")]
        return {mail.rsplit("@", 1)[1].lower() for mail in mails} - FREE_MAIL

    def accounts(self):
        """Rows of call_accounts without what stands in calls."""
        rows = []
        for kind, types in (("account", {"account", "company"}), ("deal", {"opportunity", "deal"})):
            for id, fields in self.objects(types).items():
                rows.append(("crm", kind, id, fields.get("Name")))
        return rows or [("email_domain", "account", domain, domain) for domain in self.domains()]


monologues = {transcript["callId"]: transcript["transcript"] for transcript in request["transcripts"]}
everything = [Call(record, monologues.get(record["metaData"]["id"], [])) for record in request["calls"]
              if not record["metaData"]["isPrivate"]]
everything.sort(key=lambda call: (call.at, call.id))
CALLS = [call for call in everything if FROM <= call.day < TO]
NAMES = {user["id"]: f"{user['firstName']} {user['lastName']}" for user in request["users"]}


def talk_ratios(calls):
    for call in calls:
        total = sum(seconds for _, seconds in call.talk)
        theirs = sum(seconds for party, seconds in call.talk if party["affiliation"] == "External")
        for party, seconds in call.talk:
            if party.get("userId"):
                yield call, party, seconds, theirs, total


def talk_ratio_per_rep():
    reps = defaultdict(list)
    for _, party, seconds, theirs, total in talk_ratios(CALLS):
        if theirs > 0:
            reps[party["userId"], party["name"]].append((seconds, total))
    rows = [
        {
            "user_id": id,
            "rep": name,
            "calls": len(spoken),
            "talk_ratio": sum(s for s, _ in spoken) / sum(t for _, t in spoken),
            "highest": max(s / t for s, t in spoken),
        }
        for (id, name), spoken in reps.items()
    ]
    return sorted(rows, key=lambda row: (-round(row["talk_ratio"], 3), row["user_id"]))


def calls_per_rep_and_week():
    weeks = Counter()
    for call in CALLS:
        if call.scope == "External":
            weeks[call.host, call.day - dt.timedelta(days=call.day.weekday())] += 1
    rows = []
    for (id, week), calls in weeks.items():
        before = sum(weeks.get((id, week - dt.timedelta(weeks=n)), 0) for n in (1, 2, 3, 4)) / 4
        rows.append({"week": str(week), "user_id": id, "rep": NAMES[id], "calls": calls, "four_weeks_before": before,
                     "change": calls - before})
    rows.sort(key=lambda row: (-row["change"], row["user_id"]))
    return sorted(rows, key=lambda row: row["week"], reverse=True)


def competitors_by_month():
    mentions, calls = Counter(), Counter()
    for call in CALLS:
        month = str(call.day.replace(day=1))
        for tracker in call.trackers("competitor"):
            for phrase in tracker["phrases"]:
                if phrase["occurrences"]:
                    mentions[month, phrase["phrase"]] += len(phrase["occurrences"])
                    calls[month, phrase["phrase"]] += 1
    rows = [{"month": m, "competitor": p, "mentions": n, "calls": calls[m, p]} for (m, p), n in mentions.items()]
    rows.sort(key=lambda row: (-row["mentions"], row["competitor"]))
    return sorted(rows, key=lambda row: row["month"], reverse=True)


def deals_without_a_call():
    deals = {}
    for call in CALLS:
        for id, fields in call.objects({"opportunity", "deal"}).items():
            if id is not None:
                deal = deals.setdefault(id, {"deal_id": id, "calls": 0})
                deal.update(deal=fields["Name"], stage=fields["StageName"], last_call=str(call.day))
                deal["calls"] += 1
    rows = []
    for deal in deals.values():
        deal["silent_days"] = (TO - dt.date.fromisoformat(deal["last_call"])).days
        if not deal["stage"].lower().startswith("closed") and deal["silent_days"] > 14:
            rows.append(deal)
    return sorted(rows, key=lambda row: (-row["silent_days"], row["deal_id"]))


def next_steps_without_follow_up():
    last = {}
    with_account = [(call, [(id, name) for _, kind, id, name in call.accounts() if kind == "account" and id is not None])
                    for call in CALLS]
    for call, accounts in with_account:
        last.update({id: call.at for id, _ in accounts})
    rows = set()
    for call, accounts in with_account:
        if call.day >= TO - dt.timedelta(days=7) or any(last[id] > call.at for id, _ in accounts):
            continue
        for block in call.content.get("highlights") or []:
            if block["title"].lower().startswith("next step"):
                rows |= {(str(call.day), call.id, name, item["text"]) for item in block["items"] for _, name in accounts}
    return [{"call_date": d, "account": a, "call_id": c, "promised": p} for d, c, a, p in sorted(rows)]


def longest_monologues():
    rows = []
    for call in CALLS:
        if call.scope != "External":
            continue
        turns = defaultdict(list)
        for sentence in call.sentences:
            if sentence["side"] == "Internal":
                turns[sentence["monologue"]].append(sentence)
        for number, said in turns.items():
            begin, end = min(s["start"] for s in said), max(s["end"] for s in said)
            rows.append({"call_date": str(call.day), "title": call.title, "rep": said[0]["name"],
                         "starts_at": mm_ss(begin), "seconds": (end - begin) / 1000, "begins_with": said[0]["text"],
                         "call_id": call.id, "monologue_index": number})
    return sorted(rows, key=lambda row: (-row["seconds"], row["call_id"], row["monologue_index"]))[:20]


def first_call_to_pricing():
    accounts = {}
    for call in CALLS:
        topics = [topic["name"].lower() for topic in call.content.get("topics") or []]
        is_priced = any(topic.startswith("pricing") for topic in topics)
        for _, kind, id, name in call.accounts():
            if kind == "account" and id is not None:
                row = accounts.setdefault(id, {"account_id": id, "account": name, "calls": 0,
                                               "first_call": str(call.day), "first_about_price": None, "days": None})
                row["calls"] += 1
                if is_priced and row["first_about_price"] is None:
                    row["first_about_price"] = str(call.day)
                    row["days"] = (call.day - dt.date.fromisoformat(row["first_call"])).days
    return sorted(accounts.values(), key=lambda row: (row["days"] is None, -(row["days"] or 0), row["account_id"]))


def questions_of_customers():
    topics = {}
    for call in CALLS:
        for sentence in call.sentences:
            if sentence["side"] == "External" and sentence["text"].rstrip().endswith("?"):
                calls, texts = topics.setdefault(sentence["topic"], (set(), []))
                calls.add(call.id)
                texts.append(sentence["text"])
    rows = [{"topic": topic, "questions": len(texts), "calls": len(calls), "per_call": len(texts) / len(calls),
             "latest": texts[-1]} for topic, (calls, texts) in topics.items()]
    return sorted(rows, key=lambda row: (-row["questions"], row["topic"] is None, row["topic"]))


def was_arranged(call):
    return any(call.meta.get(name) is not None for name in ("scheduled", "meetingUrl", "calendarEventId"))


def no_shows_and_short_calls():
    hosts = defaultdict(list)
    for call in CALLS:
        guests = [party for party in call.parties if party["affiliation"] == "External"]
        if was_arranged(call) and any("Invitee" in guest["methods"] for guest in guests):
            hosts[call.host].append((any("Attendee" in guest["methods"] for guest in guests), call.duration))
    rows = []
    for id, held in hosts.items():
        no_shows = sum(not came for came, _ in held)
        short = sum(came and duration < 120 for came, duration in held)
        rows.append({"user_id": id, "arranged": len(held), "no_shows": no_shows, "short": short,
                     "lost_share": (no_shows + short) / len(held)})
    return sorted(rows, key=lambda row: (-round(row["lost_share"], 2), -row["arranged"], row["user_id"]))


def found_at(trackers):
    lists = [found["occurrences"] for tracker in trackers for found in [tracker, *tracker["phrases"]]]
    return [round(occurrence["startTime"] * 1000) for found in lists for occurrence in found]


def pricing_objections():
    rows = []
    for call in CALLS:
        priced, objected = found_at(call.trackers("pricing")), found_at(call.trackers("objection"))
        near = [at for at in priced if any(abs(at - other) <= 30_000 for other in objected)]
        for sentence in call.sentences:
            if sentence["side"] == "External" and any(sentence["start"] <= at < sentence["end"] for at in near):
                later = [s["text"] for s in call.sentences[sentence["index"] + 1 :] if s["side"] == "Internal"]
                rows.append({"call_date": str(call.day), "title": call.title, "speaker_name": sentence["name"],
                             "said_at": mm_ss(sentence["start"]), "text": sentence["text"],
                             "answer": later[0] if later else None, "call_id": call.id,
                             "sentence_index": sentence["index"]})
    return sorted(rows, key=lambda row: (row["call_date"], row["call_id"], row["sentence_index"]))


def search(words):
    """Best calls first, by BM25 over the fields of each call."""
    asked = set(re.findall(r"[^\W_]+\*?", fold(words)))

    def meets(text):
        for token in tokens(text):
            for word in asked:
                if token.startswith(word[:-1]) if word.endswith("*") else token == word:
                    yield word

    often, sentences = defaultdict(Counter), defaultdict(dict)
    for call in CALLS:
        names = [topic["name"] for topic in call.content.get("topics") or []]
        names += [tracker["name"] for tracker in call.content.get("trackers") or [] if tracker["count"] > 0]
        for weight, text in [(4, call.title), *((3, name) for name in names)]:
            for word in meets(text):
                often[call.id][word] += weight
        for sentence in call.sentences:
            if words_met := list(meets(sentence["text"])):
                often[call.id].update(words_met)
                sentences[call.id][sentence["index"]] = set(words_met)
    lengths = {call.id: len(call.title) + sum(len(s["text"]) for s in call.sentences) for call in CALLS}
    mean = sum(lengths.values()) / len(lengths)
    rarity = {}
    for word in asked:
        holding = sum(word in counts for counts in often.values())
        rarity[word] = math.log(1 + (len(CALLS) - holding + 0.5) / (holding + 0.5))
    rows = []
    for call in CALLS:
        counts = often.get(call.id)
        if not counts:
            continue
        norm = 1.2 * (0.25 + 0.75 * lengths[call.id] / mean)
        score = sum(rarity[word] * n * 2.2 / (n + norm) for word, n in counts.items())
        worth = {index: sum(sorted(rarity[w] for w in met)) for index, met in sentences[call.id].items()}
        best = min(worth, key=lambda index: (-round(worth[index], 9), index)) if worth else None
        snippet = call.sentences[best] if best is not None else None
        rows.append({"call_id": call.id, "call_date": str(call.day), "score": score, "words_found": sorted(counts),
                     "snippet": snippet and snippet["text"], "snippet_speaker": snippet and snippet["name"],
                     "snippet_at": snippet and mm_ss(snippet["start"])})
    return sorted(rows, key=lambda row: -row["score"])


def transcript(call):
    turns = []
    for sentence in call.sentences:
        voice = sentence["speaker_id"] or sentence["monologue"]
        if turns and turns[-1][0] == voice:
            turns[-1][1].append(sentence)
        else:
            turns.append((voice, [sentence]))
    return [
        {
            "turn": number,
            "start_time": mm_ss(said[0]["start"]),
            "speaker": said[0]["name"] or (f"Speaker {said[0]['speaker_id']}" if said[0]["speaker_id"] else "Unknown speaker"),
            "text": " ".join(sentence["text"] for sentence in said),
        }
        for number, (_, said) in enumerate(turns, 1)
    ]


def meetings():
    rows = []
    for call in everything:
        if was_arranged(call):
            scheduled = call.meta.get("scheduled")
            late = scheduled and int(call.at.timestamp()) - int(instant(scheduled).timestamp())
            rows.append({"call_id": call.id, "started_late_s": late})
    return sorted(rows, key=lambda row: row["call_id"])


def accounts():
    rows = [{"call_id": call.id, "source": s, "kind": k, "id": i, "name": n}
            for call in everything for s, k, i, n in call.accounts()]
    return sorted(rows, key=lambda row: (row["call_id"], row["kind"], row["id"] or ""))


def talk():
    return [{"call_id": call.id, "user_id": party["userId"], "is_host": party["userId"] == call.host,
             "external_talk_time_s": theirs, "talk_ratio": seconds / total if total else None}
            for call, party, seconds, theirs, total in talk_ratios(CALLS)]


def per_month():
    months = defaultdict(list)
    for call in CALLS:
        months[str(call.day.replace(day=1)), call.host].append(call)
    return sorted(
        ({"period": m, "user_id": u, "rep": NAMES[u], "calls": len(c),
          "external_calls": sum(call.scope == "External" for call in c),
          "hours": sum(call.duration for call in c) / 3600} for (m, u), c in months.items()),
        key=lambda row: (row["period"], -row["calls"], row["user_id"]))


longest = max(everything, key=lambda call: (len({s["speaker_id"] for s in call.sentences}), len(call.sentences), call.id))
json.dump(
    {
        "questions": {
            "01_talk_ratio_per_rep": talk_ratio_per_rep(),
            "02_calls_per_rep_and_week": calls_per_rep_and_week(),
            "03_competitors_by_month": competitors_by_month(),
            "04_deals_without_a_call": deals_without_a_call(),
            "05_next_steps_without_follow_up": next_steps_without_follow_up(),
            "06_longest_monologues": longest_monologues(),
            "07_first_call_to_pricing": first_call_to_pricing(),
            "08_questions_of_customers": questions_of_customers(),
            "09_no_shows_and_short_calls": no_shows_and_short_calls(),
            "10_pricing_objections": pricing_objections(),
        },
        "search": {words: search(words) for words in ("Pricing DISCÓUNT", "uberstunden plan*", "demo", "xyzzy* plugh")},
        "transcript": {"call_id": longest.id, "call_date": str(longest.day), "turns": transcript(longest)},
        "meetings": meetings(),
        "accounts": accounts(),
        "talk": talk(),
        "per_month": per_month(),
    },
    sys.stdout,
)
