import { child, type XmlElement } from '../xml.js';

/** The value of a property such as `<w:numId w:val="3"/>`. */
export function valueOf(parent: XmlElement | undefined, name: string): string | undefined {
  return child(parent, name)?.attributes['val'];
}

/** A property's value as a whole number. */
export function numberOf(parent: XmlElement | undefined, name: string): number | undefined {
  const value = valueOf(parent, name);
  return value !== undefined && /^-?\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** True for a property such as `<w:vanish/>`, unless its value turns it off. */
export function isOn(property: XmlElement | undefined): boolean {
  return property !== undefined && !/^(?:0|false|off|none)$/.test(property.attributes['val'] ?? '1');
}
