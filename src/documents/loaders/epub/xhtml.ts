const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));

/**
 * XHTML for a parser of HTML, which knows no `<title/>`: it would take all that follows for the title. Elements that
 * are closed in their start tag get an end tag.
 */
export function withEndTags(markup: string): string {
  return markup.replace(/<([a-z][\w.-]*)((?:\s[^<>]*)?)\/>/gi, (tag, name: string, attributes: string) =>
    VOID.has(name.toLowerCase()) ? tag : `<${name}${attributes}></${name}>`,
  );
}
