// As in Sphinx, but the reference page comes first among the pages that hold the words in their text alone.
var Scorer = {
  score: ([docname, , anchor, , score]) => score + (docname === "reference/relugrad" && !anchor ? 20 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
