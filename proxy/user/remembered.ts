import { hash } from 'node:crypto';

/** Whose signature was good: to check one costs 100 times what it costs to find the token again. */
export type Remembered<T> = {
  readonly recall: (text: string) => T | undefined;
  readonly remember: (text: string, token: T) => void;
};

/** Of each data thread; at most 8 KiB of token each. */
const maxRemembered = 1000;

/** By digest: the token itself is a credential, it does not stay in memory. */
export function rememberedTokens<T>(): Remembered<T> {
  const remembered = new Map<string, T>();
  return {
    recall: (text) => remembered.get(digestOf(text)),
    remember: (text, token) => {
      const [oldest] = remembered.size < maxRemembered ? [] : remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
      remembered.set(digestOf(text), token);
    },
  };
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
