import { Check, Copy } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { cn } from '@/lib/cn';
import { Button } from './button';
import { Tip } from './tooltip';

async function copyText(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard API needs HTTPS or localhost. Gateways are often opened over plain HTTP inside a network.
    const area = document.createElement('textarea');
    area.value = text;
    (document.querySelector('[role=dialog]') ?? document.body).append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

type Props = { text: string; label?: string; className?: string; withText?: boolean };

export function CopyButton({ text, label = 'Copy', className, withText }: Props) {
  const [done, setDone] = useState(false);
  const timer = useRef<number>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  async function copy() {
    await copyText(text);
    setDone(true);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setDone(false), 1600);
  }
  const icon = done ? <Check className={withText ? undefined : 'text-ok'} aria-hidden="true" /> : <Copy aria-hidden="true" />;
  return (
    <>
      {withText ? (
        <Button onClick={copy} variant="primary" className={className} aria-label={label}>
          {icon}
          {done ? 'Copied' : label}
        </Button>
      ) : (
        <Tip label={done ? 'Copied' : label}>
          <Button size="icon-sm" variant="ghost" aria-label={label} onClick={copy} className={cn('size-6 rounded-md', className)}>
            {icon}
          </Button>
        </Tip>
      )}
      <span className="sr-only" aria-live="polite">
        {done ? 'Copied to clipboard' : ''}
      </span>
    </>
  );
}
