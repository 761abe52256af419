/** Short notices. A list of our own: the primitive library's toast would add 10 kB to every first load. */
import { CircleCheck, TriangleAlert, X } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { cn } from '@/lib/cn';

type Notice = { id: number; kind: 'ok' | 'bad'; title: string; detail?: string };

const STAY_MS = 5000;
let notices: Notice[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function publish(next: Notice[]) {
  notices = next;
  for (const listener of listeners) listener();
}
const dismiss = (id: number) => publish(notices.filter((n) => n.id !== id));
const add = (n: Omit<Notice, 'id'>) => publish([...notices.slice(-3), { ...n, id: nextId++ }]);

export const toast = {
  ok: (title: string, detail?: string) => add({ kind: 'ok', title, detail }),
  /** Errors stay until dismissed. */
  bad: (title: string, detail?: string) => add({ kind: 'bad', title, detail }),
};

function Item({ notice: n }: { notice: Notice }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (n.kind === 'bad' || held) return;
    const timer = setTimeout(() => dismiss(n.id), STAY_MS);
    return () => clearTimeout(timer);
  }, [n, held]);
  return (
    <li
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      className="popup pointer-events-auto flex animate-[rise_160ms_ease-out] items-start gap-2.5 rounded-xl p-3"
    >
      <span className={cn('mt-0.5 [&_svg]:size-4', n.kind === 'bad' ? 'text-bad' : 'text-ok')}>
        {n.kind === 'bad' ? <TriangleAlert aria-hidden="true" /> : <CircleCheck aria-hidden="true" />}
      </span>
      <div className="min-w-0 flex-1 break-words">
        <p className="font-medium">{n.title}</p>
        {n.detail && <p className="text-fg-2">{n.detail}</p>}
      </div>
      <button type="button" aria-label="Dismiss" onClick={() => dismiss(n.id)} className="-m-1 rounded-md p-1.5 text-fg-3 hover:bg-hover">
        <X className="size-3.5" aria-hidden="true" />
      </button>
    </li>
  );
}

export function Toasts() {
  const list = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <section
      aria-label="Notifications"
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-4 z-70 w-[calc(100vw-2rem)] sm:w-90"
    >
      <ul className="flex flex-col gap-2">
        {list.map((n) => (
          <Item key={n.id} notice={n} />
        ))}
      </ul>
    </section>
  );
}
