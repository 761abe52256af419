/** A session that ends under an open page. Calls wait here until the same person has signed in again. */
import { useSyncExternalStore } from 'react';
import { setReauthenticate } from '@/lib/client';

let waiting: { promise: Promise<void>; resolve: () => void } | null = null;
const listeners = new Set<() => void>();
const changed = () => {
  for (const listener of listeners) listener();
};

export function guardSession() {
  setReauthenticate(() => {
    if (!waiting) {
      let resolve = () => {};
      const promise = new Promise<void>((r) => {
        resolve = r;
      });
      waiting = { promise, resolve };
      changed();
    }
    return waiting.promise;
  });
}

export function sessionRestored() {
  waiting?.resolve();
  waiting = null;
  changed();
}

export const useSessionExpired = () =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting !== null,
  );
