import { readYaml } from '../builtins/yaml/yaml.ts';
import { dataPath } from '../data-path.ts';
import { PolicyError } from '../errors.ts';
import { jsonText } from '../value/text.ts';
import type { JsonObject } from './bundle.ts';
import { parseData, parseDataValue } from './data-file.ts';
import type { BundleFiles } from './files.ts';
import { isWithinRoots } from './manifest.ts';

type Tree = { [name: string]: unknown };

const dataName = /^(?:(.*)\/)?data\.(json|ya?ml)$/;

/**
 * `data` of a bundle: each `data.json`, `data.yaml` or `data.yml` at the place that its folder names, merged as OPA does it. Where two files speak of
 * the same place, or one of a place outside of the roots, the bundle is refused. Throws PolicyError.
 */
export function dataOf(where: string, files: BundleFiles, roots: readonly string[]): JsonObject {
  const data: Tree = {};
  for (const { name, tree } of dataFiles(where, files)) {
    const conflict = merge(data, tree, []);
    if (conflict === undefined) continue;
    const file = `${where}/${name}`;
    throw refuse(file, `${holderOf(where, files, conflict)} has ${dataPath(conflict)} already, and no two files may`);
  }
  const outside = outsideRoots(data, roots, []);
  if (outside !== undefined) throw refuse(where, `its roots ${JSON.stringify(roots)} do not permit data at ${outside}`);
  return data;
}

/** The first file that has this path, for messages: all are read once more, since the merged data does not know. */
export function holderOf(where: string, files: BundleFiles, path: readonly string[]): string {
  for (const { name, tree } of dataFiles(where, files)) {
    let value: unknown = tree;
    for (const step of path) value = isTree(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    if (value !== undefined) return `${where}/${name}`;
  }
  return where;
}

function* dataFiles(where: string, files: BundleFiles): Generator<{ readonly name: string; readonly tree: Tree }> {
  for (const [name, content] of files) {
    const [, folder = '', form] = dataName.exec(name) ?? [];
    if (form === undefined) continue;
    const file = `${where}/${name}`;
    const bytes = form === 'json' ? content : yamlAsJson(file, content);
    // OPA takes dots at the beginning of a path for a part of the slash: `.a/data.json` is `data.a`.
    const place = folder.replace(/^[/.]+/, '');
    const tree = place === '' ? parseData(file, bytes) : nested(place.split('/'), parseDataValue(file, bytes));
    yield { name, tree: tree as Tree };
  }
}

/** As the policy's own `yaml.unmarshal` reads it, and then held to what JSON data is held to. */
function yamlAsJson(file: string, bytes: Uint8Array): Uint8Array {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return Buffer.from(jsonText(readYaml({ unixMs: undefined, charge: () => undefined }, text)));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PolicyError('data-invalid', `${file}: ${why}`, { cause });
  }
}

function nested(path: readonly string[], value: unknown): Tree {
  return path.reduceRight((inner: unknown, name) => {
    const outer: Tree = {};
    put(outer, name, inner);
    return outer;
  }, value) as Tree;
}

/** Resolves to the first path that both have and that is not an object in both. As deep as the reader of JSON allows. */
function merge(into: Tree, from: Tree, path: readonly string[]): readonly string[] | undefined {
  for (const [name, value] of Object.entries(from)) {
    const here = [...path, name];
    const there = Object.hasOwn(into, name) ? into[name] : undefined;
    if (there === undefined) put(into, name, value);
    else if (!isTree(there) || !isTree(value)) return here;
    else {
      const conflict = merge(there, value, here);
      if (conflict !== undefined) return conflict;
    }
  }
  return undefined;
}

function outsideRoots(tree: Tree, roots: readonly string[], path: readonly string[]): string | undefined {
  for (const [name, value] of Object.entries(tree)) {
    const here = [...path, name];
    const place = here.join('/');
    if (isWithinRoots(roots, place)) continue;
    const leadsToRoot = isTree(value) && roots.some((root) => root.startsWith(`${place}/`));
    const outside = leadsToRoot ? outsideRoots(value, roots, here) : place;
    if (outside !== undefined) return outside;
  }
  return undefined;
}

/** Assigning to `__proto__` would set the prototype and make no member. */
function put(tree: Tree, name: string, value: unknown): void {
  Object.defineProperty(tree, name, { value, enumerable: true, writable: true, configurable: true });
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(where: string, what: string): PolicyError {
  return new PolicyError('bundle-invalid', `${where}: ${what}`);
}
