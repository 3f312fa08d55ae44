"""Pictures of the page's states, to be looked at: `make screenshots`, or by hand

    screenshots.py FOLDER [WORD]

with a word only those whose name has it. It starts a parley of its own with people who have talked.
"""

import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from browser_tab import Browser, Tab  # noqa: E402  (the path is set first)
from parley_stack import ROOT, Database, Stack  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

WIDE, PHONE = (1280, 800), (360, 740)
PEOPLE = {"anna": "Anna Lind", "ben": "Ben Carter", "dora": "Dora Éclair", "ming": "陈小明", "farid": "Farid <b>Aziz</b>"}
SETTLE = ("for (const each of document.getAnimations())"
          " if (each.effect.getTiming().iterations < Infinity) each.finish();"
          " return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
# A picture of a sea under a sky, as a file: [name, width, height].
PAINT = """new Promise((done) => {
  const [name, width, height] = arg, canvas = Object.assign(document.createElement("canvas"), { width, height });
  const paint = canvas.getContext("2d");
  const sky = paint.createLinearGradient(0, 0, 0, height);
  for (const [at, colour] of [[0, "#28527a"], [0.5, "#f4a261"], [0.52, "#1d6a72"], [1, "#0b3c49"]]) sky.addColorStop(at, colour);
  paint.fillStyle = sky;
  paint.fillRect(0, 0, width, height);
  paint.fillStyle = "#ffe8c2";
  paint.arc(width * 0.6, height * 0.42, height / 12, 0, 7);
  paint.fill();
  canvas.toBlob((blob) => (window.painted = new File([blob], name, { type: "image/png" }), done()));
})"""
SHOW = ("new Promise((done) => { const sent = page.parley.send(arg[0], {file: window.painted, ...arg[1]});"
        " const look = () => sent.state === 'stored' ? done(sent.cid) : setTimeout(look, 20); look(); })")
SEND = ("new Promise((done) => { const sent = page.parley.send(arg[0], arg[1]);"
        " const look = () => sent.state === 'stored' ? done(sent.cid) : setTimeout(look, 20); look(); })")


class Pictures:
    def __init__(self, folder, word, stack):
        self.folder, self.word, self.stack = folder, word, stack
        self._open = contextlib.ExitStack()

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_):
        self._open.close()

    def tab(self, path="/", size=WIDE):
        browser = Browser()
        self._open.callback(browser.quit)
        tab = Tab(browser, f"http://{self.stack.host}:{self.stack.ports['http']}/", size)
        tab.theme("light")
        tab.open(path)
        return tab

    def person(self, user):
        tab = self.tab(f"/?as={user}")
        connected(tab)
        tab.call("page.parley.set('me', {name: arg})", PEOPLE.get(user, user.capitalize()))
        return tab

    def take(self, tab, name):
        if self.word in name:
            tab.run(SETTLE)
            tab.driver.save_screenshot(str(self.folder / f"{name}.png"))
            print(self.folder / f"{name}.png")

    def everywhere(self, tab, name):
        """Light and dark, wide and on a phone."""
        for size, width in ((WIDE, "wide"), (PHONE, "phone")):
            tab.resize(*size)
            for theme in ("light", "dark"):
                tab.theme(theme)
                self.take(tab, f"{name}-{width}-{theme}")
        tab.resize(*WIDE)
        tab.theme("light")


def connected(tab):
    tab.wait(lambda: tab.text(".me connection-state") in ("Connected", "已连接"), "the connection")


def say(tab, peer, text, **more):
    return tab.call(SEND, [peer, {"msg": text} | more])


def befriend(one, other, user, friend):
    one.call("page.parley.askFriend(arg)", friend)
    other.call("page.parley.answerFriend(arg, true)", user)


