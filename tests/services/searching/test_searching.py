"""Search, told as stories: who finds what, and in which order."""

from __future__ import annotations

import pytest

from opencrm import (
    Company,
    Contact,
    Create,
    Deal,
    Delete,
    InputError,
    NotFound,
    Restore,
    Undo,
    Update,
    records,
    searching,
    undoing,
)
from opencrm.testing import make_activity, make_company, make_contact, make_deal, make_product, make_record, make_task


@pytest.fixture
def titles(crm, firm):
    """`titles("ann", by=firm.seller)`: the titles of what somebody finds, in order."""

    def ask(text, by=firm.owner, entities=None, limit=20):
        with crm.read(by) as reader:
            return [hit.title for hit in searching.search(reader, text, entities, limit=limit)]

    return ask


def phone(number):
    return {"kind": "phone", "value": number}


class TestWords:
    def test_all_words_by_their_beginning(self, crm, titles):
        """Each word begins a word, in any order."""
        make_contact(crm, name="Anna Maria Schmidt")
        assert titles("an") == titles("sch mar") == titles("SCHMIDT, anna") == ["Anna Maria Schmidt"]
        assert titles("nna") == titles("anna meier") == []

    def test_words_of_several_fields_and_of_parts(self, crm, titles):
        """One word may stand in the name, another in a description or an address."""
        make_contact(crm, name="Anna", description="prefers oak", points=[{"kind": "email", "value": "anna.m@gmx.de"}])
        assert titles("anna oak") == titles("oak gmx") == titles("anna.m@gmx") == ["Anna"]

    @pytest.mark.parametrize(
        "name, asked",
        [
            ("Åsa Ångström", "asa angstrom"),
            ("Hans Groß", "gross"),
            ("Hans Gross", "groß"),
            ("Алёна Майорова", "алена маиорова"),
            ("Алена Маиорова", "Алёна Майор"),
            ("José Núñez", "jose nun"),
            ("Straße", "STRASSE"),
            ("김민수", "김민"),
            ("हिन्दी", "हिन"),
        ],
    )
    def test_case_and_accents_do_not_count(self, crm, titles, name, asked):
        """In the record as in the question."""
        make_contact(crm, name=name)
        assert titles(asked) == [name]

    @pytest.mark.parametrize("text", ["", "a", " a b ", "?!", "%", "*", "\x00", "🦉", "--"])
    def test_two_letters_at_least(self, crm, firm, text):
        """One letter finds everything and nothing."""
        with crm.read(firm.owner) as reader, pytest.raises(InputError) as caught:
            searching.search(reader, text)
        assert "q" in caught.value.details["fields"]

    @pytest.mark.parametrize(
        "text",
        [
            '"an',
            "an*",
            "an AND",
            "NEAR(an, 2)",
            "name:an",
            "(an",
            "an' OR '1'='1",
            "an\\",
            "%an%",
            "_an",
            "an\x00",
            "an 🦉",
            "an & | ! <->",
            "an:*",
            "{an}",
            "^an",
            "-an",
            "an" * 5000,
            "an " * 3000,
            "\ud800an",
            "an\u202e",
        ],
    )
    def test_no_text_is_an_error(self, crm, firm, text):
        """Nothing that one types is taken for syntax."""
        make_contact(crm, name="Ann or and near name or 1 1")
        with crm.read(firm.owner) as reader:
            searching.search(reader, text)

    def test_signs_part_words(self, crm, titles):
        """They are no part of them."""
        make_company(crm, name="Müller & Söhne (Bau) GmbH_2")
        assert titles("muller/sohne") == titles("(bau)") == titles("gmbh 2") == ["Müller & Söhne (Bau) GmbH_2"]


