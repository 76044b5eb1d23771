// Reads the one element that a selector finds.

const { acting } = noctule;

acting.read = (target, start, budgetMs, options) => acting.attempt(target, start, budgetMs, (element) => noctule.readPart(element, options));