def people_who_talk(pictures):
    """Friends, a group and a stranger, all signed in, with their texts."""
    tabs = {user: pictures.person(user) for user in PEOPLE}
    anna, ben, dora, ming, farid = tabs.values()
    for user in ("ben", "dora", "ming"):
        befriend(anna, tabs[user], "anna", user)
    for group, name in (("choir", "Choir"), ("weekend", "周末计划"), ("walk", "Harbour walk")):
        anna.call("page.parley.createGroup(arg[0], arg[1])", [group, name])
        say(anna, {"group": group}, "Welcome, everybody")
    for user in ("ben", "dora", "ming"):
        anna.call("page.parley.invite('walk', arg)", user)
    group = {"group": "walk"}
    asked = say(ben, group, "Morning! Are we still on for Sunday?")
    say(anna, group, "Yes 🙂 I checked the forecast: dry until four, then a bit of wind.")
    say(dora, group, "The old path behind the mill is open again: https://example.org/mill-path")
    plan = say(dora, group, "We could take that one back, and have tea at the lighthouse.")
    say(ming, group, "好主意！我带茶。", reply=plan)
    say(anna, group, "@ben you bring the big thermos, please", mentions=["ben"])
    for tab, emoji in ((anna, "👍"), (ming, "👍"), (ben, "❤️")):
        tab.call("page.parley.react({group: 'walk'}, arg[0], arg[1], true)", [plan, emoji])
    say(ben, group, "Will do. Ten o'clock at the ferry, then!", reply=asked)
    say(ben, {"user": "anna"}, "He still owes us the story about the ferry.")
    say(dora, {"user": "anna"}, "Did you find the map?")
    say(dora, {"user": "anna"}, "It should be in the blue folder.")
    say(ming, {"user": "anna"}, "星期天见！")
    farid.call("page.parley.askFriend('anna')")
    anna.refresh()
    connected(anna)
    anna.wait(lambda: anna.all("request-card") and len(anna.all("conversation-list .row")) > 5, "the list")
    return anna, ben


def signing_in(pictures):
    tab = pictures.tab()
    pictures.everywhere(tab, "sign-in")
    new = pictures.tab()
    new.find("#user").send_keys("gina")
    new.find("#password").send_keys("correct horse", Keys.ENTER)
    connected(new)
    new.wait(lambda: new.all(".empty .primary"), "the empty list")
    pictures.everywhere(new, "empty")
    new.driver.switch_to.new_window("tab")
    new.resize(*WIDE)
    new.open()
    pictures.take(new, "sign-in-held")
    tab.find("#user").send_keys("gina")
    tab.find("#password").send_keys("not hers", Keys.ENTER)
    tab.wait(lambda: tab.text("[role=alert]"), "the reason")
    pictures.take(tab, "sign-in-refused")


def talking(pictures):
    anna, ben = people_who_talk(pictures)
    anna.call("page.openConversation(null)")
    pictures.everywhere(anna, "list")
    anna.open_hash("group:walk")
    anna.wait(lambda: "Ten o'clock" in anna.text("message-list"), "the thread")
    anna.wait(lambda: "4 members" in anna.text("conversation-head"), "the members")
    ben.open_hash("user:anna")
    ben.find("text-composer textarea").send_keys("I")
    anna.wait(lambda: anna.all("conversation-list .typing"), "that Ben types")
    pictures.everywhere(anna, "conversation")
    panels(pictures, anna, {"user": "ben"}, "person")
    panels(pictures, anna, {"group": "walk"}, "group")
    questions(pictures, anna)
    anna.press(Keys.CONTROL, "k")
    pictures.take(anna, "quick-switch")
    anna.press(Keys.ESCAPE)
    anna.click(".me button:last-child")
    pictures.take(anna, "sign-out")
    anna.press(Keys.ESCAPE)
    anna.run("return import('./app/i18n.js').then((i18n) => i18n.setLanguage('zh'))")
    connected(anna)
    anna.wait(lambda: "Ten o'clock" in anna.text("message-list"), "the thread")
    pictures.everywhere(anna, "chinese")
    pictures.stack.services["gateway"].kill()
    ben.wait(lambda: "Reconnecting" in ben.text("connection-state.bar"), "the bar")
    ben.find("text-composer textarea").send_keys("s anybody there?", Keys.ENTER)
    ben.wait(lambda: "1 text waits" in ben.text("connection-state.bar"), "the text that waits")
    pictures.everywhere(ben, "reconnecting")
    pictures.stack.services["gateway"].start()


