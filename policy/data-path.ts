/** A path below `data` as Rego writes it. */
export const dataPath = (path: readonly string[]): string =>
  `data${path.map((name) => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)).join('')}`;
