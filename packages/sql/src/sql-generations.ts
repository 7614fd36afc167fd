import type { GenerationStore } from '@gatehouse/core';
import { readGeneration } from './generation-row.js';
import type { SqlRunner } from './runner.js';
import { reportSql } from './usage-sql.js';

/**
 * Finished requests; `reports` runs what sums up many of them. A generation bears the number of its charge, by which the ledger's
 * index finds it.
 */
export function sqlGenerations(runner: SqlRunner, reports: SqlRunner = runner): GenerationStore {
  const { table } = runner.dialect;
  const charge = `select n from ${table('ledger')} where hold = ? and kind = 'charge'`;
  return {
    async find(id, account) {
      const text = `select * from ${table('generations')} where n = (${charge}) and account = ?`;
      const [row] = await runner.read(text, [id, account]);
      return row === undefined ? undefined : readGeneration(row);
    },
    report: (query) => reportSql(reports, query),
  };
}