def the_thread(pictures):
    """Actions on texts, and their effects."""
    nina, omar = pictures.person("nina"), pictures.person("omar")
    nina.open_hash("user:omar")
    omar.open_hash("user:nina")
    first = say(omar, {"user": "nina"}, "Did you get the tickets? https://example.org/tickets?for=2 (I can pay by card.)")
    say(nina, {"user": "omar"}, "Two, in the third row", reply=first)
    gone = say(omar, {"user": "nina"}, "sent too early")
    omar.call("page.parley.recall({user: 'nina'}, arg)", gone)
    say(omar, {"user": "nina"}, "<b>not bold</b> " + "z\u0300\u0316\u0321\u0334\u0489" * 6 + " שלום, נתראה מחר")
    say(omar, {"user": "nina"}, "A long story. " * 200)
    say(omar, {"user": "nina"}, "🎉🎉")
    asked = say(nina, {"user": "omar"}, "See you at eigth")
    nina.call("page.parley.edit({user: 'omar'}, arg, 'See you at eight')", asked)
    omar.call("page.parley.react({user: 'nina'}, arg, '❤️', true)", asked)
    see = lambda tab, text: tab.wait(lambda: text in tab.text("message-list"), text)
    see(nina, "See you at eight")
    omar.call("page.parley.block('nina', true)")
    nina.call("page.model.send(page.conversation, {msg: 'And bring Dora'})")
    nina.wait(lambda: nina.all("message-item .refusal"), "the refusal")
    pictures.everywhere(nina, "texts")
    omar.wait(lambda: omar.text("text-composer .reason"), "the reason")
    pictures.take(omar, "texts-blocked")
    nina.run("document.querySelector('message-list .scroller').scrollTop = 0")
    pictures.everywhere(nina, "texts-above")
    line = "[...document.querySelectorAll('message-item.own')].find((one) => one.innerText.includes('eight'))"
    nina.run(f"{line}.focus()")
    nina.press(Keys.ENTER)
    pictures.everywhere(nina, "texts-actions")
    nina.click("message-actions [aria-label='Choose a reaction']")
    pictures.everywhere(nina, "texts-emoji")
    nina.press(Keys.ESCAPE)
    nina.click("message-actions [aria-label=Recall]")
    pictures.everywhere(nina, "texts-recall")
    nina.press(Keys.ESCAPE)
    nina.find("text-composer textarea").send_keys(Keys.ARROW_UP)
    pictures.everywhere(nina, "texts-edit")
    nina.press(Keys.ESCAPE)
    nina.call("page.openPanel('search', {conversation: page.conversation})")
    nina.find("search-panel input").send_keys("eight")
    nina.wait(lambda: nina.all("search-panel .result"), "what was found")
    pictures.everywhere(nina, "texts-search")
    nina.call("page.openPanel(null)")
    nina.call("page.parley.createGroup('tea', 'Tea at five')")
    omar.call("page.parley.block('nina', false)")
    omar.call("page.parley.joinGroup('tea')")
    nina.call("page.parley.answerJoin('tea', 'omar', true)")
    nina.open_hash("group:tea")
    nina.wait(lambda: nina.all("text-composer textarea"), "the field")
    nina.find("text-composer textarea").send_keys("Is it you, @")
    nina.wait(lambda: nina.all("mention-list [role=option]"), "the members")
    pictures.everywhere(nina, "texts-mention")


def show(tab, peer, name, width, height, **more):
    tab.call(PAINT, [name, width, height])
    return tab.call(SHOW, [peer, more])


