import { Confirm } from '@/components/ui/overlay';
import { toast } from '@/components/ui/toast';
import { messageOf } from '@/lib/client';
import { type Deployment, useDeleteDeployment } from '../api/models';

type Props = { d: Deployment; others: number; onClose: () => void };

export default function DeleteModel({ d, others, onClose }: Props) {
  const remove = useDeleteDeployment();
  const name = `${d.provider}/${d.upstream_model}`;
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete ${name}?`}
      action="Delete deployment"
      pending={remove.isPending}
      onConfirm={() =>
        remove.mutate(d.id, {
          onSuccess: () => toast.ok(`${name} is deleted`),
          onError: (e) => toast.bad(`${name} was not deleted`, messageOf(e)),
          onSettled: onClose,
        })
      }
    >
      {others > 0
        ? `Calls to ${d.model_name} go to the ${others === 1 ? 'other deployment' : `${others} other deployments`} of that name. Recorded requests stay.`
        : `It is the only deployment of ${d.model_name}: calls to that name fail with HTTP 404 from now on. Recorded requests stay.`}
    </Confirm>
  );
}
