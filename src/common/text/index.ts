export { type Span, splitSentences } from './sentences.js';
export { terms, words } from './terms.js';
export { countTokens } from './tokens.js';
