"""Profiles of groups and accounts over the HTTP API: what clients can set and see can be set and seen, by the operator
and as an account."""

import pytest
from parley_api import Api
from parley_files import ask, png


@pytest.fixture(scope="module")
def api(stack):
    return Api(stack)


def picture_of(stack, api, account):
    content = png()
    opened = api.expect(201, "POST", "/files", {"as": account, "name": "a.png", "size": len(content),
                                                "mime": "image/png"})
    assert ask(stack, opened["upload"], "PUT", content)[0] == 201
    return opened["id"]


def test_a_profile(stack, api):
    anna, ben = api.account(), api.account()
    group = api.group(anna, ben)
    bare = api.expect(200, "GET", f"/groups/{group}")
    assert not {"about", "slow_s", "avatar", "retention_days"} & set(bare) and bare["retention_as_all"]
    api.expect(204, "PATCH", f"/groups/{group}", {"name": "Go", "about": "stones", "slow_s": 5})
    picture = picture_of(stack, api, anna)
    assert api("PATCH", f"/groups/{group}", {"avatar": picture}).word == "no_file"
    assert api("PATCH", f"/groups/{group}", {"avatar": picture, "as": ben}).word == "not_allowed"
    api.expect(204, "PATCH", f"/groups/{group}", {"avatar": picture, "as": anna})
    api.expect(204, "PUT", f"/groups/{group}/retention", {"days": 3})
    shown = api.expect(200, "GET", f"/groups/{group}")
    assert (shown["name"], shown["about"], shown["slow_s"]) == ("Go", "stones", 5)
    assert (shown["retention_days"], shown["retention_as_all"]) == (3, False)
    assert ask(stack, shown["avatar"])[0] == 200
    (listed,) = api.expect(200, "GET", "/groups", after=shown["number"] - 1, limit=1)["groups"]
    assert {**listed, "avatar": ""} == {**shown, "avatar": ""}  # addresses differ by their time
    seen = api.expect(200, "GET", "/profile", **{"as": ben, "group": group})
    assert (seen["group"], seen["name"], seen["about"], seen["slow_s"]) == (group, "Go", "stones", 5)
    page = api.expect(200, "GET", "/messages", **{"as": ben, "group": group})["messages"]
    assert [one["type"] for one in page[-3:]] == ["group_profile", "group_renamed", "group_profile"]
    assert [one["from"] for one in page[-3:]] == ["SYSTEM", "SYSTEM", anna]
    api.expect(204, "PATCH", f"/groups/{group}", {"about": "", "slow_s": 0, "avatar": ""})
    api.expect(204, "PUT", f"/groups/{group}/retention", {"as_all": True})
    assert api.expect(200, "GET", f"/groups/{group}") == {**bare, "name": "Go"}


def test_the_picture_of_an_account(stack, api):
    anna, ben = api.account(), api.account()
    picture = picture_of(stack, api, anna)
    assert api("PATCH", f"/accounts/{ben}", {"avatar": picture}).word == "no_file"
    api.expect(204, "PATCH", f"/accounts/{anna}", {"avatar": picture})
    assert ask(stack, api.expect(200, "GET", "/profile", **{"as": ben, "user": anna})["avatar"])[0] == 200
    api.expect(204, "PATCH", f"/accounts/{anna}", {"avatar": ""})
    assert "avatar" not in api.expect(200, "GET", "/profile", **{"as": ben, "user": anna})


def test_what_is_no_profile(api):
    group = api.group(api.account())
    before = api.expect(200, "GET", f"/groups/{group}")
    for body, detail in (({}, "there is nothing to set"), ({"slow_s": 86401}, "slow_s"), ({"avatar": "x"}, "avatar"),
                         ({"name": ""}, "name"), ({"about": "x" * 600}, "about")):
        refused = api("PATCH", f"/groups/{group}", body)
        assert refused.word == "bad_request" and detail in refused.json["detail"], (body, refused.body)
    assert api.expect(200, "GET", f"/groups/{group}") == before


def test_once_with_its_idempotency_key(api):
    anna = api.account()
    group = api.group(anna)
    for about in ("first", "first"):
        api.expect(204, "PATCH", f"/groups/{group}", {"about": about}, "set-about")
    page = api.expect(200, "GET", "/messages", **{"as": anna, "group": group})["messages"]
    assert [one["type"] for one in page].count("group_profile") == 1
