import { type ReactNode, useEffect } from 'react';

export function PageHead({ title, sub, children }: { title: string; sub?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · DeltaLLM`;
  }, [title]);
  return (
    <div className="mb-5 flex flex-wrap items-center gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-48">
        <h1 className="font-semibold text-xl tracking-[-0.018em]">{title}</h1>
        {sub && <p className="mt-0.5 text-fg-2">{sub}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  );
}
