"""The page's budget: bytes on the way, frames while 10,000 texts are scrolled through, memory over an hour of
chatter.

Times depend on the machine and are printed; bytes, and the sizes of the document and the heap, are checked."""

import http.client

from browser_tab import DEADLINE
from parley_stack import ROOT
from talking import fill, lines, newest, open_person, person

TEXTS = 10_000
# An hour with nearly two texts a second.
CHATTER = 6
CHATTER_TEXTS = 1000
ITEMS_MAX = 320
GROWTH_BYTES = 1_500_000
GROWTH_NODES = 4000
# 100,000 before pictures, files and stickers, which took 10,000.
PAGE_BYTES = 112_000

# The files that the page has loaded so far: their paths with the bytes of each body as it arrived.
LOADED = """
return ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .map(({ name, encodedBodySize, transferSize }) => [new URL(name).pathname, encodedBodySize, transferSize]);
"""

# Scrolls up, a page of text a frame, until the beginning is there; resolves with how long the frames took.
SCROLL = """
const done = arguments[0];
const scroller = document.querySelector("message-list .scroller");
const frames = [];
let before = performance.now(), most = 0;
const step = (now) => {
  frames.push(now - before);
  before = now;
  most = Math.max(most, document.querySelectorAll("message-item").length);
  const { conversation } = document.querySelector("message-list");
  if (conversation.atStart && scroller.scrollTop === 0) return done({ frames, most });
  scroller.scrollTop -= 600;
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


# Resolves once the newest line says that. ChromeDriver keeps some of each answer in the page, so it is asked once.
AWAIT = """
const [words, done] = arguments;
const look = () => {
  const newest = [...document.querySelectorAll("message-item.text .words")].at(-1);
  if (!newest?.textContent.startsWith(words)) return setTimeout(look, 50);
  done();
};
look();
"""


def metrics(tab):
    return {each["name"]: each["value"] for each in tab.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}


def cost(tab):
    """Bytes of the heap and nodes of the document, garbage left out."""
    for _ in range(2):
        tab.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    found = metrics(tab)
    return int(found["JSHeapUsedSize"]), int(found["Nodes"])


def compressed_sizes(stack):
    """The size of each file of the page, in brotli wherever that is smaller."""
    connection = http.client.HTTPConnection(stack.host, stack.ports["http"], timeout=DEADLINE)
    sizes = {}
    for file in sorted((ROOT / "services/web").rglob("*.*")):
        if file.suffix == ".md" or (ROOT / "services/web/admin") in file.parents:
            continue  # the operator's page loads its own files beside some of these
        path = f"/{file.relative_to(ROOT / 'services/web')}"
        connection.request("GET", path, headers={"Accept-Encoding": "br"})
        answer = connection.getresponse()
        assert answer.status == 200, path
        sizes[path] = len(answer.read())
    return sizes


def test_the_page_is_small(site, new_tab, figure):
    sizes = compressed_sizes(site)
    anna = new_tab()
    person(anna, "anna")
    loaded = anna.run(LOADED)
    encoded = sum(each[1] for each in loaded)
    figure(f"all {len(sizes)} files: {sum(sizes.values())} bytes in brotli; a browser takes {encoded} of them in "
           f"{len(loaded)} answers until a person is signed in, {sum(each[2] for each in loaded)} if each head has 300")
    assert {path: size for path, size, _ in loaded}["/app/main.js"] == sizes["/app/main.js"]
    assert encoded < PAGE_BYTES
    assert sum(sizes.values()) < PAGE_BYTES


def test_10000_texts_are_scrolled_through(new_tab, figure):
    anna = new_tab()
    me = person(anna, "anna")
    other = f"{me}-friend"
    fill(anna, other, {"user": me}, 1, TEXTS)
    open_person(anna, other)
    newest(anna, f"text {TEXTS}")
    anna.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    before = metrics(anna)["TaskDuration"]
    found = anna.driver.execute_async_script(SCROLL)
    busy_ms = 1000 * (metrics(anna)["TaskDuration"] - before)
    frames = sorted(found["frames"])
    slow = [frame for frame in frames if frame > 50]
    figure(f"{TEXTS} texts scrolled in {len(frames)} frames: half of them under {frames[len(frames) // 2]:.0f} ms, "
           f"99 of 100 under {frames[len(frames) * 99 // 100]:.0f} ms, the longest {frames[-1]:.0f} ms, "
           f"{len(slow)} over 50 ms; the page's own time is {busy_ms / len(frames):.1f} ms a frame")
    assert lines(anna)[0].startswith("text 1")
    assert found["most"] <= ITEMS_MAX


def test_memory_is_flat_over_an_hour_of_chatter(new_tab, figure):
    anna, writer = new_tab(), new_tab()
    me = person(anna, "anna")
    person(writer, "writer")
    other = f"{me}-friend"
    anna.driver.execute_cdp_cmd("Performance.enable", {})
    anna.driver.set_script_timeout(DEADLINE)
    open_person(anna, other)
    costs = []
    for part in range(CHATTER):
        fill(writer, other, {"user": me}, part * CHATTER_TEXTS + 1, CHATTER_TEXTS)
        anna.driver.execute_async_script(AWAIT, f"text {(part + 1) * CHATTER_TEXTS}")
        costs.append(cost(anna))
    figure("heap and nodes after each ten minutes of chatter: "
           + ", ".join(f"{heap / 1e6:.1f} MB {nodes}" for heap, nodes in costs))
    assert anna.run("return document.querySelectorAll('message-item').length") <= ITEMS_MAX
    assert costs[-1][0] - costs[0][0] < GROWTH_BYTES, costs
    assert costs[-1][1] - costs[0][1] < GROWTH_NODES, costs
