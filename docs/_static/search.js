// The search: sections of pages, found by the stems of their words and ranked by MiniSearch's BM25.
const root = new URL("..", document.currentScript.src); // also where a page is opened as a file
const dialog = document.getElementById("pst-search-dialog");
const [input, status, list] = ["input", "output", "ol"].map((tag) => dialog.querySelector(tag));
const [stemmer, stems] = [new Stemmer(), {}]; // Sphinx's, as the stop words
const stem = (word) => (stems[`=${word}`] ??= stemmer.stemWord(word.replace(/us$/, "u"))); // GPUs, too
// A name in code is a word, and so are its parts and its ends: x64 and enable_x64 of jax_enable_x64.
const tokens = (text) => text.toLowerCase().match(/[\p{L}\p{N}_]{1,60}/gu) ?? [];
const ends = (word) => word.split("_").map((_, i, parts) => parts.slice(i).join("_"));
const split = (text) => tokens(text).flatMap((word) => [...new Set([...ends(word), ...word.split("_")])]);
const stop = new Set([...tokens(STOPWORDS), "can", "may", "use", "need", "want"].map(stem)); // weigh next to nothing
// A word that nothing has is compared with whole words: it may be misspelled
const fields = ["title", "heading", "text", "keywords"];
const index = new MiniSearch({ fields, storeFields: fields, tokenize: split, processTerm: (word) => [stem(word), `=${word}`] });
const [shown, indexed] = [new Map(), new Set()]; // how many sections show a stem, and what keywords have as well
const worth = (term) => (stop.has(term) ? 0.01 : 1) / Math.sqrt(1 + (shown.get(term) ?? 0)); // rare ones say more
const options = {
  tokenize: (text) => [...new Set(split(text))],
  processTerm: (word) => (indexed.has(stem(word)) ? stem(word) : `=${word}`),
  boost: { title: 2, heading: 2, keywords: 2 },
  boostTerm: worth,
  fuzzy: (term) => term.startsWith("=") && 0.25,
  prefix: (term) => (term.length > 3 && !stop.has(term)) || term.startsWith("="),
};

function add([id, title, heading, keywords, text]) {
  index.add({ id, title, heading, text, keywords });
  const seen = new Set(split(`${title} ${heading} ${text}`).map(stem));
  for (const term of seen) shown.set(term, 1 + (shown.get(term) ?? 0));
  for (const term of [...seen, ...split(keywords).map(stem)]) indexed.add(term);
}

function element(name, properties, ...content) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...content); // a text stays one, whatever it looks like
  return made;
}

function option({ id, title, heading }, ...text) {
  const name = [...new Set([title, heading])].join(" › ");
  return element("a", { role: "option", id: `at:${id}`, href: new URL(id, root) }, name, ...text);
}

// The best section of a page, with the sentence or line that has most of the words, and further sections
function result([best, ...others]) {
  const terms = best.terms.filter((term) => !stop.has(term));
  const hits = (text) => split(text).filter((word) => terms.includes(stem(word)) || terms.includes(`=${word}`)).map(stem);
  const parts = best.text.trim().split(/\s*\n\s*\n\s*|(?<=[.?!:])\s+/);
  const worths = parts.map((part) => [...new Set(hits(part))].reduce((sum, term) => sum + worth(term), 0));
  const start = worths.indexOf(Math.max(...worths));
  const words = parts.slice(start, start + 2).join(" ").split(/\s+/);
  const from = Math.max(words.findIndex((word) => hits(word).length) - 25, 0);
  const some = words.slice(from, from + 40).flatMap((word) => [hits(word).length ? element("b", {}, word) : word, " "]);
  const text = element("p", {}, ...some, words.length > from + 40 ? "…" : "");
  const further = others.filter(({ score }) => score > best.score / 2).slice(0, 2);
  const below = element("div", {}, ...further.map((other) => option(other)));
  return element("li", { role: "none", className: "mb-3" }, option(best, text), below);
}

function together({ title, heading, text }, words) {
  const found = split(`${title} ${heading} ${text}`).map(stem);
  const places = words.map((word) => [...found.keys()].filter((i) => found[i].startsWith(stem(word))));
  return places[0].some((i) => places.every((others) => others.some((j) => Math.abs(i - j) < 3 * words.length)));
}

// What no page shows, and what stands apart; of the word that is being typed, the beginning is enough
function remark(words) {
  const begun = (word) => word === words.at(-1) && [...shown.keys()].some((term) => term.startsWith(word));
  const missing = words.filter((word) => !shown.has(stem(word)) && !begun(word)).slice(0, 5);
  if (missing.length) return `No page has “${missing.join("”, “")}”. `;
  const telling = words.filter((word) => !stop.has(stem(word)));
  if (telling.length < 2) return "";
  const all = index.search(telling.join(" "), { ...options, combineWith: "AND" });
  if (all.some((section) => together(section, telling))) return "";
  return `No section has ${all.length ? "these words close together" : "all of these words"}. `;
}

function find() {
  const asked = input.value.replace(/^.*\b(?=\w+Error: )/, ""); // of a traceback, the message
  const sections = Map.groupBy(index.search(asked, options), ({ id }) => id.split("#")[0]);
  const sum = (page) => page.reduce((total, { score }, i) => total + score * 0.3 ** i, 0); // further sections count, too
  const pages = [...sections.values()].sort((one, other) => sum(other) - sum(one)).slice(0, 10);
  list.replaceChildren(...pages.map(result));
  choose();
  input.ariaExpanded = pages.length > 0;
  const said = remark([...new Set(tokens(asked))]);
  status.textContent = said + (pages.length ? `Pages: ${pages.length}` : input.value && "Nothing found");
}

function choose(chosen) {
  for (const one of list.querySelectorAll("a")) one.ariaSelected = one === chosen;
  chosen?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", chosen?.id ?? ""); // which a screen reader reads
}

input.addEventListener("focus", () => SECTIONS.forEach(add), { once: true });
input.oninput = find;
input.form.onsubmit = () => Boolean((list.querySelector("[aria-selected=true]") ?? list.querySelector("a"))?.click()); // sends nothing
list.onclick = (event) => event.target.closest("a") && dialog.close(history.replaceState(input.value, ""));
function open(words) {
  if (!dialog.open) dialog.showModal();
  input.focus();
  input.value = words ?? input.value;
  find();
  history.replaceState(null, "");
}
for (const back of ["pageshow", "popstate"]) addEventListener(back, () => history.state && open(history.state));
addEventListener("keydown", (event) => {
  const other = event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea");
  if (event.key === "/" && !other) open(event.preventDefault());
  const step = dialog.open && { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = [...list.querySelectorAll("a")];
  if (step) choose(all[all.findIndex((one) => one.ariaSelected === "true") + step], event.preventDefault());
});
