// The search: sections of pages, found by the stems of their words and ranked by MiniSearch's BM25.
// STOP_WORDS, SECTIONS and Stemmer are written by docs/_extensions/sections.py.

const root = new URL("..", document.currentScript.src); // also where a page is opened as a file
const dialog = document.getElementById("pst-search-dialog");
const input = dialog.querySelector("input");
const status = dialog.querySelector("output");
const list = dialog.querySelector("ol");

// Words and their stems

const stemmer = new Stemmer();
const stems = new Map(); // known ones, because a stem takes long to find

function stem(word) {
  if (!stems.has(word)) {
    const singular = word.replace(/us$/, "u"); // GPUs, too
    stems.set(word, stemmer.stemWord(singular));
  }
  return stems.get(word);
}

function tokens(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}_]{1,60}/gu) ?? [];
}

// A name in code is a word, and so are its parts and its ends: x64 and enable_x64 of jax_enable_x64.
function withParts(token) {
  const parts = token.split("_");
  const ends = parts.map((_, start) => parts.slice(start).join("_"));
  return new Set([...ends, ...parts]);
}

function split(text) {
  return tokens(text).flatMap((token) => [...withParts(token)]);
}

const stopStems = new Set([...tokens(STOP_WORDS), "can", "may", "use", "need", "want"].map(stem));

function isTelling(word) {
  return !stopStems.has(stem(word));
}

// The index: of each word, its stem, and the word itself after an equals sign, for words that are misspelled

const fields = ["title", "heading", "text", "keywords"];
const index = new MiniSearch({
  fields,
  storeFields: fields,
  tokenize: split,
  processTerm: (word) => [stem(word), `=${word}`],
});
const sectionsWith = new Map(); // how many sections show a stem
const known = new Set(); // the stems that sections show, and those of keywords

function add([id, title, heading, keywords, text]) {
  index.add({ id, title, heading, text, keywords });
  const shown = new Set(split(`${title} ${heading} ${text}`).map(stem));
  for (const term of shown) {
    sectionsWith.set(term, (sectionsWith.get(term) ?? 0) + 1);
    known.add(term);
  }
  for (const word of split(keywords)) known.add(stem(word));
}

// Rare words say more than frequent ones, and stop words next to nothing.
function worth(term) {
  const rarity = 1 / Math.sqrt(1 + (sectionsWith.get(term) ?? 0));
  return stopStems.has(term) ? 0.01 * rarity : rarity;
}

const options = {
  tokenize: (text) => [...new Set(split(text))],
  processTerm: queryTerm,
  boost: { title: 2, heading: 2, keywords: 2 },
  boostTerm: worth,
  fuzzy: (term) => (term.startsWith("=") ? 0.2 : false),
  prefix: (term) => term.startsWith("=") || (term.length > 3 && !stopStems.has(term)),
};

// A stem that nothing has is compared as a word.
function queryTerm(word) {
  return known.has(stem(word)) ? stem(word) : `=${word}`;
}

// Pages, the best first, each with its sections, the best first; further sections of a page count, too
function search(asked) {
  if (index.documentCount === 0) SECTIONS.forEach(add);
  const pages = Map.groupBy(index.search(asked, options), (section) => section.id.split("#")[0]);
  const sum = (sections) => sections.reduce((total, section, i) => total + section.score * 0.3 ** i, 0);
  const ranked = [...pages.values()].sort((one, other) => sum(other) - sum(one));
  return ranked.slice(0, 10);
}

// What is shown

function element(name, properties, ...content) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...content); // a text stays one, whatever it looks like
  return made;
}

function option({ id, title, heading }, ...text) {
  const name = title === heading ? title : `${title} › ${heading}`;
  return element("a", { role: "option", id: `at:${id}`, href: new URL(id, root) }, name, ...text);
}

// The sentence or line of a section that has most of the words, and the next one, 40 words at most
function excerpt(section) {
  const terms = new Set(section.terms.filter((term) => !stopStems.has(term)));
  const isHit = (word) => terms.has(stem(word)) || terms.has(`=${word}`);
  const hits = (text) => split(text).filter(isHit).map(stem);
  const value = (text) => [...new Set(hits(text))].reduce((sum, term) => sum + worth(term), 0);
  const sentences = section.text.trim().split(/\s*\n\s*\n\s*|(?<=[.?!:])\s+/);
  const values = sentences.map(value);
  const best = values.indexOf(Math.max(...values));
  const words = sentences.slice(best, best + 2).join(" ").split(/\s+/);
  const firstHit = words.findIndex((word) => hits(word).length > 0);
  const start = Math.max(firstHit - 25, 0);
  const shown = element("p", {});
  for (const word of words.slice(start, start + 40)) {
    shown.append(hits(word).length > 0 ? element("b", {}, word) : word, " ");
  }
  if (words.length > start + 40) shown.append("…");
  return shown;
}

// The best section of a page, and two more that are half as good
function result([best, ...others]) {
  const further = others.filter((other) => other.score > best.score / 2).slice(0, 2);
  const below = element("div", {}, ...further.map((other) => option(other)));
  return element("li", { role: "none", className: "mb-3" }, option(best, excerpt(best)), below);
}

// The words that no page has, if they are a third of what was asked or more: else the results may have the answer.
// What is typed last may not be finished.
function remark(asked, pages) {
  const telling = [...new Set(tokens(asked))].filter(isTelling);
  const found = new Set(pages.flat().flatMap((section) => section.queryTerms));
  const missing = telling.filter((word) => !found.has(queryTerm(word)));
  if (missing.length === 0 || missing.length < telling.length / 3) return "";
  return `No page has “${missing.slice(0, 5).join("”, “")}”. `;
}

function find() {
  const asked = input.value.replace(/^.*\b(?=\w+Error: )/, ""); // of a traceback, the message
  const pages = search(asked);
  list.replaceChildren(...pages.map(result));
  choose(undefined);
  input.ariaExpanded = pages.length > 0;
  const count = pages.length > 0 ? `Pages: ${pages.length}` : "Nothing found";
  status.textContent = input.value ? remark(asked, pages) + count : "";
}

function choose(chosen) {
  for (const one of list.querySelectorAll("a")) one.ariaSelected = one === chosen;
  chosen?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", chosen?.id ?? ""); // which a screen reader reads
}

// The address has what is asked, so that it can be shared, and going back leads to the results.
function keepInAddress(asked) {
  const address = new URL(location.href);
  if (asked) address.searchParams.set("q", asked);
  else address.searchParams.delete("q");
  history.replaceState(null, "", address);
}

function open() {
  if (!dialog.open) dialog.showModal();
  input.focus();
  find();
}

input.addEventListener("input", () => {
  find();
  keepInAddress(input.value);
});

dialog.addEventListener("close", () => keepInAddress(""));

// At a click outside of it, the theme closes the dialog, and one that Enter makes is nowhere.
list.addEventListener("click", (event) => event.stopPropagation());

input.form.addEventListener("submit", (event) => {
  event.preventDefault(); // nothing is sent
  const chosen = list.querySelector("[aria-selected=true]") ?? list.querySelector("a");
  chosen?.click();
});

addEventListener("keydown", (event) => {
  const elsewhere = event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea");
  if (event.key === "/" && !elsewhere) {
    event.preventDefault();
    open();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (dialog.open && step) {
    event.preventDefault();
    const all = [...list.querySelectorAll("a")];
    const current = all.findIndex((one) => one.ariaSelected === "true");
    choose(all[current + step]);
  }
});

const shared = new URLSearchParams(location.search).get("q");
if (shared) {
  input.value = shared;
  open();
}
