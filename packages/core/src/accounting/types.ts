/** What a client says of itself, for reports. */
export interface Attribution {
  /** `HTTP-Referer`: an http(s) URL. */
  readonly referer: string | undefined;
  /** Origin of the referer, or else the title. */
  readonly app: string | undefined;
  readonly title: string | undefined;
  readonly categories: readonly string[];
  readonly userAgent: string | undefined;
  /** Of the request and of its key. */
  readonly tags: readonly string[];
}
