// The search: any word counts, and MiniSearch ranks the sections of the pages by BM25.
const root = new URL("..", document.currentScript.src); // also where a page is opened as a file
const dialog = document.getElementById("pst-search-dialog");
const [input, status, list] = ["input", "output", "ol"].map((tag) => dialog.querySelector(tag));
// A name in code is a word, and so are its parts and its ends: x64 and enable_x64 of jax_enable_x64.
const tokens = (text) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
const ends = (word) => word.split("_").map((_, i, parts) => parts.slice(i).join("_"));
const split = (text) => tokens(text).flatMap((word) => [...new Set([...ends(word), ...word.split("_")])]);
const asking = tokens("a an and are at be can do does for how i in is it my not of on or should the to what when which why with you");
const fields = ["title", "heading", "text", "keywords"];
const index = new MiniSearch({ fields, storeFields: fields, tokenize: split });
const count = (word) => index.search(word).length; // sections that have it
const longer = (word) => index.search(word, { prefix: true, tokenize: tokens }).flatMap(({ terms }) => terms);
const options = {
  boost: { heading: 2, keywords: 1.5 },
  boostTerm: (word) => (asking.includes(word) ? 0.01 : 1) / Math.sqrt(1 + count(word)), // rare ones say more
  fuzzy: (word) => !count(word) && 0.25,
  prefix: (word) => word.length > 3 || !count(word),
};

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content); // a text stays one, whatever it looks like
  return made;
}

function link({ id, title, heading }) {
  const made = element("a", heading === title ? title : `${title} › ${heading}`);
  made.href = new URL(id, root);
  return made;
}

// The best section of a page, where in its text most of the words stand together, and further sections
function result([best, ...others]) {
  const words = best.text.split(/\s+/);
  const found = words.map((word) => split(word).filter((part) => best.terms.includes(part)));
  const near = (i) => [...new Set(found.slice(i, i + 25).flat())].join("").length;
  const worth = found.map((parts, i) => parts.length && near(i));
  const start = Math.max(worth.indexOf(Math.max(...worth)) - 5, 0);
  const text = element("p");
  for (let i = start; i < Math.min(start + 30, words.length); i++)
    text.append(found[i].length ? element("b", words[i]) : words[i], " ");
  for (const other of others.filter(({ score }) => score > best.score / 2).slice(0, 2))
    text.append(element("br"), link(other));
  return element("li", link(best), text);
}

const add = ([id, title, heading, keywords, text]) => index.add({ id, title, heading, text, keywords });
input.addEventListener("focus", () => SECTIONS.forEach(add), { once: true });
input.oninput = () => {
  const sections = Map.groupBy(index.search(input.value, options), ({ id }) => id.split("#")[0]);
  const pages = Array.from(sections.values()).slice(0, 10);
  const has = (word, i, all) => longer(word.replace(/(?<=.{5})(e[ds]|ing|s)$/, "")).some(({ length }) => !all[i + 1] || length < word.length + 4);
  const missing = tokens(input.value).filter((...word) => !has(...word)); // endings aside
  const words = tokens(input.value).filter((word) => !asking.includes(word)).join(" ");
  const apart = words && !index.search(words, { ...options, combineWith: "AND" }).length ? "No section has all of these words. " : "";
  const named = missing.length ? `No page has “${missing.slice(0, 5).join("”, “")}”. ` : apart;
  list.replaceChildren(...pages.map(result));
  status.textContent = named + (pages.length ? `Pages: ${pages.length}` : input.value && "Nothing found");
};
input.form.onsubmit = () => Boolean(list.querySelector("a")?.click()); // false: nothing is sent
list.onclick = (event) => event.target.closest("a") && dialog.close();
dialog.onkeydown = (event) => {
  if (event.key === "Escape") dialog.close();
  const stops = [input, ...list.querySelectorAll("li > a")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  stops[stops.indexOf(document.activeElement) + step]?.focus();
  return !step; // no scrolling
};
