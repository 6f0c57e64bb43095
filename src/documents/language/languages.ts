/**
 * The languages that a collection's words can be stemmed in, by the names that PostgreSQL's text search configurations
 * have; `simple` takes words as they are. Those of PostgreSQL 14 and later, and of the embedded database.
 */
export const LANGUAGES = [
  'arabic',
  'armenian',
  'basque',
  'catalan',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hindi',
  'hungarian',
  'indonesian',
  'irish',
  'italian',
  'lithuanian',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'serbian',
  'simple',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
  'yiddish',
] as const;

/** A text search configuration of PostgreSQL. */
export type Language = (typeof LANGUAGES)[number];