class TestPhones:
    @pytest.mark.parametrize(
        "asked",
        [
            "+442071838750",
            "+44 20 7183 8750",
            "+44 (0)20 7183-8750",
            "0044 20 71838750",
            "020 7183 8750",
            "(020) 7183/8750",
            "02071838750",
            "0207183",
            "020 718",
            "2071838750",
            "207183",
            "Anna 020 7183",
        ],
    )
    def test_in_any_notation(self, crm, titles, asked):
        """And by its beginning, with the calling code or without."""
        assert crm.configuration.locale.region == "GB"
        make_contact(crm, name="Anna", points=[phone("020 7183 8750")])
        make_contact(crm, name="Other", points=[phone("020 7999 0000")])
        assert titles(asked) == ["Anna"]

    def test_of_another_country(self, crm, titles):
        """Without the calling code, too."""
        make_contact(crm, name="Urs", points=[phone("+41 44 668 18 00")])
        assert titles("044 668") == titles("44668") == titles("+41 44 6") == ["Urs"]

    def test_a_change_of_the_number(self, crm, firm, titles):
        """Is found at once, and the old one no more."""
        contact = make_contact(crm, name="Anna")
        made = make_record(
            crm, crm.catalogue.entity("contact_point").cls, contact_id=contact.id, **phone("02071838750")
        )
        with crm.work(firm.owner) as work:
            records.update(work, [Update(crm.catalogue.entity("contact_point"), made.id, value="020 7999 0000")])
        assert titles("0207183") == []
        assert titles("0207999") == ["Anna"]


class TestOrder:
    def test_equal_then_beginning_then_any(self, crm, titles):
        """And of two that answer alike, the later one first."""
        for name in ("Otto Berg", "Bergmann A", "Berg", "Bergmann B", "Karl Berg"):
            make_contact(crm, name=name)
        assert titles("berg") == ["Berg", "Bergmann B", "Bergmann A", "Karl Berg", "Otto Berg"]

    def test_the_name_before_other_fields(self, crm, titles):
        """Where both begin alike."""
        make_contact(crm, name="Oak Door")
        make_contact(crm, name="Anna", description="Oak forever")
        assert titles("oak") == ["Oak Door", "Anna"]

    def test_across_entities(self, crm, titles):
        """What they are does not count."""
        make_deal(crm, title="Berg deal")
        make_company(crm, name="Berg Ltd")
        make_task(crm, title="Call Berg")
        make_product(crm, name="Berg window", sku="B-77")
        make_activity(crm, subject="Note", body="we met Berg")
        assert titles("berg") == ["Berg window", "Berg Ltd", "Berg deal", "Call Berg", "Note"]
        assert titles("b-77") == ["Berg window"]
        assert titles("berg", entities=[Deal, "companies"]) == ["Berg Ltd", "Berg deal"]

    def test_a_limit_takes_the_best(self, crm, titles):
        """However many answers one record has."""
        points = [phone(f"020 7183 87{at:02}") for at in range(30)]
        make_contact(crm, name="Busy", points=points)
        for at in range(10):
            make_contact(crm, name=f"Quiet {at}", points=[phone(f"020 7183 88{at:02}")])
        assert titles("0207183", limit=3) == ["Quiet 9", "Quiet 8", "Quiet 7"]
        assert len(titles("0207183", limit=20)) == 11

    def test_limits(self, crm, firm):
        """Between one and a hundred."""
        with crm.read(firm.owner) as reader:
            for limit in (0, 101):
                with pytest.raises(InputError):
                    searching.search(reader, "an", limit=limit)
            with pytest.raises(NotFound):
                searching.search(reader, "an", ["dragon"])


class TestReach:
    def test_everybody_finds_what_they_may_read(self, crm, firm, titles):
        """Their own, their team's, their subtree's, all."""
        make_contact(crm, by=firm.seller, name="Berg One")
        make_contact(crm, by=firm.fitter, name="Berg Two")
        make_contact(crm, by=firm.stranger, name="Berg Three")
        assert titles("berg", by=firm.seller) == ["Berg One"]
        assert titles("berg", by=firm.head) == ["Berg Two", "Berg One"]
        assert titles("berg", by=firm.viewer) == ["Berg Three", "Berg Two", "Berg One"]
        assert titles("berg", by=firm.lead) == ["Berg One"]

    def test_a_part_is_found_by_who_reads_its_whole(self, crm, firm, titles):
        """And leads to it."""
        make_contact(crm, by=firm.seller, name="Anna", points=[{"kind": "email", "value": "secret@berg.com"}])
        make_company(crm, by=firm.stranger, name="Other", points=[{"kind": "email", "value": "office@berg.com"}])
        assert titles("berg", by=firm.seller) == ["Anna"]
        assert titles("berg", by=firm.stranger) == ["Other"]

    def test_a_key_of_another_system_finds_its_record(self, crm, firm, titles):
        """Whatever entity it is of."""
        make_deal(crm, by=firm.seller, title="Windows", refs=[{"system": "erp", "key": "K-10023"}])
        assert titles("k-10023", by=firm.seller) == ["Windows"]
        assert titles("k-10023", by=firm.stranger) == []


