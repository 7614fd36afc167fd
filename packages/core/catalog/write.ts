/** Writes the bundled catalogue from the installed price list: `pnpm catalog`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProvider } from '@pydantic/genai-prices';
import { buildCatalog } from './build.js';
import { toSource } from './to-source.js';

const target = fileURLToPath(new URL('../src/catalog/bundled-data.ts', import.meta.url));
const date = process.argv[2] ?? new Date().toISOString().slice(0, 10);
const catalog = buildCatalog((providerId) => findProvider({ providerId }), date);
writeFileSync(target, toSource(catalog));
const endpoints = Object.values(catalog.endpoints).flat().length;
console.log(`${Object.keys(catalog.models).length} models at ${endpoints} endpoints, as of ${date}`);
