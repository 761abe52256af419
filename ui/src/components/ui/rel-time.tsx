import { cn } from '@/lib/cn';
import { fmtAgo, fmtExact } from '@/lib/format';
import { useNow } from '@/lib/use-now';
import { Tip } from './tooltip';

export function RelTime({ at, never = 'Never', className }: { at: string | null | undefined; never?: string; className?: string }) {
  const now = useNow();
  if (!at) return <span className={cn('text-fg-3', className)}>{never}</span>;
  // The shared clock lags by up to a tick: what has just happened must not read as the future.
  const atMs = Date.parse(at);
  return (
    <Tip label={fmtExact(at)}>
      <time dateTime={at} className={cn('num whitespace-nowrap', className)}>
        {fmtAgo(at, atMs <= Date.now() ? Math.max(now, atMs) : now)}
      </time>
    </Tip>
  );
}
