"""site-look.py: looks at the site in a browser, for t/site.t.

    site-look.py BROWSER DIRECTORY SCRATCH

It speaks to one browser over a pair of pipes, takes it to every page, and asks
there: whether the page is wider than its window, whether what is written can be
read, whether the parts are there that those need who do not see it, whether the
search finds.  Prints the results of its tests, whose number is TESTS.
"""
import fcntl
import json
import os
import subprocess
import sys

TESTS = 11
WIDTHS = (360, 768, 1280)
TIMEOUT = 60

# What is wider than the window, if the page is.  What lies in a box that scrolls
# by itself is not.
OVERFLOW = r'''(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width)
        return [];
    const scrolls = e => e && (/auto|scroll|hidden/.test(
        getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    const wide = [...document.body.querySelectorAll("*")].filter(
        e => e.getBoundingClientRect().right > width + 1
            && !scrolls(e.parentElement));
    return [document.documentElement.scrollWidth + " wide",
            ...wide.slice(0, 3).map(e => e.outerHTML.slice(0, 80))];
})()'''

# Text that stands out too little from what is behind it: WCAG 2.1, 1.4.3.
CONTRAST = r'''(() => {
    const numbers = c => c.match(/[\d.]+/g).map(Number);
    const light = c => {
        const l = c.slice(0, 3).map(v => {
            v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
    };
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = numbers(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] === 1)
                return c;
        }
        return [255, 255, 255];
    };
    const seen = new Map();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = walk.nextNode(); n; n = walk.nextNode()) {
        const e = n.parentElement;
        if (!n.data.trim() || /SCRIPT|STYLE/.test(e.tagName)
            || e.getClientRects().length === 0)
            continue;
        const style = getComputedStyle(e);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
        const back = behind(e);
        const key = style.color + back + large;
        if (seen.has(key))
            continue;
        const a = light(numbers(style.color)), b = light(back);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        seen.set(key, ratio >= (large ? 3 : 4.5) ? null :
            ratio.toFixed(2) + ": " + n.data.trim().slice(0, 40));
    }
    return [...seen.values()].filter(Boolean);
})()'''

# What a page needs for those who hear it, or go through it by keys.
PARTS = r'''(() => {
    const shown = e => e.getClientRects().length > 0;
    const count = s => [...document.querySelectorAll(s)].filter(shown).length;
    const not = [];
    const want = (truth, what) => truth || not.push(what);
    want(document.documentElement.lang, "a language");
    want(document.title, "a title");
    want(count("main") === 1, "one main part");
    want(count("main h1") === 1, "one first heading");
    want(count("body > header") === 1, "a header");
    want(count("body > footer") === 1, "a footer");
    want(count("nav:not([aria-label])") === 0, "names of its menus");
    want(count("img:not([alt])") === 0, "words for its images");
    want(document.querySelector("a").className === "skip", "a way past the menu");
    want(document.querySelectorAll('nav.side [aria-current="page"]').length < 2,
         "one current page");
    const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
    want(new Set(ids).size === ids.length, "places that differ: "
         + ids.filter((id, i) => ids.indexOf(id) !== i).slice(0, 3));
    return not;
})()'''

# Which of the two menus is there, and whether the folded one unfolds.
MENUS = r'''(() => {
    const shown = e => e.getClientRects().length > 0;
    const side = document.querySelector("nav.side a");
    const folded = document.querySelector("details.folded");
    const before = shown(folded) && !folded.open;
    if (before)
        folded.querySelector("summary").click();
    const after = before && shown(folded.querySelector("nav a"));
    folded.open = false;
    return [shown(side), before, after];
})()'''

# What the search finds, once it has something to show.
FOUND = r'''new Promise(done => {
    const found = document.getElementById("found");
    const look = () => {
        const links = [...found.querySelectorAll("a")];
        if (!found.hidden && found.textContent)
            done(links.map(a => a.getAttribute("href")));
    };
    new MutationObserver(look).observe(found, {
        attributes: true, childList: true });
    setTimeout(done, 20000, ["nothing in twenty seconds"]);
    look();
})'''


