import type { NoOptions, Transform } from './types.js';

const NAME = /^[a-z][a-z0-9-]{0,63}$/;
const HOOKS = ['request', 'route', 'completion', 'stage'] as const;

/**
 * Checks a transform of the host's own; the types of its hooks follow from `options`.
 *
 * @example
 * const glossary = defineTransform({
 *   name: 'glossary',
 *   options: z.strictObject({ language: z.enum(['en', 'de']).default('en') }),
 *   request: (request, { options }) => ({
 *     ...request,
 *     messages: [{ role: 'system', content: glossaryOf(options.language) }, ...request.messages],
 *   }),
 * });
 * createGateway({ providers, transforms: [glossary] });
 * @throws TypeError for a name that a request could not use, or for no hook at all.
 */
export function defineTransform<Options = NoOptions>(transform: Transform<Options>): Transform<Options> {
  if (!NAME.test(transform.name)) {
    throw new TypeError(`transform ${JSON.stringify(transform.name)}: expected a name of a-z, 0-9 and dashes`);
  }
  const wrong = HOOKS.find((hook) => transform[hook] !== undefined && typeof transform[hook] !== 'function');
  if (wrong !== undefined) throw new TypeError(`transform ${transform.name}: ${wrong} is not a function`);
  if (HOOKS.every((hook) => transform[hook] === undefined)) {
    throw new TypeError(`transform ${transform.name}: expected a hook, one of ${HOOKS.join(', ')}`);
  }
  return transform;
}
