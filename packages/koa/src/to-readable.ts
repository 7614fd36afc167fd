import { Readable } from 'node:stream';

/** Pieces of text as a Node stream that asks for the next one only when the last was taken. */
export function toReadable(pieces: AsyncIterable<string>): Readable {
  const iterator = pieces[Symbol.asyncIterator]();
  return new Readable({
    // One piece is pulled at a time; a full buffer must not pull more.
    highWaterMark: 1,
    read() {
      iterator.next().then(
        (step) => {
          this.push(step.done === true ? null : step.value);
        },
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error('the stream failed')),
      );
    },
    destroy(error, callback) {
      const stopped = Promise.resolve(iterator.return?.());
      stopped.then(
        () => callback(error),
        () => callback(error),
      );
    },
  });
}