def files(pictures):
    """Pictures, files and stickers: received, sent, on their way, refused, chosen; and avatars."""
    uma, vic = pictures.person("uma"), pictures.person("vic")
    befriend(uma, vic, "uma", "vic")
    for tab, size in ((uma, (90, 90)), (vic, (120, 80))):
        tab.call(PAINT, ["me.png", *size])
        tab.call("page.parley.setAvatar('me', window.painted)")
    uma.open_hash("user:vic")
    show(vic, {"user": "uma"}, "harbour at dusk.png", 1200, 800, msg="The harbour, an hour ago")
    show(vic, {"user": "uma"}, "tall.png", 300, 900)
    vic.call("page.parley.addSticker(window.painted)")
    uma.call(PAINT, ["wave.png", 200, 160])
    for _ in range(5):
        uma.call("page.parley.addSticker(window.painted)")
    uma.call("page.parley.stickers().then(([one]) => page.parley.send({user: 'vic'}, {file: one}))")
    uma.call("page.parley.send({user: 'vic'}, {file: {bytes: new Blob(['x'.repeat(183221)]), name: 'Timetable of the ferries, autumn and winter.pdf'}}) && null")
    uma.wait(lambda: uma.all("message-item a.file-card"), "the file")
    show(uma, {"user": "vic"}, "reply.png", 640, 420, msg="And here, the same evening")
    loaded = "return [...document.querySelectorAll('.picture img')].every((each) => each.complete && each.naturalWidth)"
    uma.wait(lambda: uma.run(loaded), "the pictures")
    pictures.everywhere(uma, "files-below")
    uma.run("document.querySelector('message-list .scroller').scrollTop = 0")
    pictures.everywhere(uma, "files-above")
    uma.click("text-composer button.stickers")
    uma.wait(lambda: len(uma.all("sticker-picker .grid button")) == 5, "the stickers")
    pictures.everywhere(uma, "files-stickers")
    uma.click("sticker-picker [aria-label='Remove stickers']")
    pictures.everywhere(uma, "files-stickers-remove")
    uma.press(Keys.ESCAPE)
    uma.click("message-item button.picture")
    uma.wait(lambda: uma.run("return document.querySelector('picture-viewer img')?.naturalWidth") == 1200, "the whole picture")
    pictures.everywhere(uma, "files-whole")
    uma.press(Keys.ESCAPE)
    uma.run("const whole = window.fetch; window.fetch = (address, how) => how?.method === 'PATCH' ? new Promise(() => {}) : whole(address, how)")
    uma.call(PAINT, ["on its way.png", 800, 500])
    uma.run("const { page } = document.querySelector('app-shell'); page.model.send(page.conversation, {file: {bytes: window.painted, width: 800, height: 500}, msg: 'Wait for it'});"
            "page.model.send(page.conversation, {file: {bytes: new Blob(['x'.repeat(9e6)]), name: 'film.mp4'}})")
    uma.wait(lambda: len(uma.all(".transfer")) == 2, "the bars")
    uma.run("const item = document.querySelector('message-list').conversation.items.at(-1); item.conversation.progress(item.ref, 4e6)")
    large = "Object.defineProperty(new File(['x'], 'too large.iso'), 'size', {value: 2 ** 31})"
    uma.run(f"const {{ page }} = document.querySelector('app-shell'); page.model.send(page.conversation, {{file: {large}}})")
    uma.wait(lambda: uma.all(".refusal"), "the refusal")
    uma.run("const data = new DataTransfer(); data.items.add(window.painted); data.items.add(new File(['notes'], 'notes with a name that is rather long.txt'));"
            "document.querySelector('main').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}))")
    uma.wait(lambda: len(uma.all("file-tray li")) == 2, "the chosen files")
    pictures.everywhere(uma, "files-sending")
    uma.run("const data = new DataTransfer(); data.items.add(window.painted);"
            "document.querySelector('main').dispatchEvent(new DragEvent('dragover', {dataTransfer: data, bubbles: true, cancelable: true}))")
    pictures.everywhere(uma, "files-dropping")
    uma.call("page.openPanel('settings')")
    pictures.everywhere(uma, "files-settings")
    uma.call("page.openPanel(null)")
    uma.call("page.openConversation(null)")
    pictures.take(uma, "files-list")


