import type { Figures } from './measure.js';

const HEADINGS = [
  'target',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'first token ms',
  'added ms',
  'CPU µs/request',
  'µs/event',
  'CPU ÷ floor',
  'range',
  'memory MB',
  'statements',
];

/** A scenario's figures as a Markdown table. */
export function toTable(figures: readonly Figures[]): string {
  const rows = [HEADINGS, ...figures.map(toRow)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(HEADINGS), rule, ...rows.slice(1).map(line)].join('\n');
}

function toRow(figures: Figures): readonly string[] {
  const [low, high] = figures.ratioRange;
  return [
    figures.target,
    number(figures.requestsPerSecond, 0),
    number(figures.p50, 2),
    number(figures.p99, 2),
    number(figures.firstToken, 2),
    number(figures.addedFirstToken, 2),
    number(figures.cpuMicros, 0),
    number(figures.eventMicros, 1),
    number(figures.ratio, 2),
    Number.isNaN(low) ? '–' : `${low.toFixed(2)}–${high.toFixed(2)}`,
    number(figures.memoryBytes / 1e6, 0),
    figures.statements === 0 ? '–' : figures.statements.toFixed(1),
  ];
}

function number(value: number, decimals: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(decimals);
}
