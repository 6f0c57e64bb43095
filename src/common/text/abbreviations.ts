const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Abbreviations that something always follows. All sets are lower case, without the last stop. */
export const NEVER_LAST = set(
  'mr mrs ms messrs mme dr prof gen rep sen rev col capt lt sgt maj hon gov pres supt ' +
    'e.g i.e eg ie vs cf approx ca viz esp incl resp z.b d.h bzw vgl ggf evtl',
);

/** Abbreviations that a number, a Roman numeral or a letter follows; otherwise they are words at a sentence's end. */
export const BEFORE_NUMBER = set(
  'fig figs eq eqs no nos nr vol vols p pp ch chap sec sect art abs op ex ref refs tab ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec',
);

/** Abbreviations that may end a sentence; the next word decides. So do acronyms with stops ("U.S.", "a.m."). */
export const MAYBE_LAST = set('al inc ltd co corp llc gmbh jr sr st dept est univ ave blvd mt bros ph.d');

/** Capitalised words that begin a sentence far more often than they follow an abbreviation. */
export const STARTERS = set(
  'the this that these those there here it its he she we they i you his her their our my your a an in on at by for ' +
    'from with as if when while where after before since because although though however but and or so yet then thus ' +
    'hence therefore moreover furthermore meanwhile what who why how which no not all some many most each every both ' +
    'one two is are was were do does did can could will would should may might has have had let please also another',
);
