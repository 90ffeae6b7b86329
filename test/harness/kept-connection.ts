import { type Answer, type ClientCredential, connectRaw, parseAnswer, type RawClient, requestText } from './client.ts';

/** One connection that is used again and again; each answer is read whole before the next request. */
export type KeptConnection = {
  readonly client: RawClient;
  readonly ask: (target: string, headers?: readonly string[]) => Promise<Answer>;
  /** Sends a request up to the middle of its head; the function that comes back sends the rest. */
  readonly beginToAsk: (target: string) => () => Promise<Answer>;
};

export async function keepConnection(port: number, credential: ClientCredential): Promise<KeptConnection> {
  const client = await connectRaw(port, credential);
  let read = 0;
  const answer = async () => {
    const text = await client.until((all) => parseAnswer(all.slice(read)) !== undefined);
    const found = parseAnswer(text.slice(read));
    read = text.length;
    if (found === undefined) throw new Error('no answer');
    return found;
  };
  return {
    client,
    ask: (target, headers) => {
      client.write(requestText('GET', target, headers));
      return answer();
    },
    beginToAsk: (target) => {
      const text = requestText('GET', target);
      client.write(text.slice(0, 10));
      return () => {
        client.write(text.slice(10));
        return answer();
      };
    },
  };
}
