"""How long the page takes to start. It depends on the machine, so it is printed."""

from talking import person

# The marks of the page that is shown, in ms since it was asked for.
MARKS = """
const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
const { loadEventEnd } = performance.getEntriesByType("navigation")[0];
const all = [at("usable"), at("first-paint") ?? at("first-contentful-paint"), loadEventEnd];
return all.every((each) => each > 0) ? all : null;
"""


def test_how_soon_it_can_be_used(new_tab, figure):
    tab = new_tab()
    for who in ("nobody has signed in", "somebody comes back"):
        for cache in ("empty", "full"):
            if cache == "empty":
                tab.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
            tab.refresh() if who == "somebody comes back" else tab.open("/")
            tab.wait(lambda: tab.run(MARKS), "the page to be loaded and painted")
            usable, painted, _ = tab.run(MARKS)
            figure(f"{who}, cache {cache}: painted after {painted:.0f} ms, usable after {usable:.0f} ms")
            assert tab.all("sign-in" if who.startswith("nobody") else "app-shell")
        if who.startswith("nobody"):
            person(tab, "anna")
