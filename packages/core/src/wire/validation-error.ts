import type { z } from 'zod';
import { type ErrorCode, GatewayError } from '../errors.js';

/** One problem of a body: where, and what was expected there. */
interface FieldIssue {
  /** Dotted: `messages.0.role`; empty for the body itself. */
  readonly path: string;
  readonly message: string;
}

const MAX_ISSUES = 20;
const MAX_ECHO = 100;
/** What the name of a field may look like to be shown: a key that somebody sends as a name is longer. */
const SHOWN_NAME = /^[\w.-]{1,64}$/;

type ZodIssue = z.core.$ZodIssue;

/** An `invalid_request` about one field. */
export function fieldError(path: string, problem: string, code: ErrorCode = 'invalid_request'): GatewayError {
  return toError(code, [{ path, message: problem }]);
}

/**
 * A failed check as the wire's error: the message names the first problem, `metadata.issues` lists up to 20.
 * Problems inside of one message of a conversation have the code `invalid_prompt`.
 */
export function toValidationError(error: z.ZodError, parents: readonly PropertyKey[] = []): GatewayError {
  const issues = error.issues.flatMap((issue) => flatten(issue, parents));
  const [field, index] = issues[0]?.path.split('.') ?? [];
  return toError(field === 'messages' && index !== undefined ? 'invalid_prompt' : 'invalid_request', issues);
}

function toError(code: ErrorCode, issues: readonly FieldIssue[]): GatewayError {
  const first = issues[0] ?? { path: '', message: 'not valid' };
  const text = first.path === '' ? first.message : `${first.path}: ${first.message}`;
  return new GatewayError(code, text, { metadata: { issues: issues.slice(0, MAX_ISSUES) } });
}

/**
 * Zod reports a failed union as one issue that holds the issues of every branch. People want the branch that they meant:
 * the one that got past its own outermost check.
 */
function flatten(issue: ZodIssue, parents: readonly PropertyKey[]): FieldIssue[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0));
    if (meant !== undefined) return meant.flatMap((inner) => flatten(inner, path));
  }
  const names = issue.code === 'unrecognized_keys' ? issue.keys.filter((name) => SHOWN_NAME.test(name)) : [];
  if (names.length > 0) return names.map((name) => ({ path: textOf([...path, name]), message: 'unknown field' }));
  return [{ path: textOf(path), message: describe(issue) }];
}

function textOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.').slice(0, 200);
}

function describe(issue: ZodIssue): string {
  switch (issue.code) {
    case 'invalid_union':
      if (issue.discriminator !== undefined) return issue.message;
      return `expected ${[...new Set(issue.errors.flat().map(expected))].filter(Boolean).join(' or ') || 'another form'}`;
    case 'unrecognized_keys':
      return `unknown field${issue.keys.length > 1 ? 's' : ''}`;
    case 'invalid_format':
    case 'custom':
      return issue.message.slice(0, MAX_ECHO);
    default:
      return issue.message
        .replace(/^Invalid (?:input|option): /, '')
        .replace(/^Too (?:big|small): /, '')
        .slice(0, 200);
  }
}

function expected(issue: ZodIssue): string {
  if (issue.code === 'invalid_type') return `${issue.expected === 'array' ? 'an array' : `a ${issue.expected}`}`;
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ');
  return '';
}
