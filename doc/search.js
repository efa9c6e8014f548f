/* search.js: the search of the site.
 *
 * The index, index.js, is a script that calls gcweakIndex, so that it can be
 * read from a file, too.  It is read when somebody first goes to the field. */
(function () {
    "use strict";

    var form = document.querySelector("form.search");
    var field = document.getElementById("query");
    var found = document.getElementById("found");
    var status = document.getElementById("status");
    var most = 12;
    var entries = null;

    /* Entries are lists: page, its title, the place, the title there, the
     * beginning of the text, its words. */
    window.gcweakIndex = function (list) {
        entries = list.map(function (entry) {
            return {
                address: entry[0] + (entry[2] ? "#" + entry[2] : ""),
                page: entry[1],
                title: entry[3] || entry[1],
                text: entry[4],
                lower: (entry[3] || entry[1]).toLowerCase(),
                words: " " + entry[5] + " ",
                weight: weight(entry[0])
            };
        });
        search();
    };

    /* What explains comes before sources, and C before its bindings. */
    function weight(page) {
        if (/^(examples-|news|hacking)/.test(page))
            return 0;
        if (/^(gcw|cookbook)/.test(page))
            return 8;
        return page === "performance.html" ? 2 : 4;
    }

    function load() {
        var script;

        if (document.getElementById("index"))
            return;
        script = document.createElement("script");
        script.id = "index";
        script.src = "index.js";
        document.head.appendChild(script);
    }

    /* How well a word fits; 0 if it does not.  It fits better where it begins
     * another. */
    function fit(entry, word) {
        if (entry.lower === word)
            return 100;
        if (entry.lower.search(new RegExp("(^|[^a-z0-9])" + word)) >= 0)
            return 30;
        if (entry.lower.indexOf(word) > 0)
            return 20;
        if (entry.words.indexOf(" " + word + " ") >= 0)
            return 8;
        return entry.words.indexOf(" " + word) >= 0 ? 4 : 0;
    }

    /* All words must fit. */
    function score(entry, words) {
        var sum = entry.weight;
        var i, one;

        for (i = 0; i < words.length; i++) {
            one = fit(entry, words[i]);
            if (one === 0)
                return 0;
            sum += one;
        }
        return sum;
    }

    function best(words) {
        return entries.map(function (entry) {
            return { entry: entry, score: score(entry, words) };
        }).filter(function (hit) {
            return hit.score > 0;
        }).sort(function (a, b) {
            return b.score - a.score;
        });
    }

    function part(kind, text) {
        var element = document.createElement("span");

        element.className = kind;
        element.textContent = text;
        return element;
    }

    function row(entry) {
        var item = document.createElement("li");
        var link = document.createElement("a");

        link.href = entry.address;
        link.appendChild(part("title", entry.title));
        if (entry.title !== entry.page)
            link.appendChild(part("page", entry.page));
        if (entry.text)
            link.appendChild(part("text", entry.text));
        item.appendChild(link);
        return item;
    }

    function close() {
        found.hidden = true;
        found.textContent = "";
        status.textContent = "";
    }

    function show(hits) {
        var list = document.createElement("ul");

        hits.slice(0, most).forEach(function (hit) {
            list.appendChild(row(hit.entry));
        });
        found.textContent = hits.length === 0 ? "Nothing has all these words." : "";
        if (hits.length > 0)
            found.appendChild(list);
        found.hidden = false;
        status.textContent = hits.length + " found";
    }

    function search() {
        var words = field.value.toLowerCase().replace(/\(\)/g, "")
            .split(/[^a-z0-9_]+/).filter(Boolean);

        if (words.length === 0 || entries === null)
            close();
        else
            show(best(words));
    }

    /* Up and down among what was found. */
    function step(by) {
        var links = Array.prototype.slice.call(found.querySelectorAll("a"));
        var at = links.indexOf(document.activeElement) + by;

        if (at < 0 || links.length === 0)
            field.focus();
        else
            links[Math.min(at, links.length - 1)].focus();
    }

    form.addEventListener("keydown", function (event) {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            step(event.key === "ArrowDown" ? 1 : -1);
        } else if (event.key === "Escape") {
            close();
            field.focus();
        }
    });

    form.addEventListener("submit", function (event) {
        var first = found.querySelector("a");

        event.preventDefault();
        if (first)
            first.click();
    });

    form.addEventListener("focusout", function (event) {
        if (event.relatedTarget && !form.contains(event.relatedTarget))
            close();
    });

    document.addEventListener("keydown", function (event) {
        if (event.key === "/" && !event.ctrlKey && !event.metaKey
            && document.activeElement !== field) {
            event.preventDefault();
            field.focus();
        }
    });

    document.addEventListener("click", function (event) {
        if (!form.contains(event.target))
            close();
    });

    field.addEventListener("focus", load);
    field.addEventListener("input", search);
    form.hidden = false;
}());
