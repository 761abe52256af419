import { Confirm } from '@/components/ui/overlay';

type Props = { onStay: () => void; onLeave: () => void };

/** Asked where somebody leaves a changed policy. Loaded only then. */
export default function DiscardChanges({ onStay, onLeave }: Props) {
  return (
    <Confirm open onOpenChange={(open) => !open && onStay()} title="Discard the changes?" action="Discard" onConfirm={onLeave}>
      What was changed here is not saved.
    </Confirm>
  );
}
