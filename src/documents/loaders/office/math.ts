import { child, elements, textOf, type XmlElement } from './xml.js';

/** Signs with a name in TeX that the sign alone would not give: large operators, accents, brackets. */
const OPERATORS = new Map([
  ['∑', String.raw`\sum`],
  ['∏', String.raw`\prod`],
  ['∫', String.raw`\int`],
  ['∬', String.raw`\iint`],
  ['∭', String.raw`\iiint`],
  ['∮', String.raw`\oint`],
  ['⋃', String.raw`\bigcup`],
  ['⋂', String.raw`\bigcap`],
]);
const ACCENTS = new Map([
  ['\u0303', String.raw`\tilde`],
  ['\u0304', String.raw`\bar`],
  ['\u0305', String.raw`\overline`],
  ['\u0307', String.raw`\dot`],
  ['\u0308', String.raw`\ddot`],
  ['\u20d7', String.raw`\vec`],
  ['⏞', String.raw`\overbrace`],
  ['⏟', String.raw`\underbrace`],
]);
const FUNCTIONS =
  /^(?:sin|cos|tan|cot|sec|csc|sinh|cosh|tanh|arcsin|arccos|arctan|log|ln|lg|exp|lim|max|min|sup|inf|det|gcd|dim|ker|arg)$/;

const LONGEST_NAME = 10;
/** Letters that are characters of their own for being italic or bold in equations. */
const STYLED_LETTERS = /[\u{1d400}-\u{1d7ff}]/gu;

/** An equation of an Office document in TeX; its signs stay as they are, so that they can be searched for. */
export function equationText(equation: XmlElement): string {
  return inner(equation)
    .replace(STYLED_LETTERS, (letter) => letter.normalize('NFKC'))
    .replace(/\s+/g, ' ')
    .trim();
}

function inner(parent: XmlElement | undefined): string {
  return elements(parent).map(render).join('');
}

/** What stands in one place of a structure, such as the numerator of a fraction. */
function place(element: XmlElement, name: string): string {
  return inner(child(element, name));
}

function render(element: XmlElement): string {
  const structure = STRUCTURES.get(element.name);
  if (structure !== undefined) return structure(element);
  // properties say how an equation looks
  return element.name.endsWith('Pr') || element.name === 'del' ? '' : inner(element);
}

const STRUCTURES = new Map<string, (element: XmlElement) => string>([
  ['t', textOf],
  ['f', fraction],
  ['sSup', (element) => base(element) + script('^', element, 'sup')],
  ['sSub', (element) => base(element) + script('_', element, 'sub')],
  ['sSubSup', (element) => base(element) + script('_', element, 'sub') + script('^', element, 'sup')],
  ['sPre', (element) => `{}${script('_', element, 'sub')}${script('^', element, 'sup')}${base(element)}`],
  ['limLow', (element) => base(element) + script('_', element, 'lim')],
  ['limUpp', (element) => base(element) + script('^', element, 'lim')],
  ['rad', root],
  ['nary', largeOperator],
  ['d', delimited],
  ['func', (element) => `${functionName(place(element, 'fName'))} ${place(element, 'e')}`],
  ['m', (element) => rows(elements(element, 'mr').map((row) => elements(row, 'e').map(inner).join(' & ')))],
  ['eqArr', (element) => rows(elements(element, 'e').map(inner))],
  ['acc', (element) => accented(element, String.raw`\hat`)],
  ['groupChr', (element) => accented(element, String.raw`\underbrace`)],
  ['bar', bar],
]);

/** What a sign is raised or lowered at; more than one sign is held together. */
function base(element: XmlElement): string {
  const text = functionName(place(element, 'e'));
  const isOneSign = text.length === 1 || (text.length <= LONGEST_NAME && /^\\[a-z]+$/.test(text));
  return isOneSign ? text : `{${text}}`;
}

/** What is raised or lowered; nothing where nothing is. */
function script(sign: '^' | '_', element: XmlElement, name: string): string {
  const text = place(element, name);
  return text === '' ? '' : `${sign}{${text}}`;
}

function functionName(text: string): string {
  return text.length <= LONGEST_NAME && FUNCTIONS.test(text) ? `\\${text}` : text;
}

function fraction(element: XmlElement): string {
  const type = property(element, 'type');
  const [above, below] = [place(element, 'num'), place(element, 'den')];
  if (type === 'lin') return `${above}/${below}`;
  return `\\${type === 'noBar' ? 'binom' : 'frac'}{${above}}{${below}}`;
}

function root(element: XmlElement): string {
  const degree = place(element, 'deg');
  return `\\sqrt${degree === '' ? '' : `[${degree}]`}{${place(element, 'e')}}`;
}

function largeOperator(element: XmlElement): string {
  const sign = property(element, 'chr') ?? '∫';
  const bounds = script('_', element, 'sub') + script('^', element, 'sup');
  return `${OPERATORS.get(sign) ?? sign}${bounds} ${place(element, 'e')}`;
}

function delimited(element: XmlElement): string {
  const parts = elements(element, 'e').map(inner);
  const separator = property(element, 'sepChr') ?? '|';
  return (
    bracket(property(element, 'begChr') ?? '(') +
    parts.join(separator) +
    bracket(property(element, 'endChr') ?? ')')
  );
}

function bracket(sign: string): string {
  return sign === '{' || sign === '}' ? `\\${sign}` : sign;
}

function rows(lines: readonly string[]): string {
  return lines.length === 1
    ? lines.join('')
    : String.raw`\begin{matrix} ${lines.join(String.raw` \\ `)} \end{matrix}`;
}

function accented(element: XmlElement, otherwise: string): string {
  return `${ACCENTS.get(property(element, 'chr') ?? '') ?? otherwise}{${place(element, 'e')}}`;
}

function bar(element: XmlElement): string {
  return `\\${property(element, 'pos') === 'top' ? 'overline' : 'underline'}{${place(element, 'e')}}`;
}

/** A property of a structure: `fPr` holds those of `f`. */
function property(element: XmlElement, name: string): string | undefined {
  return child(child(element, `${element.name}Pr`), name)?.attributes['val'];
}
