import type { ComponentProps } from 'react';
import { cn } from '@/lib/cn';
import { useField } from './field';

/** Several lines, for what is pasted: files, lists. */
export function TextArea({ className, ...p }: ComponentProps<'textarea'>) {
  const f = useField();
  return (
    <textarea
      className={cn(
        'scroll-thin w-full min-w-0 resize-y rounded-lg border border-line-strong bg-surface px-2.5 py-1.5 font-mono text-base shadow-sm placeholder:text-fg-3 focus-visible:outline-2 focus-visible:outline-accent aria-invalid:border-bad sm:text-xs dark:bg-sunken',
        className,
      )}
      {...f}
      {...p}
    />
  );
}
