// Pages that explain a word before members that bear it in their names.
var Scorer = {
  objNameMatch: 4, objPartialMatch: 2, objPrio: { 0: 2, 1: 0, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
