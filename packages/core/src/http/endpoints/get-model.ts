import { toModelEntry } from '../../catalog/model-entry.js';
import type { Exchange } from '../exchange.js';
import { json } from '../render.js';
import type { HttpResponse } from '../types.js';
import { findModel } from './find-model.js';

/** GET /models/:model. The entry stands at top level for `openai`, and under `data` for the OpenRouter SDK. */
export function getModel(exchange: Exchange): HttpResponse {
  const entry = toModelEntry(findModel(exchange));
  return json(200, { ...entry, data: entry });
}
