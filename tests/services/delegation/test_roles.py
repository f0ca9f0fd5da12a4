"""Making and editing roles: at home in one's branch, of lower rank, with no more than may be handed on."""

from __future__ import annotations

import pytest
from tests.services.delegation.conftest import ADMIN, HANDED, KNOWN, WORK

from opencrm import Create, Delete, Equal, FieldRule, Grant, InputError, Membership, Role, Scope, Update, records
from opencrm.embed import grant_rows

WIDE = [*KNOWN, *ADMIN, *WORK]

READ = Grant("deal", "read", Scope.TEAM)


def make(branch, home="north_shop", **values):
    about = {"key": "new", "name": "New", "rank": 100, "home_unit_id": home and branch.units[home], **values}
    return lambda work: records.create(work, [Create(Role, values=about)])


def edit(branch, role, **values):
    return lambda work: records.update(work, [Update(Role, branch.roles[role], values=values)])


@pytest.mark.parametrize("home", ["north", "north_shop"])
def test_a_role_is_made_within_ones_branch(branch, allowed, home):
    """With what may be handed on, and handing on no more."""
    allowed(branch.boss, make(branch, home, grants=[READ], delegable=[READ]))


@pytest.mark.parametrize(
    "values, rule",
    [
        ({"home": None}, "home"),
        ({"home": "HQ"}, "home"),
        ({"home": "south"}, "home"),
        ({"rank": 600}, "rank"),
        ({"rank": 601}, "rank"),
        ({"grants": [Grant("*", "*", Scope.ALL)]}, "rank"),
        ({"grants": [Grant("deal", "read", Scope.SUBTREE)]}, "delegable"),
        ({"grants": [Grant("deal", "*", Scope.OWN)]}, "delegable"),
        ({"grants": [Grant("*", "read", Scope.OWN)]}, "delegable"),
        ({"grants": [Grant("contact", "read", Scope.OWN)]}, "delegable"),
        ({"grants": [Grant("user", "create", Scope.OWN)]}, "delegable"),
        ({"grants": [READ], "field_rules": [FieldRule("contact", "birthday", read=True, write=False)]}, "delegable"),
    ],
)
def test_a_role_that_is_too_much(branch, refused, values, rule):
    """At home elsewhere, of equal rank, an owner's, wider in scope, acts, entities or fields."""
    assert refused(branch.boss, make(branch, **values)) == rule


def test_a_role_may_be_narrowed_by_a_condition(branch, allowed):
    """Less is always covered."""
    allowed(branch.boss, make(branch, grants=[Grant("deal", "read", Scope.TEAM, when=Equal("title", "x"))]))


def test_a_role_is_edited_as_far_as_it_could_be_made(branch, allowed, refused):
    """Before and after: neither raised nor widened, nor taken from where it is at home."""
    allowed(branch.boss, edit(branch, "of_shop", name="Shop keeper", grants=grant_rows([READ])))
    for values, rule in (
        ({"rank": 600}, "rank"),
        ({"grants": [Grant("deal", "export", Scope.OWN)]}, "delegable"),
        ({"home_unit_id": branch.units["south"]}, "home"),
        ({"home_unit_id": None}, "home"),
    ):
        assert refused(branch.boss, edit(branch, "of_shop", **values)) == rule
    for role, rule in (("of_south", "home"), ("clerk", "home"), ("equal", "rank"), ("wide", "delegable")):
        assert refused(branch.boss, edit(branch, role, name="Mine")) == rule
    assert refused(branch.boss, lambda work: records.delete(work, [Delete(Role, branch.roles["of_south"])])) == "home"


def test_a_role_that_somebody_higher_holds_is_not_edited(branch, allowed, refused):
    """By an accomplice of lower rank nobody raises themselves: invariant 9."""
    from opencrm import Membership

    def seat(user):
        about = {"user_id": user.id, "unit_id": branch.units["north_shop"], "role_id": branch.roles["of_shop"]}
        return lambda work: records.create(work, [Create(Membership, values=about)])

    allowed(branch.boss, seat(branch.clerk))
    allowed(branch.boss, edit(branch, "of_shop", name="Held by a clerk"))
    allowed(branch.owner, seat(branch.peer))
    assert refused(branch.boss, edit(branch, "of_shop", name="Held by a peer")) == "target"
    allowed(branch.owner, edit(branch, "of_shop", name="Owners do"))


