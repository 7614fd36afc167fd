import type { PaidCall, UpstreamRequest } from './types.js';

/** The last check before a request leaves: somebody pays for it. @throws Error where nobody does. */
export function assertPaid({ method }: UpstreamRequest, payment: PaidCall | undefined): void {
  if (method === 'GET') return;
  if (payment === undefined) throw new Error('nothing pays for this request: it is not sent');
  payment.assertLive();
}
