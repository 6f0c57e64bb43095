export { objectIn } from './object-in.js';
export { splitSentences } from './sentences.js';
export { codePointBoundary, isSpace, type Span, trimSpan } from './spans.js';
export { terms, words } from './terms.js';
export { countTokens, tokensAtMost } from './tokens.js';
export { isUuid } from './uuid.js';
