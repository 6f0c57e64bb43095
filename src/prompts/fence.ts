/** Writes a text between an opening tag, with attributes in the order given, and a closing one. */
export type Fence = (tag: string, text: string, attributes?: Readonly<Record<string, string>>) => string;

/**
 * The fences of a prompt that knows these tags and no others: what is written into one can neither close it nor open
 * or close any of the others, so that a text stays the material that the prompt says it is.
 */
export function fencesOf(tags: readonly string[]): Fence {
  // a model also reads "< / source >" as a tag
  const anyTag = new RegExp(String.raw`<(?=\s*(?:/\s*)?(?:${tags.join('|')})\b)`, 'gi');
  const escaped = (text: string): string => text.replace(anyTag, '&lt;');
  const attribute = (text: string): string => escaped(text).replaceAll('"', "'").replace(/\s+/g, ' ');
  return (tag, text, attributes = {}) => {
    const opening = Object.entries(attributes).map(([name, value]) => ` ${name}="${attribute(value)}"`);
    return `<${tag}${opening.join('')}>\n${escaped(text)}\n</${tag}>`;
  };
}
