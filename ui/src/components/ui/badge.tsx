import type { ReactNode } from 'react';
import { cn } from '@/lib/cn';

const tones = {
  neutral: 'bg-sunken text-fg-2',
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  accent: 'bg-accent-soft text-accent',
};
export type Tone = keyof typeof tones;

/** State in a word; the dot and the colour only repeat it. */
export function Badge({
  tone = 'neutral',
  dot,
  className,
  children,
}: {
  tone?: Tone;
  dot?: boolean;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={cn('inline-flex h-5 items-center gap-1.5 whitespace-nowrap rounded-md px-1.5 font-medium text-xs', tones[tone], className)}
    >
      {dot && <span className="size-1.5 rounded-full bg-current" aria-hidden="true" />}
      {children}
    </span>
  );
}

export const Kbd = ({ children }: { children: ReactNode }) => (
  <kbd className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded border border-line bg-surface px-1 font-sans text-2xs text-fg-3 dark:bg-bg">
    {children}
  </kbd>
);
