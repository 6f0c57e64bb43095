import { BlockWriter } from './block-writer.js';
import { child, elements, find, findAll, textOf, type XmlElement } from './xml.js';

/** Points of a diagram that hold no text of their own, but say how it is drawn. */
const DRAWING_POINTS = new Set(['pres', 'parTrans', 'sibTrans']);

/** The texts of a diagram (SmartArt) as a list, nested as they are in the diagram. */
export function diagramText(model: XmlElement): string {
  const points = elements(child(model, 'ptLst'), 'pt').filter(
    ({ attributes }) => !DRAWING_POINTS.has(attributes['type'] ?? ''),
  );
  const byId = new Map(points.map((point) => [point.attributes['modelId'] ?? '', point]));
  const children = childrenOf(model);
  const writer = new BlockWriter();
  const visited = new Set<XmlElement>();
  // points that nothing leads to are taken in the order in which they are kept
  const roots = points.filter(({ attributes }) => attributes['type'] === 'doc');
  const steps = [...roots, ...points].map((point) => ({ point, depth: -1 })).reverse();
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const { point, depth } = step;
    if (visited.has(point)) continue;
    visited.add(point);
    writer.item(Math.max(0, depth), '', pointText(point));
    for (const id of children.get(point.attributes['modelId'] ?? '')?.toReversed() ?? []) {
      const next = byId.get(id);
      if (next !== undefined) steps.push({ point: next, depth: depth + 1 });
    }
  }
  return writer.finish();
}

/** Ids of the points directly below each point, in order. */
function childrenOf(model: XmlElement): Map<string, string[]> {
  const links = elements(child(model, 'cxnLst'), 'cxn')
    .filter(({ attributes }) => (attributes['type'] ?? 'parOf') === 'parOf')
    .map(({ attributes: { srcId = '', destId = '', srcOrd = '0' } }) => ({
      srcId,
      destId,
      order: Number(srcOrd) || 0,
    }))
    .sort((a, b) => a.order - b.order);
  const children = new Map<string, string[]>();
  for (const { srcId, destId } of links) {
    const known = children.get(srcId);
    if (known === undefined) children.set(srcId, [destId]);
    else known.push(destId);
  }
  return children;
}

function pointText(point: XmlElement): string {
  return findAll(find(point, 't'), 'p').map(textOf).join(' ');
}
