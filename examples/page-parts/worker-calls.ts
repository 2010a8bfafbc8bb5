/** The functions of a worker, with one argument each, by name. */
// biome-ignore lint/complexity/noBannedTypes: any object of functions
type Service = {};

type Ask<Call> = Call extends (ask: infer A) => unknown ? A : never;
type Answer<Call> = Call extends (ask: never) => infer A ? Awaited<A> : never;

/** An error in the worker; `code` is the code of the package's `FerError`. */
export class WorkerFailure extends Error {
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Calls functions in a worker as if they were local; in the worker, `answerCalls` answers.
 *
 * @param onEvent - Receives the messages that the worker sends with `tell`.
 * @example
 * const ask = callWorker<Analysis, AnalysisEvent>(worker, console.log);
 * const state = await ask('frame', { bitmap, time }, [bitmap]);
 */
export function callWorker<Offered extends Service, Event = never>(
  worker: Worker,
  onEvent: (event: Event) => void = () => {},
) {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;

  worker.addEventListener('message', ({ data }: MessageEvent<ToPage<Event>>) => {
    if ('event' in data) {
      onEvent(data.event);
      return;
    }
    const { resolve, reject } = waiting.get(data.call)!;
    waiting.delete(data.call);
    if ('failure' in data) reject(new WorkerFailure(data.failure.message, data.failure.code));
    else resolve(data.answer);
  });
  worker.addEventListener('error', ({ message }) => {
    for (const { reject } of waiting.values())
      reject(new WorkerFailure(message ?? "the page's worker could not be loaded"));
    waiting.clear();
  });

  return <Name extends keyof Offered & string>(
    name: Name,
    ask: Ask<Offered[Name]>,
    transfer: Transferable[] = [],
  ): Promise<Answer<Offered[Name]>> => {
    const call = calls++;
    return new Promise((resolve, reject) => {
      waiting.set(call, { resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage({ call, name, ask } satisfies ToWorker, transfer);
    });
  };
}

/** Answers the calls of `callWorker`. Call it when the worker starts. */
export function answerCalls(service: Record<string, (ask: never) => unknown>): void {
  self.addEventListener('message', async ({ data: { call, name, ask } }: MessageEvent<ToWorker>) => {
    try {
      send({ call, answer: await service[name](ask as never) });
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      send({ call, failure: { message, code } });
    }
  });
}

/** Sends the page a message that is not an answer. */
export function tell(event: unknown): void {
  send({ event });
}

interface ToWorker {
  call: number;
  name: string;
  ask: unknown;
}

type ToPage<Event> =
  | { event: Event }
  | { call: number; answer: unknown }
  | { call: number; failure: { message: string; code?: string } };

function send(message: ToPage<unknown>): void {
  self.postMessage(message);
}