class Browser:
    """One that is spoken to in messages of JSON, each ended by a zero."""

    def __init__(self, command, scratch):
        theirs_in, self.out = os.pipe()
        self.inn, theirs_out = os.pipe()
        # Not 3 or 4, which they are to have in the browser.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
                for fd in (theirs_in, theirs_out)]

        def place():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [command, '--headless', '--no-sandbox', '--disable-gpu',
             '--disable-dev-shm-usage', '--hide-scrollbars',
             '--no-first-run', '--user-data-dir=' + scratch,
             '--remote-debugging-pipe', 'about:blank'],
            close_fds=False, preexec_fn=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in ends + [theirs_in, theirs_out]:
            os.close(fd)
        self.rest = b''
        self.number = 0
        self.session = None
        self.fetched = []
        self.failed = []

    def message(self):
        """The next one; events that matter are remembered."""
        while b'\0' not in self.rest:
            more = os.read(self.inn, 1 << 20)
            if not more:
                sys.exit('site-look.py: the browser has ended')
            self.rest += more
        text, self.rest = self.rest.split(b'\0', 1)
        message = json.loads(text)
        method = message.get('method')
        if method == 'Network.requestWillBeSent':
            self.fetched.append(message['params']['request']['url'])
        elif method == 'Runtime.exceptionThrown':
            self.failed.append(
                str(message['params']['exceptionDetails'])[:200])
        return message

    def ask(self, method, **params):
        self.number += 1
        number = self.number
        asked = {'id': number, 'method': method, 'params': params}
        if self.session:
            asked['sessionId'] = self.session
        os.write(self.out, json.dumps(asked).encode() + b'\0')
        while True:
            answer = self.message()
            if answer.get('id') == number:
                if 'error' in answer:
                    sys.exit('site-look.py: %s: %s' % (method, answer['error']))
                return answer['result']

    def open(self):
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        self.session = self.ask('Target.attachToTarget', targetId=target,
                                flatten=True)['sessionId']
        for part in 'Page', 'Network', 'Runtime':
            self.ask(part + '.enable')

    def go(self, address):
        self.ask('Page.navigate', url=address)
        while self.message().get('method') != 'Page.loadEventFired':
            pass

    def width(self, width):
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=900,
                 deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        self.ask('Emulation.setEmulatedMedia', features=[
            {'name': 'prefers-color-scheme', 'value': name}])

    def eval(self, script):
        answer = self.ask('Runtime.evaluate', expression=script,
                          returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            sys.exit('site-look.py: %s' % answer['exceptionDetails'])
        return answer['result'].get('value')

    def key(self, name, **more):
        for kind in 'rawKeyDown', 'keyUp':
            self.ask('Input.dispatchKeyEvent', type=kind, key=name, **more)

    def close(self):
        self.session = None
        self.number += 1
        os.write(self.out, json.dumps(
            {'id': self.number, 'method': 'Browser.close'}).encode() + b'\0')
        self.process.wait(TIMEOUT)


class Tests:
    def __init__(self):
        self.count = 0

    def passes(self, what, wrong):
        self.count += 1
        print('%sok %d - %s' % ('not ' if wrong else '', self.count, what))
        for line in wrong[:20]:
            print('# %s' % line)
        sys.stdout.flush()


def look_at_pages(browser, site, pages):
    """What is wrong, for each question: lists of lines."""
    wide, faint, parts, menus = [], {'light': [], 'dark': []}, [], []
    for page in pages:
        browser.width(WIDTHS[0])
        browser.go(site + page)
        for width in WIDTHS:
            browser.width(width)
            wide += ['%s at %d: %s' % (page, width, one)
                     for one in browser.eval(OVERFLOW)]
            if width != 768:
                wanted = [True, False, False] if width > 1000 \
                    else [False, True, True]
                if browser.eval(MENUS) != wanted:
                    menus.append('%s at %d' % (page, width))
        parts += ['%s lacks %s' % (page, one) for one in browser.eval(PARTS)]
        for scheme in faint:
            browser.scheme(scheme)
            faint[scheme] += ['%s: %s' % (page, one)
                              for one in browser.eval(CONTRAST)]
    return wide, faint, parts, menus


def search(browser, text):
    browser.eval('document.getElementById("query").value = ""')
    browser.eval('document.getElementById("query").focus()')
    browser.ask('Input.insertText', text=text)
    return browser.eval(FOUND)


def finds(browser, address, text, wanted):
    """Empty if the first that is found for the text is that."""
    browser.go(address)
    found = search(browser, text)
    return [] if found[:1] == [wanted] else ['%s: %s' % (text, found[:3])]


def tab(browser):
    browser.key('Tab', code='Tab', windowsVirtualKeyCode=9)


def goes_by_keys(browser, address):
    """The first key leads past the menu, and one sees where one is."""
    browser.go(address)
    tab(browser)
    at = browser.eval('''(() => {
        const style = getComputedStyle(document.activeElement);
        return [document.activeElement.className, style.outlineStyle,
                document.activeElement.getBoundingClientRect().top >= 0];
    })()''')
    return [] if at == ['skip', 'solid', True] else [str(at)]


def works_without_scripts(browser, address):
    browser.ask('Emulation.setScriptExecutionDisabled', value=True)
    browser.go(address)
    shown = browser.eval('''[".search", "nav.side a", "main h1"].map(
        s => document.querySelector(s).getClientRects().length > 0)''')
    browser.ask('Emulation.setScriptExecutionDisabled', value=False)
    return [] if shown == [False, True, True] else [str(shown)]


def main(command, directory, scratch):
    site = 'file://%s/' % os.path.abspath(directory)
    pages = sorted(name for name in os.listdir(directory)
                   if name.endswith('.html'))
    browser, tests = Browser(command, scratch), Tests()
    browser.open()
    wide, faint, parts, menus = look_at_pages(browser, site, pages)
    tests.passes('no page is wider than its window', wide)
    tests.passes('all can be read when it is light', faint['light'])
    tests.passes('and when it is dark', faint['dark'])
    tests.passes('pages have the parts that they need', parts)
    tests.passes('the menu is beside, or folded', menus)
    home = site + 'index.html'
    tests.passes('the search finds a function',
                 finds(browser, home, 'gcw_ref_get',
                       'gcw_ref.3.html#gcw_ref_get'))
    wrong = browser.eval(CONTRAST)
    browser.scheme('light')
    tests.passes('what is found can be read', wrong + browser.eval(CONTRAST))
    tests.passes('the search finds a recipe',
                 finds(browser, home, 'temporary files',
                       'cookbook.html#temporary-files'))
    tests.passes('keys lead past the menu', goes_by_keys(browser, home))
    tests.passes('without scripts only the search is missing',
                 works_without_scripts(browser, home))
    tests.passes('no script fails, and nothing is fetched',
                 browser.failed + [url for url in browser.fetched
                                   if not url.startswith(('file:', 'about:'))])
    browser.close()


if sys.argv[1:] == ['tests']:
    print(TESTS)
else:
    main(*sys.argv[1:])
