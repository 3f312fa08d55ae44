"""The list of conversations in a real browser: its filter, drafts, and pages."""

from talking import field, open_person, person

PEOPLE = 70  # more than a page of the list

# One text from each of `count` new people to `user`.
WRITE = """
const [user, stem, count, done] = arguments;
const one = (id) => new Promise((resolve, reject) => {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws"));
  const say = (msgType, msgBody, ref) => socket.send(JSON.stringify({ msgType, msgBody, ...(ref && { ref }) }));
  socket.onopen = () => { say(113, { userId: id }); say(1, { loginUserId: id, ext: 1 }); };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.msgType === 2) say(5, { token: message.token, fromUserId: id, toUserId: user, msg: `from ${id}` }, "r");
    else if (message.msgType === 300) { socket.close(); message.ok ? resolve() : reject(message.text); }
  };
  socket.onerror = () => reject("no connection");
});
(async () => { for (let i = 0; i < count; i++) await one(`${stem}-${i}`); })().then(() => done(null), (why) => done(String(why)));
"""


def names(tab):
    return tab.run("return [...document.querySelectorAll('conversation-list .row')].map((one) => one.querySelector('bdi').textContent)")


def test_filter_drafts_and_pages(new_tab):
    anna, writer = new_tab(), new_tab()
    me, stem = person(anna, "anna"), person(writer, "writer")
    writer.driver.set_script_timeout(60)
    assert writer.driver.execute_async_script(WRITE, me, stem, PEOPLE) is None
    anna.wait(lambda: f"{stem}-{PEOPLE - 1}" in names(anna), "the last one's text")
    anna.refresh()
    anna.wait(lambda: f"{stem}-{PEOPLE - 1}" in names(anna), "the newest conversations")
    anna.wait(lambda: anna.run(
        "const list = document.querySelector('conversation-list .scroll'); list.scrollTop = list.scrollHeight;"
        "return [...list.querySelectorAll('.row bdi')].some((one) => one.textContent === arguments[0])", f"{stem}-0"),
        "the oldest conversation")
    assert len(set(names(anna))) == len(names(anna)) == PEOPLE

    anna.find("conversation-list input").send_keys(f"{stem}-17")
    anna.wait(lambda: names(anna) == [f"{stem}-17"], "the one that matches")
    anna.click("conversation-list .row")
    anna.wait(lambda: anna.all("text-composer textarea"), "the field")
    field(anna).send_keys("not finished")
    open_person(anna, f"{stem}-3")
    anna.wait(lambda: "not finished" in anna.text("conversation-list .row"), "the draft in the list")
