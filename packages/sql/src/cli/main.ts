#!/usr/bin/env node
import { run } from './run.js';

process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  out: (line) => console.log(line),
  error: (line) => console.error(line),
});