class TestHits:
    def test_tell_where_they_were_found(self, crm, firm):
        """The field, and what stands there."""
        text = "word " * 100 + "the Oaken Door of Anna " + "word " * 100
        contact = make_contact(crm, name="Carla", description=text, points=[phone("020 7183 8750")])
        with crm.read(firm.owner) as reader:
            [by_text] = searching.search(reader, "oaken", [Contact])
            [by_phone] = searching.search(reader, "0207183", [Contact])
        assert (by_text.entity, by_text.id, by_text.title) == ("contact", contact.id, "Carla")
        assert by_text.field == "description"
        assert "Oaken Door" in by_text.snippet
        assert len(by_text.snippet) < 130
        assert (by_phone.field, by_phone.snippet) == ("contact_point.value", "020 7183 8750")


class TestLifeOfARecord:
    def test_changes_deletions_and_restorations(self, crm, firm, titles):
        """Are found, or not, from the same transaction on."""
        contact = make_contact(crm, name="Anna Berg", points=[phone("020 7183 8750")])
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Contact, contact.id, name="Anna Tal")])
            assert [hit.title for hit in searching.search(work, "tal")] == ["Anna Tal"]
        assert titles("berg") == []
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Contact, contact.id)])
        assert titles("tal") == titles("0207183") == []
        with crm.work(firm.owner) as work:
            records.restore(work, [Restore(Contact, contact.id)])
        assert titles("tal") == titles("0207183") == ["Anna Tal"]

    def test_what_is_taken_back_was_never_found(self, crm, firm, titles):
        """A block that fails, and an act that is undone."""
        with pytest.raises(RuntimeError), crm.work(firm.owner) as work:
            records.create(work, [Create(Company, name="Berg")])
            raise RuntimeError
        assert titles("berg") == []
        with crm.work(firm.owner) as work:
            act = work.act
            records.create(work, [Create(Company, name="Berg")])
        with crm.work(firm.owner) as work:
            undoing.undo(work, [Undo(act=act)])
        assert titles("berg") == []

    def test_a_change_keeps_the_place_in_the_order(self, crm, firm, titles):
        """What was entered later still comes first."""
        first, second = make_deal(crm, title="Berg 1"), make_deal(crm, title="Berg 2")
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, first.id, title="Berg 3")])
        assert titles("berg") == [second.title, "Berg 3"]

    def test_a_field_that_is_filled_and_emptied(self, crm, firm, titles):
        """Comes and goes."""
        deal = make_deal(crm, title="Windows")
        for text, found in (("oaken", ["Windows"]), (None, []), ("oaken", ["Windows"])):
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Deal, deal.id, description=text)])
            assert titles("oaken") == found


@pytest.mark.parametrize("asked", ["8 900 000 00 11", "8(900)0000011", "+7 900 000-00-11", "0000011", "0011"])
def test_a_number_is_found_in_the_notation_of_its_own_country(crm, firm, asked):
    """And by its last digits, wherever the workspace is."""
    abroad = make_contact(crm, points=[{"kind": "phone", "value": "+7 900 000-00-11"}])
    make_contact(crm, points=[{"kind": "phone", "value": "+44 20 7183 8750"}])
    with crm.read(firm.owner) as reader:
        assert [hit.id for hit in searching.search(reader, asked)] == [abroad.id]


@pytest.mark.parametrize("asked, number", [("7183 8750", 1), ("8750", 1), ("38-750", 1), ("750", 0), ("183 875", 0)])
def test_a_number_is_known_by_its_last_four_digits(crm, firm, asked, number):
    """By fewer, or by some from its middle, it is not."""
    make_contact(crm, points=[{"kind": "phone", "value": "+44 20 7183 8750"}])
    with crm.read(firm.owner) as reader:
        assert len(searching.search(reader, asked)) == number


def test_letters_that_have_no_accent_to_take_off(crm, firm):
    """Are found as people write them who have no such keys."""
    contact = make_contact(crm, name="Łódź Ørsted")
    with crm.read(firm.owner) as reader:
        for asked in ("lodz", "orsted", "ŁÓDŹ", "ørs"):
            assert [hit.id for hit in searching.search(reader, asked)] == [contact.id]