def strangers(pictures):
    """Where only friends write to each other: a refused text with the button that asks for friendship."""
    wes, xia = pictures.person("wes"), pictures.person("xia")
    wes.open_hash("user:xia")
    wes.call("page.model.send(page.conversation, {msg: 'Hello, are you the Xia of the choir?'})")
    wes.wait(lambda: wes.all(".refusal [data-act=befriend]"), "the button")
    pictures.everywhere(wes, "strangers")
    wes.click(".refusal [data-act=befriend]")
    wes.wait(lambda: not wes.all(".refusal [data-act=befriend]"), "that it was asked")
    pictures.everywhere(wes, "strangers-asked")
    wes.run("return import('./app/i18n.js').then((i18n) => i18n.setLanguage('zh'))")
    connected(wes)
    wes.wait(lambda: wes.all(".refusal"), "the text")
    pictures.everywhere(wes, "strangers-chinese")
    xia.call("page.parley.answerFriend('wes', true)")
    wes.wait(lambda: "好友" in wes.text(".refusal") and not wes.all(".refusal .error"), "that they are friends")
    pictures.everywhere(wes, "strangers-friends")


def panels(pictures, tab, peer, kind):
    for name in ("details",) if kind == "group" else ("settings", "find", "new-group", "search", "details"):
        options = {"peer": peer} if name == "details" else {}
        tab.run("document.querySelector('app-shell').openPanel(arguments[0], arguments[1])", name, options)
        tab.wait(lambda: tab.all(".panel-body *"), "the panel")
        pictures.everywhere(tab, f"panel-{name}-{kind}" if name == "details" else f"panel-{name}")
        tab.press(Keys.ESCAPE)
        tab.wait(lambda: not tab.all(".panel-body"), "the panel's end")


def questions(pictures, tab):
    """Panels while somebody uses them."""
    for name, panel, options, act in (
        ("member", "details", {"peer": {"group": "walk"}}, "member-ben"),
        ("invite", "details", {"peer": {"group": "walk"}}, "invite"),
        ("dissolve", "details", {"peer": {"group": "walk"}}, "dissolve"),
        ("block", "details", {"peer": {"user": "ben"}}, "block"),
        ("forget-me", "settings", {}, "forget-me"),
    ):
        tab.run("document.querySelector('app-shell').openPanel(arguments[0], arguments[1])", panel, options)
        control = tab.wait(lambda act=act: tab.all(f"[data-act={act}]"), act)[0]
        tab.run("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", control)
        pictures.everywhere(tab, f"panel-{name}")
        tab.run("document.querySelector('app-shell').openPanel(null)")
        tab.wait(lambda: not tab.all(".panel-body"), "the panel's end")


# What each scene needs of the server, besides the page.
SCENES = {signing_in: {}, the_thread: {}, talking: {}, files: {}, strangers: {"strangers": "request"}}


def main(folder, word=""):
    page = {"web_root": ROOT / "services/web", "demo": "true", "reach_interval_ms": 50, "cursor_flush_ms": 50}
    # A word that begins with a scene's name needs that scene alone.
    wanted = [scene for scene in SCENES if word.startswith(scene.__name__)] or list(SCENES)
    with Database() as database:
        for settings in ({}, {"strangers": "request"}):
            scenes = [scene for scene in wanted if SCENES[scene] == settings]
            if not scenes:
                continue
            with Stack(database, **page, **settings) as stack, Pictures(pathlib.Path(folder), word, stack) as pictures:
                for scene in scenes:
                    scene(pictures)


if __name__ == "__main__":
    main(*sys.argv[1:])
