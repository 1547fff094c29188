/** Part of a page: a table or a text. */
export type Section =
  | {
      readonly title: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly title: string; readonly text: string };

/** What a page is made of. */
export interface Shown {
  /** Its place below `/debug`; empty: the first page. */
  readonly name: string;
  readonly title: string;
  /** Place and title of every page. */
  readonly pages: readonly (readonly [string, string])[];
  readonly sections: readonly Section[];
}

const STYLE = `body{font:14px/1.4 system-ui,sans-serif;margin:1rem 2rem;color:#222}nav a{margin-right:1rem}
table{border-collapse:collapse;margin-bottom:1.5rem}th,td{text-align:left;padding:.15rem .8rem .15rem 0;border-bottom:1px solid #ddd;vertical-align:top}
h1{font-size:1.3rem}h2{font-size:1.05rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}th,td{border-color:#333}}`;

/** A page without scripts; it loads itself again every five seconds. */
export function shownPage({ name, title, pages, sections }: Shown): string {
  const links = pages.map(([place, text]) => `<a href="${placeOf(place)}">${escaped(text)}</a>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>focusd: ${escaped(title)}</title><style>${STYLE}</style></head>
<body><h1>focusd: ${escaped(title)}</h1>
<nav>${links.join('')}<a href="${placeOf(name)}.json">this as JSON</a></nav>
${sections.map(section).join('\n')}
</body></html>
`;
}

function placeOf(name: string): string {
  return name === '' ? '/debug' : `/debug/${name}`;
}

function section(part: Section): string {
  const heading = `<h2>${escaped(part.title)}</h2>`;
  if ('text' in part) return `${heading}<pre>${escaped(part.text)}</pre>`;
  if (part.rows.length === 0) return `${heading}<p>none</p>`;
  const row = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const head = part.columns.some((column) => column !== '') ? row(part.columns, 'th') : '';
  return `${heading}<table>${head}${part.rows.map((cells) => row(cells, 'td')).join('')}</table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
