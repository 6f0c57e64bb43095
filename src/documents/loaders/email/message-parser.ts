import PostalMime, { type Email } from 'postal-mime';
import { normaliseText } from '../../normalize.js';
import { htmlText } from '../html.loader.js';

/** A message that was taken apart, with the text of its body as Markdown. */
export interface ParsedMessage extends Email {
  body: string;
}

/** The texts of a part of the body, which may be there in both formats. */
type BodyPart = Partial<Record<'plain' | 'html', { value: string }[]>>;

/**
 * Reads HTML as the documents of that format are read. The parser's own way would turn every text into both formats,
 * and takes quadratic time for some. A change of what it overrides shows in the tests: there would be no body.
 */
class MessageParser extends PostalMime {
  body = '';
  declare private readonly textMap: ReadonlyMap<unknown, BodyPart>;

  /** Called when all parts of the body are known. */
  renderTextContent(): void {
    const texts = [...this.textMap.values()].map(({ plain = [], html = [] }) => {
      const text = normaliseText(plain.map(({ value }) => value).join('\n\n'));
      return text === '' ? html.map(({ value }) => htmlText(value)).join('\n\n') : text;
    });
    this.body = normaliseText(texts.filter((text) => text !== '').join('\n\n'));
  }
}

/** @throws {Error} when the message is nested too deeply, or its headers are too long */
export async function takeApart(bytes: Uint8Array): Promise<ParsedMessage> {
  const parser = new MessageParser({ forceRfc822Attachments: true });
  const message = await parser.parse(bytes);
  return { ...message, body: parser.body };
}
