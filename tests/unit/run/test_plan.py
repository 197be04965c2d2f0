from __future__ import annotations

from making import case, ground, lot, options, subject

from archsweep.archs.selection import Selection
from archsweep.contract import Evidence, Status
from archsweep.encoding import encode
from archsweep.run import plan, sentinels

BERT = subject()
HEAD = subject(class_name="BertForMaskedLM", is_base=False)


def test_one_lot_for_each_subject_and_platform_with_a_case_for_each_check() -> None:
    lots = plan.make_lots(options(), "r1", [BERT, HEAD], [ground()])
    assert [item.id for item in lots] == ["bert/BertModel:cpu", "bert/BertForMaskedLM:cpu"]
    assert [item.id for item in lots[0].cases] == ["bert/BertModel:cpu:forward", "bert/BertModel:cpu:parity"]
    assert lots[0].evidence is Evidence.HARDWARE


def test_platforms_other_than_the_default_take_base_types_unless_subjects_are_named() -> None:
    grounds = [ground(), ground("other")]
    everything = plan.make_lots(options(), "r1", [BERT, HEAD], grounds)
    assert [item.id for item in everything if item.platform == "other"] == ["bert/BertModel:other"]
    named = options(selection=Selection(classes=("BertForMaskedLM",)))
    assert [item.id for item in plan.make_lots(named, "r1", [HEAD], grounds)] == [
        "bert/BertForMaskedLM:cpu",
        "bert/BertForMaskedLM:other",
    ]


def test_what_is_done_is_not_planned_again() -> None:
    lots = plan.without([lot()], {"bert/BertModel:cpu:forward"})
    assert [item.id for item in lots[0].cases] == ["bert/BertModel:cpu:parity"]
    assert plan.without([lot()], {"bert/BertModel:cpu:forward", "bert/BertModel:cpu:parity"}) == []


def test_heaviest_first_and_the_unknown_in_between() -> None:
    lots = [
        lot(id=name, cases=(case(f"{name}/X"),)) for name in ("light", "unknown", "heavy", "other")
    ]  # "other" is unknown too
    durations = {"light/X:cpu:forward": 0.1, "heavy/X:cpu:forward": 9.0, "third/X:cpu:forward": 0.5}
    assert [item.id for item in plan.heaviest_first(lots, durations)] == ["heavy", "unknown", "other", "light"]
    assert plan.heaviest_first(lots, {}) == lots


def test_an_absent_platform_gives_every_case_an_ending_with_the_way_out() -> None:
    absent = ground("other", present=False, reason="no driver", install="the driver")
    results = plan.unavailable(plan.make_lots(options(), "r1", [BERT], [absent]), absent)
    assert {item.status for item in results} == {Status.UNAVAILABLE}
    assert {item.evidence for item in results} == {Evidence.NONE}
    assert results[0].message == "no driver. Install: the driver"
    assert len(results) == 2


def test_options_survive_the_journal() -> None:
    chosen = options(selection=Selection(models=("bert",), base=True, limit=3), only="stale", imports=("mine",))
    assert plan.decode_options(encode(chosen)) == chosen


def test_every_platform_gets_three_sentinels_and_only_the_hanging_one_a_short_deadline() -> None:
    made = plan.make_sentinels(options(timeout_s=77.0), "r1", ground("other"))
    assert [item.subject.class_name for item in made] == list(sentinels.EXPECTED)
    assert [item.timeout_s for item in made] == [77.0, 77.0, sentinels.DEADLINE_S]
    assert all(sentinels.is_sentinel(item.cases[0]) for item in made)
    assert not sentinels.is_sentinel(case())
