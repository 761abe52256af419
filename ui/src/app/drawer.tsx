import { Sheet } from '@/components/ui/overlay';
import { Sidebar } from './sidebar';

/** The sidebar of narrow screens. */
export default function Drawer({ onClose, onSearch }: { onClose: () => void; onSearch: () => void }) {
  return (
    <Sheet side="left" open onOpenChange={(open) => !open && onClose()} title="Navigation">
      <Sidebar onGo={onClose} onSearch={onSearch} />
    </Sheet>
  );
}
