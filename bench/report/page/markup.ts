/** HTML that may stand in the page as it is. Only `html` makes it, so what was measured cannot become markup (CWE-79). */
export type Markup = { readonly html: string };

type Value = string | number | Markup | readonly Markup[];

/** Escapes every value that is not markup itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return { html: String.raw({ raw: parts }, ...values.map(rendered)) };
}

/** For what this repository or an inlined library wrote, never for data. */
export const trusted = (text: string): Markup => ({ html: text });

function rendered(value: Value): string {
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map((each) => each.html).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** For a script element that holds data: JSON in which nothing can end the element (HTML standard, 4.12.1.3). */
export function inlineJson(value: unknown): Markup {
  return trusted(JSON.stringify(value).replaceAll('<', '\\u003c'));
}
