"""The page's words: both languages have the same keys and places, and every key that is used exists."""

import json
import pathlib
import re

WEB = pathlib.Path(__file__).resolve().parents[2] / "services/web"
PLURALS = {"en": {"one", "other"}, "zh": {"other"}}
USED = re.compile(r'\bt\(\s*"([\w-]+\.[\w.-]+)"')


def words(language):
    """Those of the page, and of the operator's, which has them all."""
    found = {}
    for folder in ("language", "admin/language"):
        own = json.loads((WEB / folder / f"{language}.json").read_text("utf-8"))
        assert not set(own) & set(found), folder
        found |= own
    return found


def forms(value):
    return list(value.values()) if isinstance(value, dict) else [value]


def places(value):
    return set(re.findall(r"\{(\w+)\}", " ".join(forms(value))))


def test_languages_have_the_same_keys():
    english, chinese = words("en"), words("zh")
    assert sorted(english) == sorted(chinese)


def test_translations_have_the_same_places():
    english, chinese = words("en"), words("zh")
    other = {key for key in english if not places(chinese[key]) <= places(english[key])}
    assert not other, other


def test_plural_forms_are_those_of_the_language():
    for language, allowed in PLURALS.items():
        for key, value in words(language).items():
            if isinstance(value, dict):
                assert "other" in value and set(value) <= allowed, (language, key)


def test_used_words_exist():
    english = words("en")
    used = {
        (key, source.name)
        for folder in ("app", "elements", "admin")
        for source in sorted((WEB / folder).glob("**/*.js"))
        for key in USED.findall(source.read_text("utf-8"))
    }
    assert len(used) > 50
    missing = {(key, source) for key, source in used if key not in english}
    assert not missing, missing
