import { Pause, Play } from 'lucide-react';
import { Button } from '@/components/ui/button';
import { cn } from '@/lib/cn';
import { plural } from '@/lib/format';
import type { StreamState } from '../api/stream';

type Props = { state: StreamState; paused: boolean; held: number; onPause: () => void; onResume: () => void };

const WORDS: Record<StreamState, string> = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' };

/** Whether new requests flow in; while paused it counts what waits. */
export function LiveSwitch({ state, paused, held, onPause, onResume }: Props) {
  const flowing = state === 'live' && !paused;
  return (
    <div className="flex items-center gap-2">
      <span role="status" className="flex items-center gap-2 text-fg-2 text-xs">
        <span
          className={cn('size-2 rounded-full', flowing ? 'animate-pulse bg-ok-solid' : state === 'lost' ? 'bg-warn-solid' : 'bg-fg-3')}
        />
        {paused ? 'Paused' : WORDS[state]}
      </span>
      <Button onClick={paused ? onResume : onPause}>
        {paused ? <Play aria-hidden="true" /> : <Pause aria-hidden="true" />}
        {paused ? (held ? `Show ${plural(held, 'new request')}` : 'Resume') : 'Pause'}
      </Button>
    </div>
  );
}
