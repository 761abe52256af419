import { Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Kbd } from '@/components/ui/badge';
import { Input } from '@/components/ui/field';
import { cn } from '@/lib/cn';
import { useDebounced } from '@/lib/use-debounced';

type Props = {
  value: string | undefined;
  onChange: (v: string | undefined) => void;
  placeholder: string;
  label: string;
  className?: string;
};

/** Writes to the URL when typing pauses; `/` jumps here from anywhere on the page. */
export function SearchBox({ value, onChange, placeholder, label, className }: Props) {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value ?? '');
  const rested = useDebounced(text.trim());
  const sent = useRef(value ?? '');

  useEffect(() => {
    if (rested === sent.current) return;
    sent.current = rested;
    onChange(rested || undefined);
  }, [rested, onChange]);
  useEffect(() => {
    // Changed from outside (reset, back button), not by typing here.
    if ((value ?? '') === sent.current) return;
    sent.current = value ?? '';
    setText(value ?? '');
  }, [value]);
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      if (e.key !== '/' || isTyping(e)) return;
      e.preventDefault();
      box.current?.focus();
    };
    addEventListener('keydown', on);
    return () => removeEventListener('keydown', on);
  }, []);

  return (
    <div className={cn('w-full sm:w-64', className)}>
      <Input
        ref={box}
        type="search"
        value={text}
        onChange={(e) => setText(e.target.value)}
        placeholder={placeholder}
        aria-label={label}
        prefix={<Search aria-hidden="true" />}
        suffix={
          <span className="max-md:hidden">
            <Kbd>/</Kbd>
          </span>
        }
        className="[&::-webkit-search-cancel-button]:hidden"
      />
    </div>
  );
}

/** True when a single-letter shortcut must not act: something is being typed, or a dialog is open. */
export const isTyping = (e: KeyboardEvent) =>
  e.metaKey ||
  e.ctrlKey ||
  e.altKey ||
  e.target instanceof HTMLInputElement ||
  e.target instanceof HTMLTextAreaElement ||
  !!document.querySelector('[role=dialog],[role=alertdialog],[role=menu],[role=listbox]');
