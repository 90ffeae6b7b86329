import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { objectOf } from '../../../policy/value/object.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const data = { name: 'ann', age: 41, tags: ['a', 'b'], nested: { k: [1, null] }, none: null, no: false };
const render = (template: string, variables: Value = data) => call('strings.render_template', template, variables);

test('values are written as Go writes them', async (t) => {
  t.equal(render('{{.name}} is {{.age}}'), 'ann is 41');
  t.equal(render('{{.tags}} {{.nested}} {{.none}}'), '[a b] map[k:[1 <nil>]] <undefined>');
  t.equal(render('{{.missing}} {{.missing.too}}'), '<undefined> <undefined>');
  t.throws(() => render('{{.name.first}}'), BuiltinError);
});

test('blocks, variables, comments and trimming', async (t) => {
  t.equal(render('{{range $i, $t := .tags}}{{if $i}},{{end}}{{$i}}{{$t}}{{end}}'), '0a,1b');
  t.equal(render('{{range .nothing}}x{{else}}none{{end}}'), 'none');
  t.equal(render('{{with .nested}}{{.k}} of {{$.name}}{{end}}{{.age}}'), '[1 <nil>] of ann41');
  t.equal(render('{{if .no}}1{{else if .none}}2{{else}}3{{end}}'), '3');
  t.equal(render('a  {{- /* note */ -}}  b {{- "c" }} '), 'abc ');
  t.equal(render('{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{end}}{{$x}}'), '2');
  t.equal(render('{{if and (eq .name "ann" "bob") (not .no)}}{{index .tags 1 | len}}{{end}}'), '1');
});

test('a number of the data is text to the functions, as in Go', async (t) => {
  t.equal(render('{{eq .age "41"}}'), 'true');
  t.throws(() => render('{{eq .age 41}}'), BuiltinError);
});

test('what is not supported is an error, and no text', async (t) => {
  const wrong = [
    '{{',
    '{{.name',
    '{{}}',
    '{{end}}',
    '{{if .name}}',
    '{{else}}',
    '{{nil}}',
    '{{$x}}',
    '{{.name 1}}',
    '{{/* x',
  ];
  const more = [
    '{{define "t"}}{{end}}',
    '{{template "t"}}',
    '{{call .name}}',
    '{{printf "%d" 1}}',
    '{{1.5}}',
    '{{"\\x41"}}',
  ];
  for (const template of [...wrong, ...more]) t.throws(() => render(template), BuiltinError, template);
  t.throws(() => call('strings.render_template', '', 'no object'), BuiltinError);
});

test('names of Object.prototype are nothing special', async (t) => {
  t.equal(render('{{.constructor}}{{.__proto__}}{{.toString}}'), '<undefined><undefined><undefined>');
  t.equal(render('{{.__proto__}}', objectOf([['__proto__', 'x']])), 'x');
});

test('neither nesting nor output is without end', async (t) => {
  t.throws(() => render('{{if .name}}'.repeat(10_000)), BuiltinError);
  t.throws(() => render(`{{${'('.repeat(10_000)}1${')'.repeat(10_000)}}}`), BuiltinError);
  const tags = Array.from({ length: 1_000 }, () => 'x'.repeat(1_000));
  const cubic = '{{range $.tags}}{{range $.tags}}{{range $.tags}}{{.}}{{end}}{{end}}{{end}}';
  t.throws(() => callWith(budget(), 'strings.render_template', cubic, { tags }), EvaluationError);
  const wide = '{{range $.tags}}{{$.tags}}{{end}}';
  t.throws(() => callWith(budget(), 'strings.render_template', wide, { tags }), EvaluationError);
});
