"""From rows that show identifiers together to people."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from .events import Cleaner, strong_classes
from .records import KINDS, seen_at
from .words import (
    Canonical,
    Identifier,
    Row,
    Taxonomy,
    accepted_rows,
    identifier_id,
    is_true,
    md5,
)


class Components:
    """Union-find; no recursion, so that a chain of any length will do."""

    def __init__(self, nodes: Iterable = ()):
        self.parent = {node: node for node in nodes}

    def root(self, node):
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def join(self, one, other):
        self.parent[self.root(one)] = self.root(other)

    def groups(self) -> list[list]:
        members = defaultdict(list)
        for node in list(self.parent):
            members[self.root(node)].append(node)
        return list(members.values())


@dataclass
class Sightings:
    """How often, from when to when, and on what evidence."""

    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    evidence: set[str] = field(default_factory=set)

    def add(self, moment: datetime | None, evidence: str) -> None:
        self.count += 1
        self.evidence.add(evidence)
        if moment is not None:
            self.first_at = min(self.first_at or moment, moment)
            self.last_at = max(self.last_at or moment, moment)

    def row(self) -> Row:
        return {
            "first_seen_at": self.first_at,
            "last_seen_at": self.last_at,
            "sighting_count": self.count,
        }


@dataclass
class Evidence:
    """What was seen: identifiers alone, and pairs of them, in all and per load."""

    of_identifier: dict[Identifier, Sightings] = field(default_factory=dict)
    of_pair: dict[tuple[str, str], Sightings] = field(default_factory=dict)
    of_load: dict[tuple, Sightings] = field(default_factory=dict)
    neighbours: dict[Identifier, set[Identifier]] = field(default_factory=dict)


class Rules:
    def __init__(self, taxonomy: Taxonomy):
        rules = {row["identifier_class"]: row for row in taxonomy.identifier_rules}
        self.priority = {name: int(rule["class_priority"]) for name, rule in rules.items()}
        self.merging = {n for n, rule in rules.items() if is_true(rule["may_merge_strong"])}
        self.strong = strong_classes(taxonomy)
        self.max_strong = {name: int(rule["max_strong"] or 0) for name, rule in rules.items()}

    def rank(self, node: Identifier) -> tuple:
        return self.priority[node[0]], identifier_id(node)

    def row(self, node: Identifier) -> Row:
        return {
            "class_priority": self.priority[node[0]],
            "is_strong": node[0] in self.strong,
            "may_merge_strong": node[0] in self.merging,
        }


@dataclass
class People:
    """Everything that is known of every identifier."""

    evidence: Evidence
    rules: Rules
    blocked: set[frozenset]  # pairs of identifier ids
    users: dict[Identifier, int]  # how many users a merging or other identifier names
    overused: set[Identifier]
    clusters: Components  # merging identifiers that are not overused
    cluster_of: dict[Identifier, set]  # the established people each identifier was seen with
    weak: Components  # the others, as far as they are not shared
    shared: set[Identifier]
    reasons: dict[Identifier, str]
    persons: dict[Identifier, tuple[str, bool]]  # person_id, is_known

    def of(self, node: Identifier) -> tuple[str, str, bool, bool]:
        person_id, is_known = self.persons[node]
        return node[0], person_id, node in self.shared, is_known


def see(canonical: Canonical, rules: Rules, clean: Cleaner) -> Evidence:
    """Every accepted row, each copy too, is a star around its strongest identifier."""
    seen = Evidence(neighbours=defaultdict(set))
    of_identifier, of_pair = defaultdict(Sightings), defaultdict(Sightings)
    of_load = defaultdict(Sightings)
    of_records = (
        # one record is called as the offer without its last letter
        (getattr(canonical, offer), offer[:-1], seen_at(offer))
        for offer, kind in KINDS.items()
        if kind.events
    )
    for rows, kind, moments in (
        (canonical.events, "event", ("occurred_at",)),
        (canonical.identity_links, None, ("occurred_at",)),
        *of_records,
    ):
        for row in accepted_rows(rows):
            shown = sorted(clean.evidence(row), key=rules.rank)
            if not shown:
                continue
            centre, evidence = shown[0], kind or row["evidence"]
            at = next((row[name] for name in moments if row.get(name) is not None), None)
            load = (row["source_name"], row["source_table"], row["load_id"], evidence)
            seen.neighbours[centre].update(shown[1:])
            for member in shown:
                told = f"{row['source_name']} {evidence}"
                of_identifier[member].add(at, told)
                pair = (identifier_id(centre), identifier_id(member))
                of_load[*load, *pair, *member].add(at, told)
                if member != centre:
                    seen.neighbours[member].add(centre)
                    of_pair[tuple(sorted(pair))].add(at, told)
    seen.of_identifier, seen.of_pair, seen.of_load = of_identifier, of_pair, of_load
    return seen


def find_people(canonical: Canonical, taxonomy: Taxonomy, clean: Cleaner) -> People:
    rules = Rules(taxonomy)
    evidence = see(canonical, rules, clean)
    rank = rules.rank
    # 0. what somebody has blocked was never seen, as far as people go
    blocked = {frozenset((r["identifier_a"], r["identifier_b"])) for r in taxonomy.blocked_links}
    neighbours = {
        node: {
            other
            for other in around
            if frozenset((identifier_id(node), identifier_id(other))) not in blocked
        }
        for node, around in evidence.neighbours.items()
    }
    strong = [node for node in neighbours if node[0] in rules.merging]
    weak = [node for node in neighbours if node[0] not in rules.merging]

    # 1. merging identifiers that too many users have
    users = {
        node: 0 if node[0] == "user_id" else sum(other[0] == "user_id" for other in around)
        for node, around in neighbours.items()
    }
    overused = {node for node in strong if 0 < rules.max_strong[node[0]] < users[node]}
    shared = set(overused)

    # 2. strong clusters
    clusters = Components(node for node in strong if node not in shared)
    clustered = set(clusters.parent)
    for node in clustered:
        for other in neighbours[node] & clustered:
            clusters.join(node, other)

    # 3. weak identifiers: attached to one cluster, to none, or shared by several
    cluster_of = {
        node: {clusters.root(other) for other in around & clustered}
        for node, around in neighbours.items()
    }
    shared |= {node for node in weak if len(cluster_of[node]) > 1}

    # 4. weak components
    components = Components(node for node in weak if node not in shared)
    attached = set(components.parent)
    for node in attached:
        for other in neighbours[node] & attached:
            components.join(node, other)
    reasons = {node: "shared" for node in shared} | {node: "established" for node in clustered}
    people = Components()
    for group in clusters.groups():
        for node in group:
            people.join(node, group[0])
    for group in components.groups():
        in_all = set().union(*(cluster_of[node] for node in group))
        for node in group:
            if len(in_all) <= 1:
                people.join(node, group[0])
                for cluster in in_all:
                    people.join(node, cluster)
            else:
                people.root(node)
                for cluster in cluster_of[node]:
                    people.join(node, cluster)
            by_others = ("anonymous", "seen_with_device", "ambiguous")[min(len(in_all), 2)]
            reasons[node] = "seen_with_user" if cluster_of[node] else by_others

    # 5. shared identifiers stand alone
    for node in shared:
        people.root(node)

    # 6. the person is called after the strongest member
    persons = {}
    for group in people.groups():
        named = identifier_id(min(group, key=rank)), any(node[0] in rules.strong for node in group)
        persons.update(dict.fromkeys(group, named))
    return People(
        evidence,
        rules,
        blocked,
        users,
        overused,
        clusters,
        cluster_of,
        components,
        shared,
        reasons,
        persons,
    )


# ---------------------------------------------------------------- the tables


def evidence_rows(people: People) -> list[Row]:
    names = (
        *("source_name", "source_table", "load_id", "evidence", "identifier_a", "identifier_b"),
        *("member_class", "member_value"),
    )
    return [
        {**dict(zip(names, place, strict=True)), **sightings.row()}
        for place, sightings in people.evidence.of_load.items()
    ]


def link_rows(people: People) -> list[Row]:
    return [
        {
            "identifier_a": one,
            "identifier_b": other,
            **sightings.row(),
            "evidence": ", ".join(sorted(sightings.evidence)),
            "is_blocked": frozenset((one, other)) in people.blocked,
        }
        for (one, other), sightings in people.evidence.of_pair.items()
    ]


def judged_link_rows(people: People) -> list[Row]:
    """Each link with its two ends, and what became of it."""
    nodes = {identifier_id(node): node for node in people.persons}
    rows = []
    for link in link_rows(people):
        ends = {end: nodes[link[f"identifier_{end}"]] for end in "ab"}
        persons = {end: people.persons[node][0] for end, node in ends.items()}
        if link.pop("is_blocked"):
            status = "blocked"
        elif people.shared & set(ends.values()):
            status = "shared_identifier"
        else:
            status = "used" if persons["a"] == persons["b"] else "ambiguous"
        for end, node in ends.items():
            link[f"identifier_class_{end}"], link[f"identifier_value_{end}"] = node
            link[f"person_id_{end}"] = persons[end]
        rows.append({**link, "link_status": status})
    return rows


def published_link_rows(people: People) -> list[Row]:
    return [
        {"link_id": md5(f"{link['identifier_a']}|{link['identifier_b']}"), **link}
        for link in judged_link_rows(people)
    ]


def sighted(people: People, node: Identifier) -> Row:
    return {
        "identifier_id": identifier_id(node),
        "identifier_class": node[0],
        "identifier_value": node[1],
        **people.evidence.of_identifier[node].row(),
    }


def identifier_rows(people: People) -> list[Row]:
    return [
        {
            **sighted(people, node),
            **people.rules.row(node),
            "user_count": people.users[node],
            "is_overused": node in people.overused,
        }
        for node in people.persons
    ]


def attached_rows(people: People) -> list[Row]:
    """The cluster is called after any of its members: compared by who is in one with whom."""
    clusters = people.clusters
    rows = []
    for node in people.persons:
        around = people.cluster_of[node]
        cluster = clusters.root(node) if node in clusters.parent else None
        if cluster is None and len(around) == 1:
            (cluster,) = around
        rows.append(
            {
                "identifier_id": identifier_id(node),
                "may_merge_strong": node[0] in people.rules.merging,
                "cluster_id": cluster and identifier_id(cluster),
                "cluster_count": len(around),
                "is_shared": node in people.shared,
            }
        )
    return rows


def component_rows(components: Components) -> list[Row]:
    return [
        {"node_id": identifier_id(node), "component_id": identifier_id(components.root(node))}
        for node in components.parent
    ]


def neighbourhoods(people: People) -> Components:
    all_links = Components(people.persons)
    for node, around in people.evidence.neighbours.items():
        for other in around:
            all_links.join(node, other)
    return all_links


def resolved_rows(people: People) -> list[Row]:
    around = neighbourhoods(people)
    rows = []
    for node, (person_id, is_known) in people.persons.items():
        rule = people.rules.row(node)
        rows.append(
            {
                **sighted(people, node),
                "class_priority": rule["class_priority"],
                "is_strong": rule["is_strong"],
                "person_id": person_id,
                "is_known": is_known,
                "is_shared": node in people.shared,
                "membership_reason": people.reasons[node],
                "user_count": people.users[node],
                "neighbourhood_id": identifier_id(around.root(node)),
            }
        )
    return rows


def bridge_rows(people: People) -> list[Row]:
    left_out = {"class_priority", "is_strong", "is_known", "user_count", "neighbourhood_id"}
    return [
        {name: value for name, value in row.items() if name not in left_out}
        for row in resolved_rows(people)
    ]
