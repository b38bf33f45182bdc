"""Cards of what has any name: nothing in them ends a block, or adds to the front matter."""

from __future__ import annotations

import yaml

from zoo.saving.facts import Facts, hub_card, licence_of, write_card

NASTY = "a`|b\n```\n---\nlicense: gpl\n# head <b>\x1b\udcdf"
FACTS = Facts(
    schema=1,
    model="m|`x",
    plugin={"distribution": "d", "version": "1"},
    x_shape=[1],
    y_shape=[1],
    config={"key`": "va|ue"},
    task={"name": NASTY, "config": {}},
    seed=0,
    data={"name": NASTY, "digest": "ab", "items": 3},
    scores={NASTY: {"value": -0.5, "low": None, "high": None, "better": "lower|"}},
    parts="whole",
    dtype="float32",
)
SHOWN = r"a`|b\x0a```\x0a---\x0alicense: gpl\x0a# head <b>\x1b\xdf"


def front_of(card: str) -> dict[str, object]:
    assert card.startswith("---\n")
    front: dict[str, object] = yaml.safe_load(card.removeprefix("---\n").partition("\n---\n")[0])
    return front


def test_no_name_breaks_out_of_a_card() -> None:
    card = write_card(FACTS, {"command": f"zoo run {NASTY}", "licence": f"mit {NASTY}"})
    assert "\x1b" not in card
    assert front_of(card)["tags"] == [
        "conditional-generation", "m|`x", "cond-zoo", "cond-zoo-model=m|`x", SHOWN, f"cond-zoo-task={SHOWN}",
    ]  # fmt: skip
    body = card.partition("\n---\n")[2].strip()
    heads = [line for line in body.splitlines() if line.startswith("#")]
    assert heads[0] == r"# m\|\`x for a\`\|b \`\`\` --- license: gpl # head \<b\>\\x1b\\xdf"
    assert f"- Name: ````{SHOWN}````" in body
    assert '- `` key` ``: "va\\|ue"' in body
    assert [len(line.replace("\\|", "").split("|")) for line in body.splitlines() if line.startswith("|")] == [6, 6, 6]
    block = body.partition("## How it was made\n\n")[2].split("\n")
    assert block[0] == block[-3] == "````"  # of four, since there are three inside


def test_a_pushed_card_keeps_its_words_and_licence() -> None:
    text = write_card(FACTS, {"about": "Of *mine*.", "licence": "Apache-2.0"})
    for given in (text, text.replace("\n", "\r\n")):
        card = hub_card(given, FACTS, "org/x", None, True, 5)
        front = front_of(card)
        assert (front["license"], licence_of(card), front["weights_bytes"]) == ("apache-2.0", "apache-2.0", 5)
        assert "\nOf *mine*.\n" in card
        assert 'zoo.load("hf:org/x@main")' in card
        results = front["model-index"][0]["results"][0]  # type: ignore[index]
        assert results["dataset"]["name"] == results["metrics"][0]["name"] == SHOWN
