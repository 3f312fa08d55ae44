"""Tabs of a real browser, driven by ChromeDriver: Debian's Chromium with a profile of its own each."""

import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException, ElementNotInteractableException, NoSuchElementException,
    StaleElementReferenceException, WebDriverException)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

DEADLINE = 60
QUIET = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
    "disable-background-networking", "disable-component-update", "disable-sync", "lang=en")
MODIFIERS = (Keys.CONTROL, Keys.ALT, Keys.SHIFT)


class Browser:
    """One tab at a time: a start costs more than most tests, so a browser is used again, emptied."""

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="parley-browser-")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for switch in (*QUIET, f"user-data-dir={self._profile.name}"):
            options.add_argument(f"--{switch}")
        options.accept_insecure_certs = True  # those of tests sign themselves
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def empty(self, origins):
        """A new tab in place of all others, which takes their emulation with them, and nothing kept."""
        old = self.driver.window_handles
        self.driver.switch_to.new_window("tab")
        new = self.driver.current_window_handle
        for handle in old:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(new)
        self.driver.get("about:blank")  # in place of Chromium's own page, which is never at rest
        for origin in origins:
            self._do("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        for command in ("Network.clearBrowserCookies", "Network.clearBrowserCache", "Browser.resetPermissions"):
            self._do(command, {})
        self.driver.set_script_timeout(DEADLINE)
        self.driver.get_log("browser")  # what it said so far is gone then

    def _do(self, command, arguments):
        self.driver.execute_cdp_cmd(command, arguments)

    def quit(self):
        self.driver.quit()
        self._profile.cleanup()


class Tabs:
    """Those of one test or module, each in a browser of its own, of `idle` ones or a new one."""

    def __init__(self, idle):
        self.idle = idle
        self.opened = []

    def open(self, address, **options):
        browser = self.idle.pop() if self.idle else Browser()
        tab = Tab(browser, address, **options)
        self.opened.append((browser, tab))
        return tab

    def close(self):
        for browser, tab in self.opened:
            address = tab.address.rstrip("/")
            try:
                browser.empty({address, address.replace("127.0.0.1", "localhost")})
                self.idle.append(browser)
            except WebDriverException:  # it has crashed or hangs, which its test has seen
                browser.quit()


class Tab:
    """`address`: of the page, with the slash. `size`: of the window's inside, in CSS pixels."""

    def __init__(self, browser, address, size=(1280, 800), touch=False):
        self.address = address
        self.driver = browser.driver
        self.resize(*size, touch)

    def resize(self, width, height, touch=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch})
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})

    def theme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}]})

    def open(self, path="/"):
        self.driver.get(self.address + path.lstrip("/"))
        self.wait(lambda: self.all("sign-in, app-shell"), "the page")

    def refresh(self):
        self.driver.refresh()
        self.wait(lambda: self.all("sign-in, app-shell"), "the page")

    def open_hash(self, key):
        self.run("location.hash = arguments[0]", key)
        self.wait(lambda: self.all("conversation-head"), "the conversation")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def call(self, expression, arg=None):
        """Waits for an expression of `page` and `arg` to resolve, and returns the value."""
        answer = self.driver.execute_async_script(
            "const page = document.querySelector('app-shell').page, [arg, done] = arguments;"
            f"Promise.resolve({expression})"
            ".then((value) => done({ value: value ?? null }), (error) => done({ fault: String(error) }))", arg)
        assert "fault" not in answer, answer
        return answer["value"]

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """The text that the first such element shows, or nothing."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def wait(self, condition, what=None):
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                if value := condition():
                    return value
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < deadline, (
                f"waited {DEADLINE} s for {what or 'the page'}; it shows "
                f"{self.run('return document.body.innerText')[:600]!r}; log {self.log()}")
            time.sleep(0.05)

    def click(self, target):
        """Clicks the first element of a selector, or the one that a function finds, as soon as it can be
        clicked: the page may draw it anew, or move it, in between."""
        def clicked():
            found = self.all(target) if isinstance(target, str) else target()
            if isinstance(found, list):
                found = found[0] if found else None
            if found is None:
                return False
            try:
                found.click()
            except (ElementClickInterceptedException, ElementNotInteractableException, NoSuchElementException):
                return False
            return True
        self.wait(clicked, f"a click on {target if isinstance(target, str) else 'what was found'}")

    def press(self, *keys):
        """Keys to whatever has the focus; modifiers are held."""
        chain = ActionChains(self.driver)
        held = [key for key in keys if key in MODIFIERS]
        for key in held:
            chain.key_down(key)
        chain.send_keys(*(key for key in keys if key not in MODIFIERS))
        for key in held:
            chain.key_up(key)
        chain.perform()

    def focused(self):
        return self.run("return document.activeElement.id")

    def in_focus(self, selector):
        return self.run("return Boolean(document.activeElement.closest(arguments[0]))", selector)

    def overflows(self):
        """Whether something is wider than the window."""
        return self.run(
            "return document.scrollingElement.scrollWidth > innerWidth ||"
            " [...document.querySelectorAll('body *')].some((each) => each.checkVisibility() &&"
            " each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === 'auto')")

    def log(self):
        """Errors of the page so far."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
