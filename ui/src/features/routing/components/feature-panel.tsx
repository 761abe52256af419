import type { ReactNode } from 'react';
import { Segmented } from '@/components/ui/controls';
import type { Mode } from './settings-values';

type Props = {
  title: string;
  about: string;
  mode: Mode;
  onMode: (mode: Mode) => void;
  inheritLabel: string;
  /** What holds where nothing is said here. */
  inherited: string;
  /** Whether "off" can be said here against the level above. */
  canBeOff?: boolean;
  error?: string;
  children: ReactNode;
};

/** One part of a policy that is whole or not there, behind its switch. */
export function FeaturePanel({ title, about, mode, onMode, inheritLabel, inherited, canBeOff, error, children }: Props) {
  const options: { value: Mode; label: string }[] = [
    { value: 'inherit', label: inheritLabel },
    { value: 'on', label: 'On' },
  ];
  if (canBeOff) options.push({ value: 'off', label: 'Off' });
  return (
    <section className="card p-4" aria-label={title}>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-44">
          <h2 className="font-semibold text-base">{title}</h2>
          <p className="text-fg-2">{about}</p>
          {mode === 'inherit' && <p className="mt-1 text-fg-3 text-xs">{`Now: ${inherited}`}</p>}
        </div>
        <Segmented label={title} value={mode} onChange={onMode} options={options} />
      </div>
      {error && (
        <p role="alert" className="mt-2 text-bad text-xs">
          {error}
        </p>
      )}
      {mode === 'on' && <div className="mt-4 grid gap-4 sm:grid-cols-2">{children}</div>}
    </section>
  );
}
