/** One server-sent event. */
export interface ServerSentEvent {
  /** The `event:` field, where the sender names its events. */
  readonly type?: string | undefined;
  readonly data: string;
}
