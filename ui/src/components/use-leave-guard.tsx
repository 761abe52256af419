import { Fragment, type ReactNode, useState } from 'react';
import { Button } from '@/components/ui/button';

type Guard = { dirty: boolean; pending: boolean; what: string; onLeave: () => void; children: ReactNode };

/** Closing a changed form asks before the draft is thrown away; closing while the call runs does nothing. */
export function useLeaveGuard({ dirty, pending, what, onLeave, children }: Guard) {
  const [asking, setAsking] = useState(false);
  const leave = () => {
    if (pending) return;
    if (dirty) setAsking(true);
    else onLeave();
  };
  // Keyed: were a button's element reused, "Keep editing" would turn into the form's submit button in the middle of its own click.
  const footer = asking ? (
    <Fragment key="asking">
      <span role="alert" className="mr-auto font-medium">
        Discard this {what}?
      </span>
      <Button onClick={() => setAsking(false)}>Keep editing</Button>
      <Button variant="danger" onClick={onLeave}>
        Discard
      </Button>
    </Fragment>
  ) : (
    <Fragment key="editing">{children}</Fragment>
  );
  return { leave, footer };
}
