import type { HttpResponse } from './types.js';

/** Rows as a file for spreadsheets: RFC 4180, lines end in CRLF. */
export function csv(columns: readonly string[], rows: readonly object[], filename: string): HttpResponse {
  const lines = rows.map((row) => {
    const cells: ReadonlyMap<string, unknown> = new Map(Object.entries(row));
    return columns.map((column) => cellOf(cells.get(column))).join(',');
  });
  return {
    status: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${filename}"`,
    },
    body: [columns.join(','), ...lines].map((line) => `${line}\r\n`).join(''),
  };
}

/** Text that a spreadsheet would run as a formula is made plain by a quote. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
