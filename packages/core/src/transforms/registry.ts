import type { NamedTransform, TransformChoice } from '../wire/transform-choice.js';
import { fieldError, toValidationError } from '../wire/validation-error.js';
import { builtIns } from './built-ins.js';
import { isMiddleOut, MIDDLE_OUT } from './middle-out.js';
import type { Compression } from './prompt-budget.js';
import type { Transform, TransformEntry, TransformUse } from './types.js';

/** A transform that runs for one request. */
export interface Selected {
  readonly transform: Transform;
  readonly options: unknown;
  /** The options that the request itself gives. */
  readonly given: Readonly<Record<string, unknown>> | undefined;
  readonly optional: boolean;
}

/** What runs for one request, in order: of each hook, the first one first. */
export interface Selection {
  readonly selected: readonly Selected[];
  readonly compression: Compression;
}

interface Known {
  readonly transform: Transform;
  readonly use: TransformUse;
  readonly optional: boolean;
  /** Whether it can run without options of a request. */
  readonly isReady: boolean;
  readonly options: unknown;
}

const USES: readonly TransformUse[] = ['default', 'requested', 'always', 'never'];

/** The transforms of a gateway, in the order of its configuration, and what each request makes of them. */
export class TransformRegistry {
  readonly #known: ReadonlyMap<string, Known>;
  readonly #usual: Selection;

  /** @throws TypeError for two of one name, or one that cannot run as it is to. */
  constructor(given: readonly (Transform | TransformEntry)[]) {
    const known = new Map<string, Known>();
    for (const entry of given) {
      const { transform, use = 'default', optional = false } = 'transform' in entry ? entry : { transform: entry };
      if (known.has(transform.name)) throw new TypeError(`transforms: ${transform.name} stands there twice`);
      if (!USES.includes(use))
        throw new TypeError(`transforms: ${transform.name}: expected a use of ${USES.join(', ')}`);
      const one = toKnown(transform, use, optional);
      if (!one.isReady && (use === 'default' || use === 'always')) {
        throw new TypeError(`transforms: ${transform.name} needs options`);
      }
      known.set(transform.name, one);
    }
    for (const transform of builtIns()) {
      if (!known.has(transform.name)) known.set(transform.name, toKnown(transform, 'requested', false));
    }
    this.#known = known;
    this.#usual = this.#select({ named: [], withoutDefaults: false, off: [] }, []);
  }

  /** @throws TypeError for a name that stands for nothing, or for what cannot run without options of a request. */
  check(names: readonly string[]): void {
    const wrong = names.find((name) => !this.mayEnforce(name));
    if (wrong !== undefined) throw new TypeError(`transforms: nothing that can be enforced is named ${wrong}`);
  }

  /** Whether a transform has this name and can run without options of a request. */
  mayEnforce(name: string): boolean {
    return this.#find(name)?.isReady === true;
  }

  /**
   * What runs for a request: what the host runs by default, then what the request names, then what nobody can do without:
   * what the host always runs, and last `enforced`, which the caller's key lays down. Each name runs once, at its fixed
   * place if it has one: nothing that a client names adds to a prompt or an answer behind what checks it.
   *
   * @throws GatewayError `invalid_request` with the path of an unknown name or a bad option; TypeError where an enforced
   *   name stands for nothing.
   */
  select(choice: TransformChoice, enforced: readonly string[]): Selection {
    const isUsual = choice.named.length === 0 && choice.off.length === 0 && !choice.withoutDefaults;
    return isUsual && enforced.length === 0 ? this.#usual : this.#select(choice, enforced);
  }

  #select(choice: TransformChoice, enforced: readonly string[]): Selection {
    this.check(enforced);
    const requested = new Map<string, NamedTransform>();
    for (const one of choice.named) {
      if (this.#find(one.name) === undefined) throw fieldError(one.path.join('.'), 'expected the name of a transform');
      requested.set(one.name, one);
    }
    const isOff = (name: string): boolean => choice.off.includes(name);
    const byUse = (wanted: TransformUse): readonly string[] =>
      [...this.#known.values()].filter(({ use }) => use === wanted).map(({ transform }) => transform.name);
    const fixed = new Set([...byUse('always'), ...enforced]);
    const defaults = choice.withoutDefaults ? [] : byUse('default');
    const chosen = [...defaults, ...requested.keys()].filter((name) => !isOff(name) && !fixed.has(name));
    const selected = [...new Set([...chosen, ...fixed])].flatMap((name) => {
      const known = this.#find(name);
      return known === undefined ? [] : [toSelected(known, requested.get(name), fixed.has(name))];
    });
    return {
      selected: selected.filter(({ transform }) => !isMiddleOut(transform)),
      compression: this.#compression(choice, selected),
    };
  }

  #compression(choice: TransformChoice, selected: readonly Selected[]): Compression {
    if (selected.some(({ transform }) => isMiddleOut(transform))) return 'always';
    const known = this.#find(MIDDLE_OUT);
    const isOff = choice.withoutDefaults || choice.off.includes(MIDDLE_OUT);
    return known === undefined || isOff || !isMiddleOut(known.transform) ? 'never' : 'small';
  }

  #find(name: string): Known | undefined {
    const known = this.#known.get(name);
    return known?.use === 'never' ? undefined : known;
  }
}

function toKnown(transform: Transform, use: TransformUse, optional: boolean): Known {
  const { defaults, options: schema } = transform;
  const none = schema === undefined ? { success: true, data: {} } : schema.safeParse({});
  if (defaults !== undefined) return { transform, use, optional, isReady: true, options: defaults };
  return { transform, use, optional, isReady: none.success, options: none.data };
}

function toSelected(known: Known, named: NamedTransform | undefined, isFixed: boolean): Selected {
  const { transform, optional, options } = known;
  const isGiven = named !== undefined && Object.keys(named.options).length > 0;
  if (named === undefined || (known.isReady && !isGiven)) return { transform, optional, options, given: undefined };
  if (isFixed) throw fieldError(named.path.join('.'), 'its options are laid down by the host');
  const { options: schema, defaults } = transform;
  if (schema === undefined) throw fieldError(named.path.join('.'), 'expected no options');
  const result = schema.safeParse({ ...(typeof defaults === 'object' && defaults), ...named.options });
  if (!result.success) throw toValidationError(result.error, named.path);
  return { transform, optional, options: result.data, given: named.options };
}
