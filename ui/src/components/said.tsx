/** A sentence of the admin service: names in it stand between backticks. */
export function Said({ text }: { text: string }) {
  return text.split('`').map((part, i) =>
    i % 2 ? (
      <code key={i} className="wrap-anywhere rounded bg-sunken box-decoration-clone px-1 font-mono text-[0.92em]">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
