/** Requests as they are recorded, by server-sent events. */
import { useEffect, useRef, useState } from 'react';
import { queryClient } from '@/lib/query';
import type { RequestRow } from './requests';

export type StreamState = 'connecting' | 'live' | 'lost';
const RETRY_MS = 3000;

/** Calls `onRow` for each request while mounted. Reconnects by itself, also after a session that ended. */
export function useRequestStream(onRow: (row: RequestRow) => void): StreamState {
  const [state, setState] = useState<StreamState>('connecting');
  const handler = useRef(onRow);
  handler.current = onRow;

  useEffect(() => {
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const connect = () => {
      source = new EventSource('/api/v1/requests/stream');
      source.addEventListener('open', () => setState('live'));
      source.addEventListener('request', (e) => handler.current(JSON.parse((e as MessageEvent<string>).data)));
      source.addEventListener('error', () => {
        setState('lost');
        // An EventSource hides the status. Asking who we are shows a lost session to the common handler, which asks to sign in again.
        if (source.readyState !== EventSource.CLOSED) return;
        const again = () => {
          if (!stopped) retry = setTimeout(connect, RETRY_MS);
        };
        queryClient.invalidateQueries({ queryKey: ['me'] }).then(again, again);
      });
    };
    connect();
    return () => {
      stopped = true;
      clearTimeout(retry);
      source.close();
    };
  }, []);
  return state;
}

const KEEP = 500;

/** The rows seen since the page was opened, newest first. While `paused`, new ones wait. */
export function useLiveRequests(paused: boolean) {
  const [rows, setRows] = useState<RequestRow[]>([]);
  const [held, setHeld] = useState<RequestRow[]>([]);
  const add = (list: RequestRow[], row: RequestRow) =>
    list.some((r) => r.event_id === row.event_id) ? list : [row, ...list].slice(0, KEEP);
  const state = useRequestStream((row) => (paused ? setHeld((h) => add(h, row)) : setRows((r) => add(r, row))));
  const release = () => {
    setRows((r) => held.reduceRight(add, r));
    setHeld([]);
  };
  return { rows, held: held.length, release, state };
}
