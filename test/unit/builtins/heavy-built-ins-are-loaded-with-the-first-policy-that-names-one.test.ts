import { readdirSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename } from 'node:path';
import { test } from 'tap';

const loaded: string[] = [];
registerHooks({
  load: (url, context, next) => {
    loaded.push(basename(url));
    return next(url, context);
  },
});
const { builtinNames, findBuiltin, loadBuiltins } = await import('../../../policy/builtins/registry.ts');

test('to name a built-in loads nothing, to ask for it loads its file once', async (t) => {
  t.ok(builtinNames.has('io.jwt.decode'));
  t.ok(findBuiltin('crypto.sha256'), 'light ones are there');
  await loadBuiltins(['crypto.sha256', 'http.send']);
  t.notOk(loaded.includes('jwt.ts'));
  t.throws(() => findBuiltin('io.jwt.decode'), /not been loaded/);
  await loadBuiltins(['io.jwt.decode', 'io.jwt.encode_sign']);
  const decode = findBuiltin('io.jwt.decode');
  t.type(decode, 'function');
  t.equal(findBuiltin('io.jwt.decode'), decode);
  t.equal(loaded.filter((file) => file === 'jwt.ts').length, 1);
});

test('every name that is promised has a built-in behind it', async (t) => {
  await loadBuiltins(builtinNames);
  for (const name of builtinNames) t.type(findBuiltin(name), 'function', name);
  t.equal(findBuiltin('http.send'), undefined);
  t.equal(findBuiltin('constructor'), undefined);
});

test('every built-in that a file has is named', async (t) => {
  const folder = new URL('../../../policy/builtins/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  t.ok(files.length > 40);
  for (const file of files.filter((name) => name !== 'registry.ts')) {
    const module = (await import(new URL(file, folder).href)) as { readonly [name: string]: unknown };
    const names = Object.keys(module)
      .filter((name) => name.endsWith('Builtins'))
      .flatMap((name) => Object.keys(module[name] as object));
    t.same(
      names.filter((name) => !builtinNames.has(name)),
      [],
      file,
    );
  }
});