def test_nobody_edits_a_role_that_they_hold(branch, allowed, refused):
    """Not through a second seat of higher rank either."""
    from opencrm import Membership

    about = {"user_id": branch.boss.id, "unit_id": branch.units["north_shop"], "role_id": branch.roles["of_shop"]}
    allowed(branch.owner, lambda work: records.create(work, [Create(Membership, values=about)]))
    assert refused(branch.boss, edit(branch, "of_shop", name="Mine")) == "target"


@pytest.mark.parametrize(
    "delegable",
    [
        [Grant("deal", "read", Scope.ALL)],
        [Grant("deal", "export", Scope.OWN)],
        [Grant("*", "read", Scope.OWN)],
        [Grant("deal", "*", Scope.OWN)],
    ],
)
def test_nobody_hands_on_what_they_do_not_hold(branch, crm, delegable):
    """Refused to everybody who writes such a role, owners too, with the rule's name."""
    with pytest.raises(InputError, match='rule "delegable"') as caught, crm.work(branch.owner) as work:
        make(branch, grants=[READ], delegable=delegable)(work)
    assert list(caught.value.fields) == ["delegable"]


def test_a_role_whose_grants_shrink_takes_what_it_hands_on_with_it(branch, crm):
    """Else it would hand on what it no longer holds."""
    with pytest.raises(InputError, match='rule "delegable"'), crm.work(branch.owner) as work:
        edit(branch, "boss", grants=grant_rows([READ]))(work)


class TestARoleThatIsHeldElsewhere:
    """A reorganisation carried its holder away, or an owner gave it there."""

    @pytest.fixture
    def role(self, branch, allowed, firm):
        """A role of the north that somebody in the south holds."""
        [made] = allowed(branch.boss, make(branch, "north", grants=[READ]))
        place = {"unit_id": branch.units["south"], "role_id": made.record_id, "is_primary": False}
        allowed(
            branch.owner, lambda work: records.create(work, [Create(Membership, user_id=firm.stranger.id, **place)])
        )
        return made.record_id

    @staticmethod
    def edited(role, **values):
        return lambda work: records.update(work, [Update(Role, role, values=values)])

    @pytest.mark.parametrize(
        "more",
        [
            {"grants": [READ, Grant("deal", "update", Scope.TEAM)]},
            {"delegable": [READ]},
            {"rank": 101},
        ],
        ids=["grants", "delegable", "rank"],
    )
    def test_is_not_given_more(self, branch, refused, allowed, role, more):
        """They would let somebody do what they may not do there themselves."""
        assert refused(branch.boss, self.edited(role, **more)) == "reach"
        allowed(branch.owner, self.edited(role, **more))

    @pytest.mark.parametrize("less", [{"grants": []}, {"name": "Another"}, {"rank": 99}], ids=str)
    def test_is_narrowed_and_renamed(self, branch, allowed, role, less):
        """That gives nobody anything."""
        allowed(branch.boss, self.edited(role, **less))


def test_a_star_is_not_handed_on_by_those_who_may_hand_on_all_that_it_stands_for(branch, allowed, refused):
    """A pipeline that comes later would be theirs too."""
    every = [
        Grant("deal", f"move:windows.{it}", Scope.TEAM)
        for it in ("new", "measuring", "offer", "waiting", "won", "lost")
    ]
    allowed(branch.owner, edit(branch, "boss", grants=[*WIDE, *every], delegable=[*HANDED, *every]))
    allowed(branch.boss, make(branch, grants=every))
    assert (
        refused(branch.boss, make(branch, key="star", grants=[Grant("deal", "move:windows.*", Scope.TEAM)]))
        == "delegable"
    )
